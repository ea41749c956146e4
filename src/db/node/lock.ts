import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, isAppError } from '../../errors.ts';
import { fileSystemOf, hindranceOf, whyNotWritable } from './disk.ts';

export interface DataDirLock {
  /** True where an installation has begun to work in this folder before. */
  readonly isUsed: boolean;
  /** From now on the folder counts as used. Throws `config` where another process takes the lock meanwhile. */
  markUsed(): void;
  release(): void;
}

/**
 * Makes the data folder (0700) and takes it for this process alone. The lock is the kernel's, on a SQLite file of its
 * own, so it is gone when the process is, however that ends. Throws `config` when another process holds it, and where
 * the folder or its file system can't be used.
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
  return {
    // Only the mark makes it longer than nothing.
    isUsed: statSync(file).size > 0,
    markUsed: () => mark(held, dataDir),
    release: () => held.close(),
  };
}

/** As `lockDataDir`, or null when another process holds it. */
export function tryLockDataDir(dataDir: string): DataDirLock | null {
  try {
    return lockDataDir(dataDir);
  } catch (error) {
    if (isAppError(error) && error.details.isHeld === true) return null;
    throw error;
  }
}

/** The mark is committed, which ends the lock for a moment: it is taken again at once, or this start gives way. */
function mark(connection: Database.Database, dataDir: string): void {
  try {
    connection.exec('PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE');
  } catch (cause) {
    throw refusal(dataDir, cause);
  }
}

function refusal(dataDir: string, cause: unknown): AppError {
  const isBusy = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY');
  if (isBusy && givesLocks(dataDir)) {
    return new AppError(
      'config',
      `Another process is already running on ${dataDir}. Stop it first, or set DATA_DIR to another folder.`,
      { cause, details: { isHeld: true } },
    );
  }
  const fileSystem = fileSystemOf(dataDir);
  const where = fileSystem === null ? '' : ` (${fileSystem})`;
  if (isBusy) {
    return new AppError(
      'config',
      `The file system of the data folder ${dataDir}${where} gives no locks, which the database needs. Network file ` +
        'systems often do not. Set DATA_DIR to a folder on a local disk.',
      { cause },
    );
  }
  const hindrance = hindranceOf(cause) ?? whyNotWritable(dataDir);
  const reason = hindrance?.why ?? (cause instanceof Error ? cause.message : String(cause));
  return new AppError(
    'config',
    `Can't use the data folder ${dataDir}${where}: ${reason}. ${hindrance?.advice ?? 'Check its owner and rights.'}`,
    { cause },
  );
}

/**
 * SQLite takes "no locks available" for "held by another". Nobody can hold a lock on a file that was made just now, so
 * the difference shows there. True where it can't be tried.
 */
function givesLocks(dataDir: string): boolean {
  const file = join(dataDir, `.lock-test-${randomBytes(6).toString('hex')}`);
  let connection: Database.Database | undefined;
  try {
    connection = new Database(file, { timeout: 0 });
    connection.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY'));
  } finally {
    connection?.close();
    rmSync(file, { force: true });
  }
}
