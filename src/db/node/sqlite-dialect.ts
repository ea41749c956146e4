import type Database from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteDialect,
} from 'kysely';
import { translateSqliteError } from './sqlite-failures.ts';
import { keepingStatements } from './statements.ts';

/**
 * Kysely's SQLite dialect, but: a transaction begins with the lock, a failing migration leaves nothing, what goes wrong
 * with the file is thrown as `AppError` (see `sqlite-failures.ts`), and a rollback never hides why it was needed.
 */
export function sqliteDialect(database: Database.Database, file: string): Dialect {
  const dialect = new SqliteDialect({ database: keepingStatements(database) });
  return {
    createAdapter: () => new TransactionalSqliteAdapter(),
    createDriver: () => adapt(dialect.createDriver(), database, file),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

/** Kysely says that SQLite's DDL can't be rolled back; it can. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function adapt(driver: Driver, database: Database.Database, file: string): Driver {
  const acquire = driver.acquireConnection.bind(driver);
  driver.acquireConnection = async (options) => translating(await acquire(options), file);
  driver.beginTransaction = async (connection) => {
    // Of a rollback that failed.
    if (database.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
    // A transaction that reads first and writes then would fail while another process writes, and could not wait.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  };
  driver.rollbackTransaction = async (connection) => {
    // SQLite has rolled back by itself where the disk is full or fails.
    if (!database.inTransaction) return;
    await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => undefined);
  };
  return driver;
}

function translating(connection: DatabaseConnection, file: string): DatabaseConnection {
  return {
    async executeQuery(query, options) {
      try {
        return await connection.executeQuery(query, options);
      } catch (error) {
        throw translateSqliteError(error, file);
      }
    },
    async *streamQuery(query, chunkSize, options) {
      try {
        yield* connection.streamQuery(query, chunkSize, options);
      } catch (error) {
        throw translateSqliteError(error, file);
      }
    },
  };
}
