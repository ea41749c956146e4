import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { hasSealedData } from './signing-keys.ts';

export interface MasterKey {
  readonly key: Uint8Array;
  /** `generated`: made just now; say loudly that it must be copied elsewhere. */
  readonly source: 'environment' | 'file' | 'generated';
  readonly file: string;
}

/**
 * The master key of MASTER_KEY, else of `master.key` in the data folder, which is made (0600) where there is no sealed
 * data yet. Throws `config` for an unreadable key file, and for a missing one where data was sealed with it.
 */
export async function loadMasterKey(
  config: { readonly dataDir: string; readonly masterKey: Uint8Array | null },
  db: Db,
): Promise<MasterKey> {
  const file = join(config.dataDir, 'master.key');
  if (config.masterKey !== null) return { key: config.masterKey, source: 'environment', file };
  const text = await readKeyFile(file);
  if (text !== null) return { key: parseKey(text, file), source: 'file', file };
  if (await hasSealedData(db)) {
    throw new AppError(
      'config',
      `The master key is missing: ${file} is not there and MASTER_KEY is not set, but the existing data was sealed ` +
        'with a key. Bring the copy of that key back; a new one could not open the data.',
    );
  }
  const key = randomBytes(32);
  await writeKeyFile(config.dataDir, file, `${key.toString('base64')}\n`);
  return { key: new Uint8Array(key), source: 'generated', file };
}

async function readKeyFile(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
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
async function writeKeyFile(dataDir: string, file: string, text: string): Promise<void> {
  const aside = `${file}.new`;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const handle = await open(aside, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
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
