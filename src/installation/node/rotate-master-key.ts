import { auditEntry, recordAudit } from '../../audit/audit.ts';
import type { Db } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import { AppError } from '../../errors.ts';
import {
  beginKeyFiles,
  endKeyFiles,
  loadMasterKey,
  type MasterKeyConfig,
} from '../../secrets/node/master-key.ts';
import { openAll, type Resealed, resealAll } from '../../secrets/reseal.ts';
import { isSealingKey } from '../../secrets/sealing-key.ts';
import { hasSealedData } from '../../secrets/signing-keys.ts';
import { createVault } from '../../secrets/vault.ts';
import { saveSettings } from '../../settings/settings.ts';

export interface RotationContext {
  readonly db: Db;
  readonly config: MasterKeyConfig;
  readonly now: () => Date;
  /** Whether an app works on this data folder now. */
  readonly isAppRunning: boolean;
}

export type Rotation =
  /** The key files are ready; the running app must be started again before anything is sealed with the new key. */
  | { readonly kind: 'restart'; readonly file: string }
  | ({ readonly kind: 'done'; readonly madeKey: string | null } & Resealed);

/**
 * Seals every secret with the present master key. With MASTER_KEY it opens what MASTER_KEY_PREVIOUS sealed. With the
 * key file of the data folder it makes a new key first, in an order in which a crash at any point leaves keys that open
 * everything: the old key is copied to `master.key.previous`, the new one replaces `master.key`, the secrets are sealed
 * anew, and only then the copy goes. Throws `config` and `secret_unreadable`, with no secret changed.
 */
export async function rotateMasterKey(context: RotationContext): Promise<Rotation> {
  const { db, config } = context;
  if (!(await hasSealedData(db))) {
    throw new AppError('config', 'There is nothing to rotate yet: start the app once on this data folder.');
  }
  const madeKey = await beginRotation(context);
  const { key, previous, file } = await loadMasterKey(config, db);
  const vault = await createVault(key, previous);
  if (context.isAppRunning && !(await isSealingKey(db, vault.keyId))) {
    if (isKeptInFile(config)) return { kind: 'restart', file };
    throw mustRestart();
  }
  const resealed = await resealAll(db, vault);
  // The proof before the old key goes: the present one alone opens everything.
  await openAll(db, await createVault(key));
  if (resealed.resealed > 0) {
    const entry = auditEntry('master_key', 'rotate', { id: null }, { details: { ...resealed } });
    await write(db, (trx) => recordAudit(trx, { userId: null, address: null }, entry, context.now()));
  }
  if (isKeptInFile(config)) await endKeyFiles(config);
  return { kind: 'done', madeKey, ...resealed };
}

/** Keys of the environment are the admin's to make and to keep. */
const isKeptInFile = (config: MasterKeyConfig) =>
  config.masterKey === null && config.masterKeyPrevious === null;

/** The file of a key made now; null where there is a new one already. */
async function beginRotation({ db, config, now }: RotationContext): Promise<string | null> {
  if (!isKeptInFile(config)) return null;
  const { key, previous } = await loadMasterKey(config, db);
  // A key that does not open the data must not be set aside for a new one.
  await openAll(db, await createVault(key, previous));
  if (previous.length > 0) return null;
  // The copy that an admin confirmed is of the old key.
  await write(db, (trx) => saveSettings(trx, { masterKeyCopiedAt: null }, now()));
  return beginKeyFiles(config, key);
}

function mustRestart(): AppError {
  return new AppError(
    'config',
    'The running app does not seal with this master key yet. Start it with the new key as MASTER_KEY and the old one ' +
      'as MASTER_KEY_PREVIOUS, then run this command with the same two. Nothing was changed.',
  );
}
