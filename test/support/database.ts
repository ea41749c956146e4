import { randomUUID } from 'node:crypto';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import { openPostgres } from '../../src/db/node/postgres.ts';
import type { Db } from '../../src/db/schema.ts';
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
  return openPostgres(postgres.url.replace(/\/postgres$/, `/${name}`));
}
