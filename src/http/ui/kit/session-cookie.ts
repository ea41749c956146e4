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

export function clearSessionCookie(c: Context, services: Services): void {
  deleteCookie(c, SESSION, attributesOf(c, services));
}
