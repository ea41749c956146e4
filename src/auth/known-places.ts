import { clientOf } from '../cidr.ts';
import type { Db, SignInPlaceRow, Trx } from '../db/schema.ts';
import { toBase64Url } from '../secrets/base64url.ts';

/** Where a person or a client signs in from. */
export interface Origin {
  readonly address: string | null;
  /** The random id in the signed cookie of a browser; null for whatever keeps none. */
  readonly browser: string | null;
  /** What the browser or client calls itself (User-Agent). */
  readonly agent?: string | null;
  /** The request, for the audit. */
  readonly requestId?: string | null;
}

/** Of each kind and account the latest so many are kept, for so long. */
const KEPT = 20;
const KEPT_MS = 90 * 86_400_000;

/**
 * The place, such as `address 203.0.113.7`, where this account has signed in before; null for none. The browser before the
 * address, which a proxy may give to everybody.
 */
export async function knownPlace(db: Db, userId: string, from: Origin, now: Date): Promise<string | null> {
  const since = new Date(now.getTime() - KEPT_MS).toISOString();
  for (const { kind, place } of await placesOf(from)) {
    const row = await db
      .selectFrom('sign_in_places')
      .select('place')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('place', '=', place)
      .where('last_at', '>', since)
      .executeTakeFirst();
    if (row !== undefined) return `${kind} ${place}`;
  }
  return null;
}

/** Notes that the account signed in from there; the oldest places give way. */
export async function rememberPlaces(trx: Trx, userId: string, from: Origin, now: Date): Promise<void> {
  const last_at = now.toISOString();
  for (const { kind, place } of await placesOf(from)) {
    await trx
      .insertInto('sign_in_places')
      .values({ user_id: userId, kind, place, last_at })
      .onConflict((conflict) => conflict.columns(['user_id', 'kind', 'place']).doUpdateSet({ last_at }))
      .execute();
    const kept = trx
      .selectFrom('sign_in_places')
      .select('place')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('last_at', '>', new Date(now.getTime() - KEPT_MS).toISOString())
      .orderBy('last_at', 'desc')
      .orderBy('place')
      .limit(KEPT);
    await trx
      .deleteFrom('sign_in_places')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('place', 'not in', kept)
      .execute();
  }
}

type Place = Pick<SignInPlaceRow, 'kind' | 'place'>;

async function placesOf({ address, browser }: Origin): Promise<readonly Place[]> {
  return [
    ...(browser === null ? [] : [{ kind: 'browser', place: await hashOf(browser) } as const]),
    ...(address === null ? [] : [{ kind: 'address', place: clientOf(address) } as const]),
  ];
}

/** The row holds the hash: whoever reads the database can't make the cookie. */
async function hashOf(browser: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(browser));
  return toBase64Url(new Uint8Array(digest));
}
