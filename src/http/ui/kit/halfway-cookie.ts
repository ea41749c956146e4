import type { Context } from 'hono';
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie';
import type { Halfway } from '../../../auth/login.ts';
import { sessionSecret } from '../../../auth/session-secret.ts';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const HALFWAY = 'bridgeport_halfway';
/** For looking up a code. */
const KEPT_S = 300;

/** Notes in this browser, signed, that the password was right: it opens nothing but the question for the code. */
export async function writeHalfwayCookie(
  c: Context,
  { userId, passwordDigest }: Halfway,
  services: Services,
): Promise<void> {
  const endsAt = services.now().getTime() + KEPT_S * 1000;
  const value = ['halfway', userId, passwordDigest, endsAt].join('.');
  const attributes = { ...attributesOf(c, services), maxAge: KEPT_S };
  await setSignedCookie(c, HALFWAY, value, await sessionSecret(services), attributes);
}

/** Null where nobody is halfway in, or for longer than five minutes by the clock of the installation. */
export async function readHalfwayCookie(c: Context, services: Services): Promise<Halfway | null> {
  const value = await getSignedCookie(c, await sessionSecret(services), HALFWAY, prefixOf(services));
  if (typeof value !== 'string') return null;
  const [kind, userId, passwordDigest, endsAt] = value.split('.');
  if (kind !== 'halfway' || userId === undefined || passwordDigest === undefined) return null;
  const leftMs = Number(endsAt) - services.now().getTime();
  // More than it was given: the clock was set back since.
  return leftMs > 0 && leftMs <= KEPT_S * 1000 ? { userId, passwordDigest } : null;
}

export function clearHalfwayCookie(c: Context, services: Services): void {
  deleteCookie(c, HALFWAY, attributesOf(c, services));
}
