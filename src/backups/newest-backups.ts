import { type ExpressionBuilder, sql } from 'kysely';
import type { Db, NewestBackupRow, Schema, Trx } from '../db/schema.ts';
import { AHEAD_MS } from './protection.ts';
import { COMPARED_WITH, usualSize } from './size-changes.ts';

/**
 * `newest_backups`: of each database its newest good and its newest ended backup, so that whether a thousand databases are
 * safe is read from a thousand small rows. To be called in each transaction in which a backup ends or ceases to be seen; three
 * steps in an index.
 */
export async function recordNewest(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const newest = await findNewest(trx, databaseId, now);
  if (newest === undefined) {
    await trx.deleteFrom('newest_backups').where('database_id', '=', databaseId).execute();
    return;
  }
  const { database_id: _, ...columns } = newest;
  await trx
    .insertInto('newest_backups')
    .values(newest)
    .onConflict((conflict) => conflict.column('database_id').doUpdateSet(columns))
    .execute();
}

/** By the id of the database, bytes of the dump of its last good backup before compression; left out where they are not known. */
export async function lastGoodBytes(
  db: Db,
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (databaseIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('newest_backups')
    .innerJoin('backups', 'backups.id', 'newest_backups.good_id')
    .select(['newest_backups.database_id', 'backups.bytes_read'])
    .where('newest_backups.database_id', 'in', [...new Set(databaseIds)])
    .where('backups.bytes_read', '>', 0)
    .execute();
  return new Map(rows.map((row) => [row.database_id, Number(row.bytes_read)]));
}

/**
 * As the backups tell; undefined where none has ended. Those from the future count where there are no others: they would be the
 * newest for as long as the clock was ahead, whatever came after them.
 */
export async function findNewest(
  db: Db | Trx,
  databaseId: string,
  now: Date,
): Promise<NewestBackupRow | undefined> {
  const until = new Date(now.getTime() + AHEAD_MS).toISOString();
  const present = await findUpTo(db, databaseId, until);
  if (present !== undefined && present.good_id !== null) return present;
  const any = await findUpTo(db, databaseId, null);
  // One that failed meanwhile is the newest that ended all the same.
  return any === undefined || present === undefined
    ? any
    : { ...any, ended_id: present.ended_id, ended_at: present.ended_at };
}

async function findUpTo(
  db: Db | Trx,
  databaseId: string,
  until: string | null,
): Promise<NewestBackupRow | undefined> {
  const of = () =>
    db
      .selectFrom('backups')
      .select(['id', 'created_at', 'started_at', 'size'])
      .where('database_id', '=', databaseId)
      .where('deleted_at', 'is', null)
      .$if(until !== null, (query) => query.where('created_at', '<=', until ?? ''))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc');
  // Literals, as in the indexes: a parameter could be any status.
  const completed = of().where('status', '=', sql.lit('completed'));
  const [good, ...before] = await completed
    .where(isNotDamaged)
    .limit(1 + COMPARED_WITH)
    .execute();
  const failing = of().where(sql<boolean>`outcome in ('failed', 'interrupted')`);
  const failed = await failing.limit(1).executeTakeFirst();
  const ended = later(await completed.limit(1).executeTakeFirst(), failed);
  if (ended === undefined) return undefined;
  return {
    database_id: databaseId,
    good_id: good?.id ?? null,
    good_at: good === undefined ? null : (good.started_at ?? good.created_at),
    good_size: good === undefined ? null : Number(good.size),
    usual_size: usualSize(before.map(({ size }) => Number(size))),
    ended_id: ended.id,
    ended_at: ended.started_at ?? ended.created_at,
  };
}

interface Asked {
  readonly id: string;
  readonly created_at: string;
  readonly started_at: string | null;
}

/** In the order of the lists: by when they were asked for. */
function later(a: Asked | undefined, b: Asked | undefined): Asked | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.created_at > b.created_at || (a.created_at === b.created_at && a.id > b.id) ? a : b;
}

/** Whether a database has a good backup, and has none once these are gone. */
export async function leavesNoGood(db: Db, databaseId: string, ids: readonly string[]): Promise<boolean> {
  const good = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    // A literal, as in the index.
    .where('status', '=', sql.lit('completed'))
    .where(isNotDamaged)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    // One more than are to go: it would be another.
    .limit(ids.length + 1)
    .execute();
  return good.length > 0 && good.every(({ id }) => ids.includes(id));
}

/** Of a completed one: that no later reading found it damaged. */
function isNotDamaged(eb: ExpressionBuilder<Schema, 'backups'>) {
  return eb.or([eb('verification', 'is', null), eb('verification', '!=', 'failed')]);
}

/** Whether any backup was ever read back, and is still there. */
export async function hasGoodBackup(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('newest_backups')
    .select('database_id')
    .where('good_id', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
