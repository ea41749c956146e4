import type { Db } from '../db/schema.ts';

/** What is not chained yet, and so not protected: at most a few seconds old where all is well. */
export interface Unchained {
  /** Counted up to `MOST_COUNTED`. */
  readonly rows: number;
  readonly oldestAt: string | null;
}

export const MOST_COUNTED = 10_000;

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

/** The highest number that is given; null for none. */
export async function lastNumber(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('audit_logs')
    .select('number')
    .where('number', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.number ?? null;
}

/** They have an index of their own, which is small. */
export const unchained = (db: Db) => db.selectFrom('audit_logs').where('number', 'is', null);
