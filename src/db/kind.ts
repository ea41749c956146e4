import { type OrderByItemBuilder, PostgresAdapter, type RawBuilder, sql } from 'kysely';
import type { Db, Trx } from './schema.ts';

/** Whether the state of this installation lies in PostgreSQL; otherwise it is a file of SQLite. */
export function isPostgres(db: Db | Trx): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** For `orderBy`: by the bytes of the text, as SQLite sorts, and not by the language that a PostgreSQL was made for. */
export function byBytes(db: Db | Trx): (item: OrderByItemBuilder) => OrderByItemBuilder {
  return isPostgres(db) ? (item) => item.collate('C') : (item) => item;
}

/** As `byBytes`, for what is no column. */
export function inBytes(db: Db | Trx, text: RawBuilder<unknown>): RawBuilder<unknown> {
  return isPostgres(db) ? sql`${text} collate "C"` : text;
}

/** Whether the text has that part, of ASCII letters in any case; `pattern` is one of LIKE, with `\\` before what means itself. */
export function isLike(db: Db | Trx, text: RawBuilder<string | null>, pattern: string): RawBuilder<boolean> {
  return isPostgres(db)
    ? sql`${text} ilike ${pattern} escape '\\'`
    : sql`${text} like ${pattern} escape '\\'`;
}

/** What a JSON object that is kept as text has under that key; null where it has none. */
export function jsonText(db: Db | Trx, json: RawBuilder<string>, key: string): RawBuilder<string | null> {
  return isPostgres(db) ? sql`${json}::json ->> ${sql.lit(key)}` : sql`${json} ->> ${sql.lit(key)}`;
}
