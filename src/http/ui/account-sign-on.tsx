import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { ContinuePage } from '../../../views/account/continue-page.tsx';
import type { SignOnOfAccount } from '../../../views/account/linked-sign-on.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { findSession } from '../../auth/sessions.ts';
import { isSameIssuer } from '../../auth/ways-in.ts';
import { hasPassword, listIdentities, unlink } from '../../oidc/identities.ts';
import { beginLink } from '../../oidc/link.ts';
import { readOidc, redirectUriOf } from '../../oidc/settings.ts';
import type { Services } from '../../services-port.ts';
import { ownAddress } from '../request-address.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { clearSessionCookie, readSessionCookie } from './kit/session-cookie.ts';
import { takeSaid, writeTransaction } from './kit/sign-on-cookies.ts';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const linkForm = z.object({ ownPassword: z.string().min(1).max(1024) });

/** Linking one's own account to somebody of the provider, and taking that off. */
export function accountSignOnRoutes(
  services: Services,
  sendAccount: (c: Context<UiEnv>, link: FormState) => Promise<Response>,
): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/account/single-sign-on/link', only('viewer'), async (c) =>
    submit(c, services, {
      parse: (body) => linkForm.safeParse(body),
      secrets: ['ownPassword'],
      refuse: (form) => sendAccount(c, form),
      async act({ ownPassword: currentPassword }) {
        actorOf(c, services);
        const { id: sessionId, user } = c.get('session');
        const redirectUri = redirectUriOf(ownAddress(c, services));
        const own = { userId: user.id, sessionId, currentPassword, redirectUri };
        const { url, transaction } = await beginLink(services, own);
        await writeTransaction(c, transaction, services);
        const name = (await readOidc(services.db))?.name ?? '';
        return sendPage(c, <ContinuePage frame={await frameOf(c, services)} name={name} url={url} />);
      },
    }),
  );

  ui.post('/account/single-sign-on/:identityId/unlink', only('viewer'), async (c) => {
    const { user } = c.get('session');
    const identityId = c.req.param('identityId');
    await unlink(services, actorOf(c, services), { userId: user.id, identityId });
    // The session that it was asked from may have begun by the link.
    const token = readSessionCookie(c, services);
    if (token !== undefined && (await findSession(services, 'ui', token)) !== null) {
      return goTo(c, services, '/account', 'sign-on-unlinked');
    }
    clearSessionCookie(c, services);
    return goTo(c, services, '/login', 'sign-on-unlinked');
  });

  return ui;
}

/** What the page of the account shows of it. */
export async function signOnOf(
  c: Context<UiEnv>,
  services: Services,
  form: FormState = freshForm(),
): Promise<SignOnOfAccount> {
  const { user } = c.get('session');
  const provider = await readOidc(services.db);
  const links = await listIdentities(services.db, user.id);
  return {
    name: provider?.name ?? null,
    links,
    isLinked: links.some(({ issuer }) => isSameIssuer(issuer, provider?.issuer ?? '')),
    hasPassword: await hasPassword(services.db, user.id),
    form,
    trouble: await takeSaid(c, services),
  };
}
