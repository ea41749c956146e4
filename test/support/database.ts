import { migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/open.ts';
import type { Db } from '../../src/db/schema.ts';

/** An empty SQLite database in memory with our tables; end it with `destroy()`. */
export async function openTestDatabase(): Promise<Db> {
  const db = openDatabase(':memory:');
  await migrate(db, { file: null, now: () => new Date() });
  return db;
}
