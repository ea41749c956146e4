import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db, Schema } from '../../src/db/schema.ts';
import type { TestPostgres } from './postgres.ts';

/** An empty SQLite database in memory with our tables; end it with `destroy()`. */
export async function openTestDatabase(): Promise<Db> {
  const db = openDatabase(':memory:');
  await migrate(db, { file: null, now: () => new Date() });
  return db;
}

/** An empty database of its own on that server, without our tables; end it with `destroy()`. */
export async function openPostgresDatabase(postgres: TestPostgres): Promise<Db> {
  const name = `test_${randomUUID()}`;
  await postgres.createDatabase(name);
  const connectionString = postgres.url.replace(/\/postgres$/, `/${name}`);
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString }) }) });
}
