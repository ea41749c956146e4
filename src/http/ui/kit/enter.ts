import type { Context, Hono } from 'hono';
import type { SignedIn } from '../../../auth/login.ts';
import type { Services } from '../../../services-port.ts';
import { addressOf } from '../../request-address.ts';
import { browserOf, writeBrowserCookie } from './browser-cookie.ts';
import type { FormBody } from './form-body.ts';
import { lostFormIn, requestAgain } from './lost-form.ts';
import { ownPath } from './own-path.ts';
import { cookiesWith, writeSessionCookie } from './session-cookie.ts';
import type { UiEnv } from './ui-env.ts';

/** Where somebody at the entrance is: as the use cases of signing in are told. */
export async function originOf(c: Context<UiEnv>, services: Services) {
  return {
    address: addressOf(c, services),
    browser: await browserOf(c, services),
    agent: c.req.header('user-agent') ?? null,
    requestId: c.get('requestId'),
  };
}

/**
 * Lets somebody in who has signed in: their cookies, and where they wanted to go, as the form of the entrance (`body`) says. `pages`
 * are all, which show a lost form again.
 */
export async function enter(
  c: Context<UiEnv>,
  services: Services,
  pages: Pick<Hono<UiEnv>, 'fetch'>,
  {
    signedIn,
    browser,
    body,
  }: { readonly signedIn: SignedIn; readonly browser: string; readonly body: FormBody },
): Promise<Response> {
  writeSessionCookie(c, signedIn, services);
  await writeBrowserCookie(c, browser, services);
  const lost = lostFormIn(body);
  if (lost === null) return c.redirect(ownPath(body['next']), 303);
  const answer = await pages.fetch(requestAgain(c, lost, cookiesWith(c, signedIn, services)), c.env);
  return c.newResponse(answer.body, answer);
}
