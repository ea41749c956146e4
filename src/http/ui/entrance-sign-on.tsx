import { type Context, Hono } from 'hono';
import { findSession, type Session } from '../../auth/sessions.ts';
import { isAppError } from '../../errors.ts';
import { beginSignOn } from '../../oidc/begin.ts';
import { OidcFailure } from '../../oidc/failure.ts';
import { finishLink } from '../../oidc/link.ts';
import { redirectUriOf } from '../../oidc/settings.ts';
import { finishSignOn, noteTrouble, refuseStrange } from '../../oidc/sign-on.ts';
import type { Transaction } from '../../oidc/transaction.ts';
import type { Services } from '../../services-port.ts';
import type { Limits } from '../rate-limit.ts';
import { addressOf, ownAddress } from '../request-address.ts';
import { enter, originOf } from './kit/enter.ts';
import { goTo } from './kit/flash.ts';
import { ownPath } from './kit/own-path.ts';
import { readSessionCookie } from './kit/session-cookie.ts';
import { sayNext, takeTransaction, writeTransaction } from './kit/sign-on-cookies.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** To the provider of the installation, and back. What went wrong is said on the page that it began on. */
export function entranceSignOnRoutes(
  services: Services,
  limits: Pick<Limits, 'signOn'>,
  pages: Pick<Hono<UiEnv>, 'fetch'>,
): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  ui.on('GET', ['/login/oidc', '/login/oidc/callback'], async (c, next) => {
    limits.signOn(c);
    await next();
  });

  ui.get('/login/oidc', async (c) => {
    try {
      const next = ownPath(c.req.query('next'));
      const redirectUri = redirectUriOf(ownAddress(c, services));
      const { url, transaction } = await beginSignOn(services, { next, link: null, redirectUri });
      await writeTransaction(c, transaction, services);
      return c.redirect(url, 303);
    } catch (error) {
      if (!isAppError(error, 'unauthorized', 'not_found', 'secret_unreadable')) throw error;
      await noteTrouble(services, { user: null, from: await originOf(c, services), why: error.message });
      return sayAt(c, services, '/login', error.message);
    }
  });

  ui.get('/login/oidc/callback', async (c) => {
    const answer = new URL(c.req.url).searchParams;
    const transaction = await takeTransaction(c, answer.get('state'), services);
    const from = await originOf(c, services);
    if (transaction === null) {
      return sayAt(c, services, '/login', (await refuseStrange(services, from)).message);
    }
    if (transaction.link !== null) return link(c, services, transaction, answer);
    try {
      const signedIn = await finishSignOn(services, { transaction, answer, from });
      const body = { next: transaction.next };
      const entered = await enter(c, services, pages, { signedIn, browser: from.browser, body });
      return signedIn.keepsRole ? goTo(c, services, ownPath(transaction.next), 'role-kept') : entered;
    } catch (error) {
      if (!(error instanceof OidcFailure)) throw error;
      return sayAt(c, services, '/login', error.message);
    }
  });

  return ui;
}

/** For the very session that began it. */
async function link(
  c: Context<UiEnv>,
  services: Services,
  transaction: Transaction,
  answer: URLSearchParams,
): Promise<Response> {
  const session = await sessionOf(c, services);
  const from = await originOf(c, services);
  if (session === null) {
    await noteTrouble(services, { user: null, from, why: ENDED });
    return sayAt(c, services, '/login', ENDED);
  }
  const actor = {
    ...{ userId: session.user.id, address: addressOf(c, services) },
    requestId: c.get('requestId'),
  };
  const own = { userId: session.user.id, sessionId: session.id };
  try {
    await finishLink(services, actor, { ...own, transaction, answer });
    return goTo(c, services, '/account', 'sign-on-linked');
  } catch (error) {
    if (!(error instanceof OidcFailure)) throw error;
    return sayAt(c, services, '/account', error.message);
  }
}

const ENDED = 'Your session has ended. Sign in, and begin the link again under Account. Nothing was linked.';

async function sessionOf(c: Context<UiEnv>, services: Services): Promise<Session | null> {
  const token = readSessionCookie(c, services);
  const session = token === undefined ? null : await findSession(services, 'ui', token);
  return session === null || session.lacksFactor ? null : session;
}

async function sayAt(c: Context<UiEnv>, services: Services, path: string, text: string): Promise<Response> {
  await sayNext(c, text, services);
  return c.redirect(path, 303);
}
