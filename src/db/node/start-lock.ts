import { sql } from 'kysely';
import type { Log } from '../../log.ts';
import { openPostgres } from './postgres.ts';

/** Of advisory locks in our database; any number that no one else takes. */
const LOCK = 7_262_015_391;
const LOOK_AGAIN_MS = 100;

/**
 * Does the work while no other start does its own on the same database. The lock is the server's and of a connection of its
 * own, so it is gone when the process is, however that ends. Another start is waited for as long as it takes: it may migrate.
 */
export async function withStartLock<T>(
  connectionString: string,
  log: Log,
  work: () => Promise<T>,
): Promise<T> {
  const db = openPostgres(connectionString, { connections: 1, isForMigration: true });
  try {
    return await db.connection().execute(async (connection) => {
      const tryLock = async () =>
        (await sql<{ taken: boolean }>`select pg_try_advisory_lock(${LOCK}) as taken`.execute(connection))
          .rows[0]?.taken === true;
      for (let tries = 0; !(await tryLock()); tries += 1) {
        if (tries === 0) log.info('waiting for another start on the same database');
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
      return work();
    });
  } finally {
    // The lock ends with its connection.
    await db.destroy();
  }
}
