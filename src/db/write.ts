import { isAppError } from '../errors.ts';
import type { Db, Trx } from './schema.ts';

/** How long a write waits for a lock that another program holds. */
const PATIENCE_MS = 15_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 250;

/**
 * Runs `change` in one transaction: all of it is written, or nothing is. The one way to write; within `change` only `trx` is used,
 * and nothing is awaited but the database: with SQLite's one connection, `db` would wait for itself. `change` is run again where
 * another program holds the database; what it does beside writing is done again too.
 * Gives what `change` gives, and throws what it throws; `unavailable` where the database can't be written.
 */
export async function write<T>(
  db: Db,
  change: (trx: Trx) => Promise<T>,
  { patienceMs = PATIENCE_MS } = {},
): Promise<T> {
  return untilFree(() => db.transaction().execute(change), { patienceMs });
}

/**
 * Tries again while another program holds the database. It is waited for here, between the tries, and not in SQLite, whose
 * busy timeout would stop the whole process: whoever reads goes on meanwhile.
 */
export async function untilFree<T>(action: () => Promise<T>, { patienceMs = PATIENCE_MS } = {}): Promise<T> {
  const givesUpAt = performance.now() + patienceMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!isBusy(error) || performance.now() + pauseMs > givesUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Whether nothing was wrong but the moment. (Of PostgreSQL these would be 40001 and 40P01.) */
export function isBusy(error: unknown): boolean {
  return isAppError(error, 'unavailable') && error.details['isBusy'] === true;
}
