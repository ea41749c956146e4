import { isAppError } from '../errors.ts';
import type { Db, Trx } from './schema.ts';

/** How long a write waits for others: for a lock that another program holds, for transactions that it must not overlap. */
const PATIENCE_MS = 15_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 250;

/**
 * Runs `change` in one transaction: all of it is written, or nothing is, as if no other ran beside it. On SQLite none does: it
 * begins with the lock (`node/sqlite-dialect.ts`). PostgreSQL lets several run and refuses those whose reads another's writes
 * have made untrue. The one way to write; within `change` only `trx` is used, and nothing is awaited but the database: with
 * SQLite's one connection, `db` would wait for itself. `change` is run again where it was refused, where another program holds
 * the database, and where its server is gone for a moment; what it does beside writing is done again too.
 * Gives what `change` gives, and throws what it throws; `unavailable` where the database can't be written.
 */
export async function write<T>(
  db: Db,
  change: (trx: Trx) => Promise<T>,
  { patienceMs = PATIENCE_MS } = {},
): Promise<T> {
  const transaction = db.transaction().setIsolationLevel('serializable');
  return untilFree(() => transaction.execute(change), { patienceMs });
}

/**
 * Tries again while the moment is wrong. It is waited for here, between the tries, and not in SQLite, whose busy timeout would
 * stop the whole process: whoever reads goes on meanwhile. No two wait equally long, so that those who were in each other's
 * way are not so again.
 */
export async function untilFree<T>(action: () => Promise<T>, { patienceMs = PATIENCE_MS } = {}): Promise<T> {
  const givesUpAt = performance.now() + patienceMs;
  for (let longestMs = FIRST_PAUSE_MS; ; longestMs = Math.min(2 * longestMs, MAX_PAUSE_MS)) {
    const pauseMs = longestMs * (0.5 + Math.random() / 2);
    try {
      return await action();
    } catch (error) {
      if (!isBusy(error) || performance.now() + pauseMs > givesUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Whether nothing was wrong but the moment, and nothing was done. */
export function isBusy(error: unknown): boolean {
  return isAppError(error, 'unavailable') && error.details.isBusy === true;
}
