import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CompiledQuery, type Dialect, type Driver, Kysely, SqliteAdapter, SqliteDialect } from 'kysely';
import { AppError } from '../errors.ts';
import type { Db, Schema } from './schema.ts';

const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens (and creates, unless `mustExist`) the SQLite file, for its owner alone; `:memory:` is a database of its own.
 * The caller ends it with `destroy()`. Throws `config` for a file that can't be opened or is no database.
 */
export function openDatabase(file: string, { mustExist = false } = {}): Db {
  let connection: Database.Database | undefined;
  try {
    if (file !== ':memory:' && !mustExist) makePrivate(file);
    connection = new Database(file, { fileMustExist: mustExist });
    connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    connection.pragma('journal_mode = WAL');
    // FULL: a commit that was answered survives a power cut also in WAL mode.
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
  } catch (cause) {
    connection?.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('config', `Can't open the database file ${file}: ${reason}.`, { cause });
  }
  return new Kysely<Schema>({ dialect: transactionalSqlite(connection) });
}

/** SQLite gives its -wal and -shm the mode of the file; those of an earlier start may have another. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  for (const path of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(path)) chmodSync(path, 0o600);
}

/** Kysely's SQLite dialect says that DDL can't be rolled back; SQLite's can, so a failing migration leaves nothing. */
function transactionalSqlite(connection: Database.Database): Dialect {
  const dialect = new SqliteDialect({ database: connection });
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => immediate(dialect.createDriver()),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * A transaction that reads first and writes then would fail at once while another process writes (such as
 * `rotate-master-key`): SQLite waits for the lock only where a transaction begins with it.
 */
function immediate(driver: Driver): Driver {
  driver.beginTransaction = async (connection) => {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  };
  return driver;
}
