import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { StartedSession } from '../../auth/sessions.ts';

const SESSION = 'bridgeport_session';
const ENVIRONMENT = 'bridgeport_environment';

/** The session's token, for `findSession`. */
export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, SESSION);
}

export function writeSessionCookie(c: Context, session: StartedSession, publicUrl: string | null): void {
  setCookie(c, SESSION, session.token, { ...attributes(c, publicUrl), expires: session.expiresAt });
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, SESSION, { path: '/' });
}

/** The environment that the user looked at last; only a preference. */
export function readEnvironmentCookie(c: Context): string | undefined {
  return getCookie(c, ENVIRONMENT);
}

export function writeEnvironmentCookie(c: Context, environmentId: string, publicUrl: string | null): void {
  setCookie(c, ENVIRONMENT, environmentId, { ...attributes(c, publicUrl), maxAge: 365 * 86_400 });
}

function attributes(c: Context, publicUrl: string | null) {
  const secure = publicUrl?.startsWith('https:') || c.req.url.startsWith('https:');
  return { path: '/', httpOnly: true, sameSite: 'Lax', secure } as const;
}
