import { sql } from 'kysely';
import { migrate } from '../../src/db/node/migrate.ts';
import type { Db } from '../../src/db/schema.ts';
import { openPostgresDatabase, openTestDatabase } from './database.ts';
import { sharedPostgres } from './shared/postgres.ts';

/** The kinds of database that hold the state of an installation. */
export const STATES = ['SQLite', 'PostgreSQL'] as const;
export type State = (typeof STATES)[number];

/** Connections of a warm pool: as many as transactions that a test lets run at once. */
const WARM = 8;

/**
 * An empty database of that kind with our tables. Where it has a pool, its connections are open already: transactions that
 * are begun together then run together, and none waits for its connection while another is over already.
 */
export async function openState(state: State): Promise<Db> {
  if (state === 'SQLite') return openTestDatabase();
  shared ??= sharedPostgres();
  const db = await openPostgresDatabase(await shared);
  await migrate(db, { file: null, now: () => new Date() });
  await Promise.all(Array.from({ length: WARM }, () => sql`select pg_sleep(0.05)`.execute(db)));
  return db;
}

let shared: ReturnType<typeof sharedPostgres> | undefined;

/** Removes the databases that `openState` made, for the end of a test file. */
export async function dropStates(): Promise<void> {
  await (await shared)?.stop();
}
