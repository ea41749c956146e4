import { Kysely, type Logger, PostgresDialect } from 'kysely';
import pg from 'pg';
import { AppError } from '../../errors.ts';
import type { Db, Schema } from '../schema.ts';
import { type PostgresServer, translatePostgresError } from './postgres-failures.ts';
import { translatingPool } from './postgres-pool.ts';

export interface PostgresOptions {
  /** Connections at most. */
  readonly connections?: number;
  /** A migration may take long; whatever else takes so long would keep others from writing. */
  readonly isForMigration?: boolean;
  /** Told of every query. */
  readonly log?: Logger;
}

const CONNECTIONS = 10;
const CONNECT_WITHIN_MS = 10_000;
const STATEMENT_MS = 60_000;
/** Less than the patience of a write, which tries again. */
const LOCK_MS = 5_000;
/** Inside a transaction nothing is awaited but the database: one that is idle for so long has lost its process. */
const IDLE_IN_TRANSACTION_MS = 60_000;
/** Where the network swallows all without a word: after the server itself should have ended the statement. */
const ANSWER_MS = STATEMENT_MS + 15_000;

/**
 * Opens the PostgreSQL of a connection string, at the first query. int8 and numeric are read as numbers. What goes wrong with
 * the server or the way to it is thrown as `AppError` (`postgres-failures.ts`). The caller ends it with `destroy()`.
 * Throws `config` for a string that can't be read, without telling it: it holds the password.
 */
export function openPostgres(connectionString: string, options: PostgresOptions = {}): Db {
  const { connections = CONNECTIONS, isForMigration = false, log } = options;
  const limits = isForMigration
    ? { idle_in_transaction_session_timeout: 0 }
    : {
        statement_timeout: STATEMENT_MS,
        lock_timeout: LOCK_MS,
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
        query_timeout: ANSWER_MS,
      };
  const name = serverOf(connectionString);
  const pool = new pg.Pool({
    application_name: 'bridgeport-storage',
    connectionString,
    max: connections,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types: { getTypeParser },
    ...limits,
  });
  const translate = (error: unknown) => translatePostgresError(error, name);
  return new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: translatingPool(pool, translate) }),
    ...(log ? { log } : {}),
  });
}

function serverOf(connectionString: string): PostgresServer {
  try {
    // Only reads it; nothing is connected.
    const { host, port, database, user } = new pg.Client({ connectionString });
    return {
      address: host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`,
      database: database ?? '',
      user: user ?? '',
    };
  } catch (error) {
    // Of a certificate's file that can't be read; the messages of a URL that can't be read would quote it.
    const isFile = error instanceof Error && 'path' in error;
    throw new AppError(
      'config',
      isFile
        ? `A file that DATABASE_URL names can't be read: ${error.message}.`
        : "DATABASE_URL can't be read as the URL of a PostgreSQL database.",
    );
  }
}

const INT8 = 20;
const NUMERIC = 1700;

/** Sizes and counts are numbers up to 2^53; pg would give them as text. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8 || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format ?? 'text');
}
