import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { StartedSession } from '../../auth/sessions.ts';
import type { Services } from '../../services-port.ts';
import { isHttps } from '../request-address.ts';

const SESSION = 'bridgeport_session';
const ENVIRONMENT = 'bridgeport_environment';

/** The session's token, for `findSession`. */
export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, SESSION);
}

export function writeSessionCookie(c: Context, session: StartedSession, services: Services): void {
  setCookie(c, SESSION, session.token, { ...attributes(c, services), expires: session.expiresAt });
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, SESSION, { path: '/' });
}

/** The environment that the user looked at last; only a preference. */
export function readEnvironmentCookie(c: Context): string | undefined {
  return getCookie(c, ENVIRONMENT);
}

export function writeEnvironmentCookie(c: Context, environmentId: string, services: Services): void {
  setCookie(c, ENVIRONMENT, environmentId, { ...attributes(c, services), maxAge: 365 * 86_400 });
}

function attributes(c: Context, services: Services) {
  return { path: '/', httpOnly: true, sameSite: 'Lax', secure: isHttps(c, services) } as const;
}
