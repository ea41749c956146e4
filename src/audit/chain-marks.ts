import type { AuditMarkRow, Db, Trx } from '../db/schema.ts';
import { canonicalJson } from '../secrets/canonical-json.ts';
import type { VaultContext } from '../secrets/context.ts';
import { ed25519Signer, isSignedBy } from '../secrets/ed25519.ts';
import { signingKey } from '../secrets/signing-keys.ts';

/** An end of the chain: `start` is the last row that retention removed, `head` the newest that is chained. */
export type ChainMark = Readonly<AuditMarkRow>;

/** The ends as they are stored; absent before the first row is chained, or removed. */
export async function readMarks(db: Db | Trx): Promise<Partial<Record<ChainMark['name'], ChainMark>>> {
  const rows = await db.selectFrom('audit_marks').selectAll().execute();
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

/** Signed as of now, by the installation's own key for this purpose. Stored by `saveMark`. */
export async function signMark(
  { db, vault, now }: VaultContext,
  mark: Pick<ChainMark, 'name' | 'number' | 'hash'>,
): Promise<ChainMark> {
  const { id, secret } = await signingKey(db, vault, 'audit', now());
  const { sign } = await ed25519Signer(secret);
  const dated = { ...mark, at: now().toISOString() };
  return { ...dated, key_id: id, signature: await sign(markText(dated)) };
}

/** False for one that this installation did not sign, or that was changed since. */
export async function isOwnMark({ db, vault, now }: VaultContext, mark: ChainMark): Promise<boolean> {
  const { id, secret } = await signingKey(db, vault, 'audit', now());
  const { publicKey } = await ed25519Signer(secret);
  return mark.key_id === id && isSignedBy(publicKey, mark.signature, markText(mark));
}

/** Base64url of the key by which anybody can check the marks. */
export async function auditPublicKey({ db, vault, now }: VaultContext): Promise<string> {
  return (await ed25519Signer((await signingKey(db, vault, 'audit', now())).secret)).publicKey;
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
