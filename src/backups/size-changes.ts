import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { median } from './day-tallies.ts';

/** How many before one are what it is compared with, and from what share on a difference is worth a word. */
export const COMPARED_WITH = 10;
const FEWEST = 3;
const NOTEWORTHY = 0.2;

/**
 * Of each size, oldest first: by how much it differs from the median of the ten before it, as a share (−0.5: half of it), or
 * null where that is no more than a fifth or where fewer than three tell what is usual.
 */
export function sizeChanges(sizes: readonly number[]): readonly (number | null)[] {
  return sizes.map((size, index) => {
    const before = sizes.slice(Math.max(0, index - COMPARED_WITH), index);
    return sizeChange(size, usualSize(before));
  });
}

/** What is usual after these, the ten before or fewer: whole bytes, or null where fewer than three tell. */
export function usualSize(before: readonly number[]): number | null {
  const usual = before.length < FEWEST ? null : median(before);
  return usual === null ? null : Math.round(usual);
}

/** By how much a size differs from what is usual, as a share; null where that is no more than a fifth, or nothing is usual. */
export function sizeChange(size: number, usual: number | null): number | null {
  if (usual === null || usual <= 0 || !Number.isFinite(size)) return null;
  const change = (size - usual) / usual;
  return Math.abs(change) > NOTEWORTHY ? change : null;
}

/** The same of these good backups of a database, by id: of the newest of them and those that lie between, and ten before. */
export async function sizeChangesOf(
  db: Db,
  databaseId: string,
  backups: readonly { readonly id: string; readonly created_at: string }[],
): Promise<ReadonlyMap<string, number | null>> {
  const instants = backups.map((backup) => backup.created_at).toSorted();
  const [oldest, newest] = [instants[0], instants.at(-1)];
  if (oldest === undefined || newest === undefined) return new Map();
  const good = () =>
    db
      .selectFrom('backups')
      .select(['id', 'size'])
      .where('database_id', '=', databaseId)
      // A literal, as in the index: a parameter could be any status.
      .where('status', '=', sql.lit('completed'))
      .where('deleted_at', 'is', null)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc');
  const shown = await good()
    .where('created_at', '>=', oldest)
    .where('created_at', '<=', newest)
    .limit(MOST_BETWEEN)
    .execute();
  const isWhole = shown.length < MOST_BETWEEN;
  const before = isWhole ? await good().where('created_at', '<', oldest).limit(COMPARED_WITH).execute() : [];
  const rows = [...shown, ...before].reverse();
  const changes = sizeChanges(rows.map(({ size }) => Number(size)));
  return new Map(rows.map(({ id }, index) => [id, changes[index] ?? null]));
}

/** A filter may show backups that lie far apart: of what is between them no more is read. */
const MOST_BETWEEN = 200;
