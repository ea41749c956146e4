import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import * as z from 'zod';
import { isAppError } from '../../errors.ts';
import { SEALED_FOR_BROWSERS } from '../../secrets/sealed.ts';
import type { Services } from '../../services-port.ts';
import { TOKEN_ACCESSES } from '../../tokens/acting-token.ts';
import { attributesOf, prefixOf } from './kit/cookie-attributes.ts';
import type { UiEnv } from './kit/ui-env.ts';

const MADE = 'bridgeport_made_';
/** Long enough for a slow redirect. */
const KEPT_S = 60;
const ID = /^c[0-9a-z]{24}$/;

const madeToken = z.object({
  ...{ token: z.string(), name: z.string(), expiresAt: z.string() },
  access: z.enum(TOKEN_ACCESSES),
  /** One that it reaches; absent where there is none. */
  environmentId: z.string().optional(),
  endsAt: z.number(),
});
/** A token as it is shown, this once. */
export type MadeToken = Readonly<Omit<z.infer<typeof madeToken>, 'endsAt'>>;

/**
 * Leaves a new token in this browser for the one page that shows it: sealed, for this session, no address holds it. That page
 * has an address, so that loading it again sends no form and makes no second token. One cookie for each: two tabs are not in each other's way.
 */
export async function leaveMadeToken(
  c: Context<UiEnv>,
  services: Services,
  id: string,
  made: MadeToken,
): Promise<void> {
  const endsAt = services.now().getTime() + KEPT_S * 1000;
  const sealed = await services.vault.seal(
    JSON.stringify({ ...made, endsAt }),
    SEALED_FOR_BROWSERS.madeToken.identity(c.get('session').id, id),
  );
  setCookie(c, `${MADE}${id}`, sealed, { ...attributesOf(c, services), maxAge: KEPT_S });
}

/** The token that was left, which is forgotten with that; null where it was shown before, or in another session, or too long ago. */
export async function takeMadeToken(
  c: Context<UiEnv>,
  services: Services,
  id: string,
): Promise<MadeToken | null> {
  if (!ID.test(id)) return null;
  const sealed = getCookie(c, `${MADE}${id}`, prefixOf(services));
  if (sealed === undefined) return null;
  deleteCookie(c, `${MADE}${id}`, attributesOf(c, services));
  const text = await openOrNull(services, sealed, { sessionId: c.get('session').id, id });
  if (text === null) return null;
  const { endsAt, ...made } = madeToken.parse(JSON.parse(text));
  const leftMs = endsAt - services.now().getTime();
  // More than it was given: the clock was set back since.
  return leftMs > 0 && leftMs <= KEPT_S * 1000 ? made : null;
}

/** Of a cookie that was changed, or is another session's, nothing is shown. */
async function openOrNull(
  { vault }: Services,
  sealed: string,
  { sessionId, id }: { readonly sessionId: string; readonly id: string },
): Promise<string | null> {
  try {
    return await vault.open(sealed, SEALED_FOR_BROWSERS.madeToken.identity(sessionId, id));
  } catch (error) {
    if (isAppError(error, 'secret_unreadable')) return null;
    throw error;
  }
}
