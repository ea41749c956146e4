import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { AccountPage } from '../../../views/account/account-page.tsx';
import { questionOfLink, type SignOnOfAccount } from '../../../views/account/linked-sign-on.tsx';
import { questionOfSession, type SessionItem } from '../../../views/account/session-table.tsx';
import type { Question } from '../../../views/parts/dialog.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { samePage } from '../../../views/parts/pager.tsx';
import { questionOfToken, type TokenItem } from '../../../views/tokens/token-table.tsx';
import { changePassword } from '../../auth/change-password.ts';
import { endOneSession, listSessions } from '../../auth/own-sessions.ts';
import { chooseZone, ownZone } from '../../auth/own-zone.ts';
import { leastPassword, newPasswordField } from '../../auth/password-rules.ts';
import { factorOf } from '../../auth/second-factor.ts';
import type { Page } from '../../page.ts';
import type { Services } from '../../services-port.ts';
import { readTimeZone } from '../../settings/settings.ts';
import { accountSignOnRoutes, signOnOf } from './account-sign-on.tsx';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { THEMES, writeThemeCookie } from './kit/reader.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { clearSessionCookie } from './kit/session-cookie.ts';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { ownTokens } from './own-tokens.ts';

const SECRETS = ['currentPassword', 'newPassword'];

/** Beside the tokens, of which there may be fifty. */
const SESSIONS_SHOWN = 20;
const displayForm = z.object({ timeZone: ownZone, theme: z.enum(THEMES) });

/** Forms of the page that came back. */
interface RefusedForms {
  readonly password?: FormState;
  readonly display?: FormState;
  readonly link?: FormState;
}

/** One's own account. */
export function accountRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const passwordForm = z.object({
    currentPassword: z.string().min(1).max(1024),
    newPassword: newPasswordField(services.config, 'page'),
  });
  const page = async (c: Context<UiEnv>, refused: RefusedForms = {}) => {
    const { id: ownId, user, timeZone } = c.get('session');
    const { tokens, more: moreTokens } = await ownTokens(services, user.id);
    const sessionPage = pageOf(c, SESSIONS_SHOWN);
    const { sessions: listed, total } = await listSessions(services, user.id, sessionPage);
    const sessions = listed.map((session) => ({ ...session, isCurrent: session.id === ownId }));
    const signOn = await signOnOf(c, services, refused.link);
    return (
      <AccountPage
        frame={await frameOf(c, services)}
        form={refused.password ?? freshForm()}
        display={refused.display ?? freshForm({ timeZone: timeZone ?? '', theme: c.get('reader').theme })}
        zone={await readTimeZone(services.db)}
        leastPassword={leastPassword(services.config, 'page')}
        tokens={tokens}
        moreTokens={moreTokens}
        sessions={sessions}
        sessionPage={{ ...sessionPage, total }}
        signOn={signOn}
        hasSecondFactor={(await factorOf(services.db, user.id)) !== null}
        question={questionOf(c, { tokens, sessions, sessionPage, signOn })}
      />
    );
  };

  ui.get('/account', only('viewer'), async (c) => sendPage(c, await page(c)));

  ui.route(
    '/',
    accountSignOnRoutes(services, async (c, link) => sendPage(c, await page(c, { link }), 422)),
  );

  ui.post('/account/display', only('viewer'), async (c) =>
    submit(c, services, {
      parse: (body) =>
        displayForm.safeParse({ timeZone: (body['timeZone'] ?? '').trim(), theme: body['theme'] }),
      refuse: async (display) => sendPage(c, await page(c, { display }), 422),
      async act({ timeZone, theme }) {
        // A lost form is shown again before anything is saved.
        actorOf(c, services);
        await chooseZone(services, c.get('session').user.id, timeZone);
        writeThemeCookie(c, theme, services);
        return { to: '/account', say: 'display-saved' };
      },
    }),
  );

  ui.post('/account/password', only('viewer'), async (c) =>
    submit(c, services, {
      parse: (body) => passwordForm.safeParse(body),
      secrets: SECRETS,
      refuse: async (password) => sendPage(c, await page(c, { password }), 422),
      async act(input) {
        await changePassword(services, actorOf(c, services), c.get('session').user.id, input);
        clearSessionCookie(c, services);
        return { to: '/login', say: 'password-changed' };
      },
    }),
  );

  ui.post('/account/sessions/:sessionId/end', only('viewer'), async (c) => {
    const { id, user } = c.get('session');
    const sessionId = c.req.param('sessionId');
    await endOneSession(services, actorOf(c, services), { userId: user.id, sessionId });
    if (sessionId !== id) return goTo(c, services, '/account', 'session-ended');
    clearSessionCookie(c, services);
    return goTo(c, services, '/login', 'session-ended');
  });

  return ui;
}

/** The one that the address asks. */
function questionOf(
  c: Context<UiEnv>,
  own: {
    readonly tokens: readonly TokenItem[];
    readonly sessions: readonly SessionItem[];
    readonly sessionPage: Page;
    readonly signOn: SignOnOfAccount;
  },
): Question | null {
  const { revoke, end, unlink } = c.req.query();
  const token = own.tokens.find(({ id }) => id === revoke);
  if (token !== undefined) return questionOfToken(token, `/account/tokens/${token.id}/revoke`, '/account');
  const session = own.sessions.find(({ id }) => id === end);
  if (session !== undefined) return questionOfSession(session, samePage('/account', own.sessionPage));
  const link = own.signOn.links.find(({ id }) => id === unlink);
  return link === undefined || !own.signOn.hasPassword ? null : questionOfLink(link);
}
