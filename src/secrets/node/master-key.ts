import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import type { Db } from '../../db/schema.ts';
import { AppError, isAppError } from '../../errors.ts';
import { hasSealedData } from '../signing-keys.ts';

/** What of the configuration decides the master key. */
export type MasterKeyConfig = Pick<Config, 'dataDir' | 'masterKey' | 'masterKeyPrevious'>;

export interface MasterKey {
  readonly key: Uint8Array;
  /** Keys that still open what they sealed, while the master key is being rotated. */
  readonly previous: readonly Uint8Array[];
  /** `generated`: made just now; say loudly that it must be copied elsewhere. */
  readonly source: 'environment' | 'file' | 'generated';
  readonly file: string;
}

/**
 * The master key of MASTER_KEY, else of `master.key` in the data folder, which is made (0600) where there is no sealed
 * data yet. MASTER_KEY_PREVIOUS, and `master.key.previous` beside the file, open what was sealed before a rotation.
 * Throws `config` for an unreadable key file, and for a missing one where data was sealed with it.
 */
export async function loadMasterKey(config: MasterKeyConfig, db: Db): Promise<MasterKey> {
  const file = keyFile(config);
  const configured = config.masterKeyPrevious === null ? [] : [config.masterKeyPrevious];
  if (config.masterKey !== null) {
    return { key: config.masterKey, previous: configured, source: 'environment', file };
  }
  const key = await readKeyFile(file);
  if (key !== null) {
    const kept = await readKeyFile(previousFile(config));
    // The same key twice: a rotation ended between its copy and the new key.
    const previous = kept === null || isSame(kept, key) ? configured : [...configured, kept];
    return { key, previous, source: 'file', file };
  }
  if (await hasSealedData(db)) {
    throw new AppError(
      'config',
      `The master key is missing: ${file} is not there and MASTER_KEY is not set, but the existing data was sealed ` +
        'with a key. Bring the copy of that key back; a new one could not open the data.',
    );
  }
  return { key: await writeNewKey(config), previous: [], source: 'generated', file };
}

/**
 * The first step of a rotation of the key file: the old key is kept as `master.key.previous`, then a new one takes its
 * place. Gives the file of the new key.
 */
export async function beginKeyFiles(config: MasterKeyConfig, oldKey: Uint8Array): Promise<string> {
  await writeKeyFile(config.dataDir, previousFile(config), oldKey);
  await writeNewKey(config);
  return keyFile(config);
}

/** The last step: what the kept key sealed is sealed anew, so that it opens nothing any more. */
export async function endKeyFiles(config: MasterKeyConfig): Promise<void> {
  await rm(previousFile(config), { force: true });
}

const keyFile = ({ dataDir }: MasterKeyConfig) => join(dataDir, 'master.key');
const previousFile = ({ dataDir }: MasterKeyConfig) => join(dataDir, 'master.key.previous');

async function writeNewKey(config: MasterKeyConfig): Promise<Uint8Array> {
  const key = new Uint8Array(randomBytes(32));
  await writeKeyFile(config.dataDir, keyFile(config), key);
  return key;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one).equals(Buffer.from(other));
}

async function readKeyFile(file: string): Promise<Uint8Array | null> {
  try {
    return parseKey(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if (isAppError(cause)) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new AppError('config', `Can't read the master key file ${file}. Check its owner and rights.`, {
      cause,
    });
  }
}

function parseKey(text: string, file: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text.trim())) {
    throw new AppError(
      'config',
      `${file} must hold 32 bytes as base64, one line. Bring the copy of the key back.`,
    );
  }
  return new Uint8Array(Buffer.from(text.trim(), 'base64'));
}

/** Written aside, synced, then renamed: a crash leaves a whole key or none. */
async function writeKeyFile(dataDir: string, file: string, key: Uint8Array): Promise<void> {
  try {
    await writeAside(dataDir, file, key);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'config',
      `Can't write the master key file ${file}: ${reason}. Nothing was sealed with it yet.`,
      { cause },
    );
  }
}

async function writeAside(dataDir: string, file: string, key: Uint8Array): Promise<void> {
  const aside = `${file}.new`;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const handle = await open(aside, 'w', 0o600);
  try {
    await handle.writeFile(`${Buffer.from(key).toString('base64')}\n`);
    await handle.sync();
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(aside, file);
  const folder = await open(dataDir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
