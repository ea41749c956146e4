import { sql } from 'kysely';
import { isPostgres } from '../kind.ts';
import type { Db } from '../schema.ts';

/**
 * What SQLite's planner knows of the tables; without it, it takes an index of few values for as good as another.
 * PostgreSQL keeps its own up to date.
 */

/** Rows of each index that are looked at: a thousand tell enough, and all of them would take a second. */
const LOOKED_AT = 1000;

/** Looks at every table, for after a migration. */
export async function analyse(db: Db): Promise<void> {
  if (isPostgres(db)) return;
  await sql`pragma analysis_limit = ${sql.lit(LOOKED_AT)}`.execute(db);
  await sql`analyze`.execute(db);
}

/** Looks at those tables that have changed much since, for the start and then each day. */
export async function optimise(db: Db): Promise<void> {
  if (isPostgres(db)) return;
  await sql`pragma analysis_limit = ${sql.lit(LOOKED_AT)}`.execute(db);
  // 0x10002: also tables that this connection has not asked yet.
  await sql`pragma optimize = 0x10002`.execute(db);
}
