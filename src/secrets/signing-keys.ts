import type { Db, SigningKeyRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { SEALED } from './sealed.ts';
import type { Vault } from './vault.ts';

export interface SigningKey {
  readonly id: string;
  /** 32 random bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/**
 * Proves at the start that the master key opens the existing data, and makes the first signing key where there is no
 * data yet. Throws `config` for a master key that does not fit.
 */
export async function checkVault(db: Db, vault: Vault, now: Date): Promise<void> {
  try {
    await openAll(db, vault);
  } catch (error) {
    if (!isAppError(error, 'secret_unreadable')) throw error;
    throw new AppError(
      'config',
      'The master key does not open the existing data. Set MASTER_KEY (or master.key in DATA_DIR) to the key that ' +
        'this data was made with, or to its successor beside the old one as MASTER_KEY_PREVIOUS; nothing was changed.',
      { cause: error },
    );
  }
  await signingKey(db, vault, 'session', now);
}

/** Whether the master key opens what was sealed; what else goes wrong is thrown. */
export async function opensKeys(db: Db, vault: Vault): Promise<boolean> {
  try {
    await openAll(db, vault);
    return true;
  } catch (error) {
    if (isAppError(error, 'secret_unreadable')) return false;
    throw error;
  }
}

async function openAll(db: Db, vault: Vault): Promise<void> {
  for (const row of await db.selectFrom('signing_keys').selectAll().execute()) await openKey(vault, row);
}

/** True once anything was sealed in this database. */
export async function hasSealedData(db: Db): Promise<boolean> {
  return (await db.selectFrom('signing_keys').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** What is stored in the write that makes a key, and only there. */
type WithNewKey = (key: SigningKey) => Promise<(trx: Trx) => Promise<void>>;

/** The newest key of that purpose, made now where there is none. */
export async function signingKey(
  db: Db,
  vault: Vault,
  purpose: SigningKeyRow['purpose'],
  now: Date,
  withNew?: WithNewKey,
): Promise<SigningKey> {
  const row = await newestRow(db, purpose);
  return openKey(vault, row ?? (await createRow({ db, vault, purpose, now, withNew })));
}

async function newestRow(
  db: Db | Trx,
  purpose: SigningKeyRow['purpose'],
): Promise<SigningKeyRow | undefined> {
  return db
    .selectFrom('signing_keys')
    .selectAll()
    .where('purpose', '=', purpose)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Somebody else may make one at the same time: then it is theirs for both. */
async function createRow({
  db,
  vault,
  purpose,
  now,
  withNew,
}: {
  readonly db: Db;
  readonly vault: Vault;
  readonly purpose: SigningKeyRow['purpose'];
  readonly now: Date;
  readonly withNew: WithNewKey | undefined;
}): Promise<SigningKeyRow> {
  const id = newId();
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const sealed = await vault.seal(toBase64Url(secret), SEALED.signingKey.identity(id));
  const store = await withNew?.({ id, secret });
  return write(db, async (trx) => {
    const theirs = await newestRow(trx, purpose);
    if (theirs !== undefined) return theirs;
    const values = { id, purpose, generation: 1, secret: sealed, created_at: now.toISOString() };
    const made = await trx.insertInto('signing_keys').values(values).returningAll().executeTakeFirstOrThrow();
    await store?.(trx);
    return made;
  });
}

async function openKey(vault: Vault, row: SigningKeyRow): Promise<SigningKey> {
  const secret = fromBase64Url(await vault.open(row.secret, SEALED.signingKey.identity(row.id)));
  if (secret?.length !== 32) throw new AppError('secret_unreadable', `The signing key ${row.id} is damaged.`);
  return { id: row.id, secret };
}
