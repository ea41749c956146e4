import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, isAppError } from '../errors.ts';

export interface DataDirLock {
  release(): void;
}

/**
 * Makes the data folder (0700) and takes it for this process alone. The lock is the kernel's, on a SQLite file of its
 * own, so it is gone when the process is, however that ends. Throws `config` when another process holds it.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const file = join(dataDir, 'lock.sqlite');
  let connection: Database.Database | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    connection = new Database(file, { timeout: 0 });
    chmodSync(file, 0o600);
    connection.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    connection?.close();
    throw refusal(dataDir, cause);
  }
  const held = connection;
  return { release: () => held.close() };
}

/** As `lockDataDir`, or null when another process holds it. */
export function tryLockDataDir(dataDir: string): DataDirLock | null {
  try {
    return lockDataDir(dataDir);
  } catch (error) {
    if (isAppError(error) && error.details['isHeld'] === true) return null;
    throw error;
  }
}

function refusal(dataDir: string, cause: unknown): AppError {
  const isBusy = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY');
  if (isBusy) {
    return new AppError(
      'config',
      `Another process is already running on ${dataDir}. Stop it first, or set DATA_DIR to another folder.`,
      { cause, details: { isHeld: true } },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError(
    'config',
    `Can't use the data folder ${dataDir}: ${reason}. Check its owner and rights.`,
    {
      cause,
    },
  );
}
