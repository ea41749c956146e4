import type { Db, Trx } from './schema.ts';

/**
 * Runs `change` in one transaction: all of it is written, or nothing is. The one way to write; within `change` only `trx` is used,
 * and nothing is awaited but the database: with SQLite's one connection, `db` would wait for itself.
 * Gives what `change` gives, and throws what it throws.
 */
export async function write<T>(db: Db, change: (trx: Trx) => Promise<T>): Promise<T> {
  return db.transaction().execute(change);
}
