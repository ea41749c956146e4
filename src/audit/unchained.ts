import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';

/** What is not chained yet, and so not protected: at most a few seconds old where all is well. */
export interface Unchained {
  /** Counted up to `MOST_COUNTED`. */
  readonly rows: number;
  readonly oldestAt: string | null;
}

export const MOST_COUNTED = 10_000;
const MOST_MISNUMBERED = 50;

/** Rows that wait to be chained. */
export async function countUnchained(db: Db): Promise<Unchained> {
  const rows = await db
    .selectFrom('audit_logs')
    .select('created_at')
    .where('number', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .limit(MOST_COUNTED)
    .execute();
  return { rows: rows.length, oldestAt: rows[0]?.created_at ?? null };
}

/** Whether anything waits to be chained. */
export async function hasUnchained(db: Db): Promise<boolean> {
  return (await unchained(db).select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** The highest number that is given to a row; null for none. Numbers that the app gives to none are not looked at. */
export async function lastNumber(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('audit_logs')
    .select('number')
    .where('number', '<=', Number.MAX_SAFE_INTEGER)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.number ?? null;
}

/**
 * Rows with a number that the app gives to none, the first of each side: below 1, or above all that it can count to, as SQLite
 * takes a text to be. Fractions stand among the others, and are found there.
 */
export async function misnumbered(
  db: Db,
): Promise<readonly { readonly id: string; readonly number: string }[]> {
  const side = (op: '<' | '>', than: number) =>
    db
      .selectFrom('audit_logs')
      .select(['id', sql<string>`cast(number as text)`.as('number')])
      .where('number', op, than)
      .limit(MOST_MISNUMBERED)
      .execute();
  return [...(await side('<', 1)), ...(await side('>', Number.MAX_SAFE_INTEGER))];
}

/** They have an index of their own, which is small. */
export const unchained = (db: Db) => db.selectFrom('audit_logs').where('number', 'is', null);
