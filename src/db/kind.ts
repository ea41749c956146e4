import { type OrderByItemBuilder, PostgresAdapter } from 'kysely';
import type { Db, Trx } from './schema.ts';

/** Whether the state of this installation lies in PostgreSQL; otherwise it is a file of SQLite. */
export function isPostgres(db: Db | Trx): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** For `orderBy`: by the bytes of the text, as SQLite sorts, and not by the language that a PostgreSQL was made for. */
export function byBytes(db: Db | Trx): (item: OrderByItemBuilder) => OrderByItemBuilder {
  return isPostgres(db) ? (item) => item.collate('C') : (item) => item;
}
