import type { AuditMarkRow, Db, Trx } from '../db/schema.ts';
import { canonicalJson } from '../secrets/canonical-json.ts';
import type { VaultContext } from '../secrets/context.ts';
import { ed25519Signer, isSignedBy } from '../secrets/ed25519.ts';
import { type SigningKey, signingKey } from '../secrets/signing-keys.ts';
import { NO_HASH } from './chain-row.ts';

/**
 * An end of the chain: `start` is the last row that retention removed, `head` the newest that is chained: number 0 before the
 * first is.
 */
export type ChainMark = Readonly<AuditMarkRow>;

/** The ends as they are stored. The head is absent where it was removed, or nobody has needed the key that signs it. */
export async function readMarks(db: Db | Trx): Promise<Partial<Record<ChainMark['name'], ChainMark>>> {
  const rows = await db.selectFrom('audit_marks').selectAll().execute();
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

/** Signed as of now, by the installation's own key for this purpose. Stored by `saveMark`. */
export async function signMark(
  { db, vault, now }: VaultContext,
  mark: Pick<ChainMark, 'name' | 'number' | 'hash'>,
): Promise<ChainMark> {
  return signedBy(await auditKey({ db, vault, now }), mark, now());
}

/**
 * The key that signs the ends. The first is stored together with a signed end of number 0: from then on, a chain without an end
 * is a broken one, and never a new one.
 */
export function auditKey({ db, vault, now }: VaultContext): Promise<SigningKey> {
  return signingKey(db, vault, 'audit', now(), async (key) => {
    const mark = await signedBy(key, { name: 'head', number: 0, hash: NO_HASH }, now());
    return async (trx: Trx) => {
      // One that is there already is of a key that was removed: it stays, and nothing follows it.
      await saveMark(trx, mark, undefined);
    };
  });
}

async function signedBy(
  { id, secret }: SigningKey,
  mark: Pick<ChainMark, 'name' | 'number' | 'hash'>,
  now: Date,
): Promise<ChainMark> {
  const { sign } = await ed25519Signer(secret);
  const dated = { ...mark, at: now.toISOString() };
  return { ...dated, key_id: id, signature: await sign(markText(dated)) };
}

/** False for one that this installation did not sign, or that was changed since. */
export async function isOwnMark(context: VaultContext, mark: ChainMark): Promise<boolean> {
  const { id, secret } = await auditKey(context);
  const { publicKey } = await ed25519Signer(secret);
  return mark.key_id === id && isSignedBy(publicKey, mark.signature, markText(mark));
}

/** Base64url of the key by which anybody can check the marks. */
export async function auditPublicKey(context: VaultContext): Promise<string> {
  return (await ed25519Signer((await auditKey(context)).secret)).publicKey;
}

/** What is signed of a mark. */
export function markText({
  name,
  number,
  hash,
  at,
}: Pick<ChainMark, 'name' | 'number' | 'hash' | 'at'>): string {
  return canonicalJson({ purpose: 'bridgeport audit chain', name, number, hash, at });
}

/** Puts the mark in the place of the one that it follows; false where that one is there no more. */
export async function saveMark(
  trx: Trx,
  mark: ChainMark,
  follows: Pick<ChainMark, 'number' | 'hash'> | undefined,
): Promise<boolean> {
  if (follows === undefined) {
    const added = await trx
      .insertInto('audit_marks')
      .values(mark)
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returning('name')
      .executeTakeFirst();
    return added !== undefined;
  }
  const moved = await trx
    .updateTable('audit_marks')
    .set(mark)
    .where('name', '=', mark.name)
    .where('number', '=', follows.number)
    .where('hash', '=', follows.hash)
    .returning('name')
    .executeTakeFirst();
  return moved !== undefined;
}
