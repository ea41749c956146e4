import type { Db, Trx } from '../db/schema.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import { plainCode } from './totp.ts';

/** So many there are at first. */
export const RECOVERY_CODES = 10;
/** Without look-alikes; 32, so that each is five bits. */
const ALPHABET = 'abcdefghjkmnpqrstvwxyz0123456789';
const CHARACTERS = 16;

export interface RecoveryCodes {
  /** Such as `k7mw-2fqz-9hxp-c4tr`, 80 bits each: to be shown once. */
  readonly codes: readonly string[];
  readonly hashes: readonly string[];
}

export async function newRecoveryCodes(): Promise<RecoveryCodes> {
  const codes = Array.from({ length: RECOVERY_CODES }, newCode);
  return { codes, hashes: await Promise.all(codes.map(hashOfRecoveryCode)) };
}

/** Of what was typed, with or without its hyphens. 80 random bits need no slow hash. */
export async function hashOfRecoveryCode(code: string): Promise<string> {
  const bytes = new TextEncoder().encode(`recovery code:${plainCode(code)}`);
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Puts these in the place of all that the user has. */
export async function storeRecoveryCodes(trx: Trx, userId: string, hashes: readonly string[]): Promise<void> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
  if (hashes.length === 0) return;
  const rows = hashes.map((code_hash) => ({ user_id: userId, code_hash }));
  await trx.insertInto('recovery_codes').values(rows).execute();
}

/** Uses one up; false where the user has no such one, or has used it. */
export async function takeRecoveryCode(trx: Trx, userId: string, hash: string): Promise<boolean> {
  const taken = await trx
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('code_hash', '=', hash)
    .returning('code_hash')
    .executeTakeFirst();
  return taken !== undefined;
}

/** How many the user has left. */
export async function countRecoveryCodes(db: Db | Trx, userId: string): Promise<number> {
  const rows = await db
    .selectFrom('recovery_codes')
    .select('code_hash')
    .where('user_id', '=', userId)
    .execute();
  return rows.length;
}

function newCode(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(CHARACTERS));
  const characters = Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]);
  return characters.join('').replace(/(.{4})(?=.)/g, '$1-');
}
