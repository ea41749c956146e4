import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';
import { fileSystemOf, whyNotWritable } from './disk.ts';
import { lockHolderOf } from './lock-holder.ts';

/**
 * What SQLite says about the database file, the disk or a lock, as `unavailable` with a sentence for the admin. Anything
 * else, such as a constraint, is given back as it is.
 */
export function translateSqliteError(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) return busy(file, error);
  if (code === 'SQLITE_FULL') return full(file, error);
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return damaged(file, error);
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|PERM)/.test(code)) return failing(file, code, error);
  return error;
}

/** The (extended) result code, such as `SQLITE_IOERR_WRITE`; null for an error that is not SQLite's. */
export function sqliteCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : null;
}

function busy(file: string, cause: unknown): AppError {
  const holder = lockHolderOf(file);
  const message =
    holder === null
      ? `Another program holds a lock on the database ${file}, such as a backup tool or a sqlite3 shell in a transaction.`
      : `Another program (${holder}) holds a lock on the database ${file}.`;
  return new AppError(
    'unavailable',
    `${message} End that program or wait for it; nothing else needs to be done.`,
    { cause, details: { isBusy: true, retryAfterSeconds: 5 } },
  );
}

function full(file: string, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    `Nothing can be saved: the disk of the database ${file}${on(file)} is full. ` +
      'Free some space on it; nothing else needs to be done.',
    { cause },
  );
}

function damaged(file: string, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    `The database file ${file} is damaged (${reasonOf(cause)}). Stop the app, keep what is there, and put a copy of the ` +
      'database in its place (docs/operations.md, "Backing up the app").',
    { cause },
  );
}

function failing(file: string, code: string, cause: unknown): AppError {
  const hindrance = whyNotWritable(dirname(file));
  if (hindrance !== null) {
    const { why, advice } = hindrance;
    return new AppError(
      'unavailable',
      `Nothing can be saved in ${dirname(file)}${on(file)}: ${why}. ${advice}`,
      {
        cause,
      },
    );
  }
  if (/^SQLITE_IOERR_SHM/.test(code)) return noSharedMemory(file, cause);
  return new AppError(
    'unavailable',
    `The database file ${file}${on(file)} can't be read or written (${reasonOf(cause)}, ${code}). Check its owner and ` +
      'rights, and the disk.',
    { cause },
  );
}

/** WAL needs a file that processes share in memory; SQLite's own words are "disk I/O error". */
function noSharedMemory(file: string, cause: unknown): AppError {
  return new AppError(
    'unavailable',
    `The file system of ${dirname(file)}${on(file)} gives no shared memory (mmap), which the database needs. Network ` +
      'file systems often do not. Put DATA_DIR on a local disk.',
    { cause },
  );
}

function on(file: string): string {
  const fileSystem = fileSystemOf(dirname(file));
  return fileSystem === null ? '' : ` (${fileSystem})`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
