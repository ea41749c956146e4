import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { StartedSession } from '../../../auth/sessions.ts';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const SESSION = 'bridgeport_session';

/** The session's token, for `findSession`. */
export function readSessionCookie(c: Context, services: Services): string | undefined {
  return getCookie(c, SESSION, prefixOf(services));
}

export function writeSessionCookie(c: Context, session: StartedSession, services: Services): void {
  setCookie(c, SESSION, session.token, { ...attributesOf(c, services), expires: session.expiresAt });
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
