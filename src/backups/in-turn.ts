import { sql } from 'kysely';
import { isPostgres } from '../db/kind.ts';
import type { Trx } from '../db/schema.ts';

/**
 * Lets backups that end at the same instant be written one after the other. They all count in the row of their environment and
 * day, so that on PostgreSQL all but one would be refused, and be tried again with the same end; here they wait instead. To be
 * called before anything is read in the transaction: to take a lock on a table begins no snapshot, any query does. SQLite lets
 * one write at a time anyway.
 */
export async function inTurn(trx: Trx): Promise<void> {
  if (!isPostgres(trx)) return;
  await sql`lock table environment_days in share row exclusive mode`.execute(trx);
}
