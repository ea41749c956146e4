import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { StartedSession } from '../../../auth/sessions.ts';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const SESSION = 'bridgeport_session';
/** Browsers keep no cookie for longer than 400 days, and hono refuses to set one; a day less, since it looks at a clock of its own. */
const MOST_DAYS = 399;

/** The session's token, for `findSession`. */
export function readSessionCookie(c: Context, services: Services): string | undefined {
  return getCookie(c, SESSION, prefixOf(services));
}

export function writeSessionCookie(c: Context, session: StartedSession, services: Services): void {
  const last = services.now().getTime() + MOST_DAYS * 86_400_000;
  const expires = new Date(Math.min(session.expiresAt.getTime(), last));
  setCookie(c, SESSION, session.token, { ...attributesOf(c, services), expires });
}

/** The request's cookies as they will be once that session's has been written. */
export function cookiesWith(c: Context, { token }: StartedSession, services: Services): string {
  const name = prefixOf(services) === 'host' ? `__Host-${SESSION}` : SESSION;
  const others = (c.req.header('cookie') ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '' && !cookie.startsWith(`${name}=`));
  return [...others, `${name}=${token}`].join('; ');
}

export function clearSessionCookie(c: Context, services: Services): void {
  deleteCookie(c, SESSION, attributesOf(c, services));
}
