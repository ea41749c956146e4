import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, sql } from 'kysely';
import { isPostgres } from '../../src/db/kind.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import { openPostgres } from '../../src/db/node/postgres.ts';
import { sqliteDialect } from '../../src/db/node/sqlite-dialect.ts';
import type { Db, Schema } from '../../src/db/schema.ts';
import type { TestPostgres } from './postgres.ts';

/** An empty SQLite database in memory with our tables, of which the migrations run once; end it with `destroy()`. */
export async function openSqliteDatabase(): Promise<Db> {
  migrated ??= migratedContent();
  const connection = new Database(await migrated);
  connection.pragma('foreign_keys = ON');
  return new Kysely<Schema>({ dialect: sqliteDialect(connection, ':memory:') });
}

let migrated: Promise<Buffer> | undefined;

async function migratedContent(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'migrated-'));
  const file = join(folder, 'empty.sqlite');
  const db = openDatabase(file);
  await migrate(db, { file: null, now: () => new Date() });
  await db.destroy();
  const connection = new Database(file);
  // A copy in memory has no -wal.
  connection.pragma('journal_mode = DELETE');
  const content = connection.serialize();
  connection.close();
  await rm(folder, { recursive: true });
  return content;
}

let opener = openSqliteDatabase;

/** An empty database with our tables, of SQLite unless the project's setup says otherwise; end it with `destroy()`. */
export function openTestDatabase(): Promise<Db> {
  return opener();
}

/** Lets it be that time by the clock of a server of `openState`, which PostgreSQL's own function tells otherwise. */
export async function setServerClock(db: Db, at: Date): Promise<void> {
  if (!isPostgres(db)) return;
  await sql`create or replace function clock.clock_timestamp() returns timestamptz language sql
    as ${sql.lit(`select timestamptz '${at.toISOString()}'`)}`.execute(db);
}

/** For `on-postgres.ts`. */
export function openTestDatabasesWith(open: () => Promise<Db>): void {
  opener = open;
}

/** An empty database of its own on that server, without our tables; end it with `destroy()`. */
export async function openPostgresDatabase(
  postgres: TestPostgres,
  settings: Readonly<Record<string, string>> = {},
): Promise<Db> {
  const name = `test_${randomUUID()}`;
  await postgres.createDatabase(name);
  const options = Object.entries(settings).map(([setting, value]) => `-c ${setting}=${value}`);
  return openPostgres(
    `${postgres.url.replace(/\/postgres$/, `/${name}`)}?options=${encodeURIComponent(options.join(' '))}`,
  );
}
