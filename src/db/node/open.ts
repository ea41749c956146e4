import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, type Logger } from 'kysely';
import { AppError, isAppError } from '../../errors.ts';
import type { Db, Schema } from '../schema.ts';
import { hindranceOf } from './disk.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteCode, translateSqliteError } from './sqlite-failures.ts';

/** While opening, where nothing else goes on yet in this process. */
const OPEN_TIMEOUT_MS = 5000;

/**
 * Opens (and creates, unless `mustExist`) the SQLite file, for its owner alone; `:memory:` is a database of its own.
 * `log` is told of every query. The caller ends it with `destroy()`. Throws `config` for a file that can't be opened or is no database.
 */
export function openDatabase(
  file: string,
  { mustExist = false, log }: { readonly mustExist?: boolean; readonly log?: Logger } = {},
): Db {
  let connection: Database.Database | undefined;
  try {
    if (file !== ':memory:' && !mustExist) makePrivate(file);
    connection = new Database(file, { fileMustExist: mustExist, timeout: OPEN_TIMEOUT_MS });
    prepare(connection, file);
  } catch (cause) {
    connection?.close();
    throw refusal(file, cause);
  }
  return new Kysely<Schema>({ dialect: sqliteDialect(connection, file), ...(log ? { log } : {}) });
}

function prepare(connection: Database.Database, file: string): void {
  const mode = connection.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal' && file !== ':memory:') throw new Error(`journal_mode is ${mode}, not wal`);
  // FULL: a commit that was answered survives a power cut also in WAL mode.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  // Its waiting stops the whole process: `write` waits instead.
  connection.pragma('busy_timeout = 0');
}

/** SQLite gives its -wal and -shm the mode of the file; those of an earlier start may have another. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(path)) chmodSync(path, 0o600);
}

function refusal(file: string, cause: unknown): AppError {
  const refused = (why: string) =>
    new AppError('config', `Can't open the database file ${file}: ${why}`, { cause });
  const hindrance = hindranceOf(cause);
  if (hindrance !== null) return refused(`${hindrance.why}. ${hindrance.advice}`);
  const code = sqliteCode(cause);
  if (code === 'SQLITE_NOTADB') {
    return refused(
      'it is no SQLite database, or its beginning was overwritten. Keep it, and put a copy of the database in its place ' +
        '(docs/operations.md, "Backing up the app").',
    );
  }
  if (code === 'SQLITE_CANTOPEN' && !existsSync(file)) {
    return refused('it is not there. Set DATA_DIR to the folder that holds the data of the app.');
  }
  const translated = translateSqliteError(cause, file);
  if (isAppError(translated)) return new AppError('config', translated.message, { cause });
  return refused(
    `${cause instanceof Error ? cause.message : String(cause)}. Is ${dirname(file)} a folder of this app?`,
  );
}
