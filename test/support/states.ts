import { sql } from 'kysely';
import { migrate } from '../../src/db/node/migrate.ts';
import type { Db } from '../../src/db/schema.ts';
import { openPostgresDatabase, openSqliteDatabase } from './database.ts';
import { sharedPostgres } from './shared/postgres.ts';

/** The kinds of database that hold the state of an installation. */
export const STATES = ['SQLite', 'PostgreSQL'] as const;
export type State = (typeof STATES)[number];

/** Connections of a warm pool: as many as transactions that a test lets run at once. */
const WARM = 8;

let shared: ReturnType<typeof sharedPostgres> | undefined;
/** Emptied ones of this test file: to make one anew takes as long as many a test. */
const free: Db[] = [];
const ends: (() => Promise<void>)[] = [];

/**
 * An empty database of that kind with our tables, ended with `destroy()`. Where it has a pool, its connections are open
 * already: transactions that are begun together then run together, and none waits for its connection while another is over.
 */
export async function openState(state: State): Promise<Db> {
  if (state === 'SQLite') return openSqliteDatabase();
  return free.pop() ?? openWarm();
}

/** Removes the databases that `openState` made, for the end of a test file. */
export async function dropStates(): Promise<void> {
  await Promise.all(ends.splice(0).map((end) => end()));
  free.length = 0;
  await (await shared)?.stop();
}

async function openWarm(): Promise<Db> {
  shared ??= sharedPostgres();
  // Where a function of that name is found before PostgreSQL's own: `setServerClock`.
  const db = await openPostgresDatabase(await shared, { search_path: 'public,clock,pg_catalog' });
  await sql`create schema clock`.execute(db);
  await migrate(db, { file: null, now: () => new Date() });
  await Promise.all(Array.from({ length: WARM }, () => sql`select pg_sleep(0.05)`.execute(db)));
  const tables = await tablesOf(db);
  const end = db.destroy.bind(db);
  ends.push(end);
  return Object.assign(db, {
    async destroy() {
      // A test that has changed the tables has them for itself.
      if ((await tablesOf(db)).join() !== tables.join()) return;
      await sql`truncate ${sql.join(tables.map((table) => sql.table(table)))}`.execute(db);
      await sql`drop function if exists clock.clock_timestamp()`.execute(db);
      free.push(db);
    },
  });
}

/** Nothing where a trigger was added: its tables are nobody else's either. */
async function tablesOf(db: Db): Promise<readonly string[]> {
  const { rows } = await sql`select from pg_trigger where not tgisinternal`.execute(db);
  if (rows.length > 0) return [];
  return (await db.introspection.getTables()).map(({ name }) => name).sort();
}
