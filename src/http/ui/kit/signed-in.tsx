import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { freshForm } from '../../../../views/parts/form-state.ts';
import { findSession } from '../../../auth/sessions.ts';
import { hasUsers } from '../../../auth/users.ts';
import type { Services } from '../../../services-port.ts';
import type { Limits } from '../../rate-limit.ts';
import { isLivePoll } from './live-polls.ts';
import { lostFormOf, lostValues } from './lost-form.ts';
import { readIn } from './reader.ts';
import { sendLogin } from './send-login.tsx';
import { readSessionCookie } from './session-cookie.ts';
import type { UiEnv } from './ui-env.ts';

const SIGNED_OUT =
  'Your session has ended. Sign in, and what you typed is there again, but for what is secret.';

/** Whoever still has to set up the second factor that the installation requires gets no further. */
const SETTING_UP = /^\/account\/second-factor(\/confirm)?$/;

function toSetUp(c: Context) {
  if (c.req.header('hx-request') === 'true') return c.body(null, 401, { 'HX-Refresh': 'true' });
  return c.redirect('/account/second-factor', 303);
}

/**
 * Finds the session of the cookie, or sends to the entrance. A fragment can't be sent there: htmx is told to load the
 * page again, which then is. What was typed into a form comes back after signing in. Only the cookie counts: a bearer token opens no page. Requests are counted by session, but
 * for those of a page that asks by itself how far something is; without a session by address.
 */
export function signedIn(services: Services, limits: Pick<Limits, 'page' | 'entrance'>) {
  return createMiddleware<UiEnv>(async (c, next) => {
    const token = readSessionCookie(c, services);
    const isPoll = isLivePoll(c.req.method, c.req.path);
    const session = token === undefined ? null : await findSession(services, 'ui', token, { isPoll });
    if (session !== null) {
      if (!isPoll) limits.page(c, session);
      if (session.lacksFactor && !SETTING_UP.test(c.req.path)) return toSetUp(c);
      c.set('session', session);
      readIn(c, session);
      return next();
    }
    limits.entrance(c);
    if (c.req.header('hx-request') === 'true') return c.body(null, 401, { 'HX-Refresh': 'true' });
    if (!(await hasUsers(services.db))) return c.redirect('/setup', 303);
    const lost = await lostFormOf(c);
    if (lost !== null)
      return sendLogin(c, services, freshForm(lostValues(lost)), { notice: SIGNED_OUT, status: 401 });
    const { pathname, search } = new URL(c.req.url);
    const isPage = c.req.method === 'GET' && pathname !== '/';
    return c.redirect(isPage ? `/login?next=${encodeURIComponent(pathname + search)}` : '/login', 303);
  });
}
