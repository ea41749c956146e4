import type { Db, DrillOutcome, DrillRow, DrillStateRow, Trx } from '../db/schema.ts';
import type { Page } from '../page.ts';

/** A drill with its backup, where that is still there. */
export interface ListedDrill extends DrillRow {
  readonly backup_at: string | null;
  /** Null where there was nothing to run, so that it has no page. */
  readonly restore_id: string | null;
}

export async function findDrill(db: Db | Trx, id: string): Promise<DrillRow | undefined> {
  return db.selectFrom('drills').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Newest first; those that were not begun too. */
export async function listDrills(db: Db, databaseId: string, page: Page): Promise<readonly ListedDrill[]> {
  return db
    .selectFrom('drills')
    .leftJoin('backups', (join) =>
      join.onRef('backups.id', '=', 'drills.backup_id').on('backups.deleted_at', 'is', null),
    )
    .leftJoin('restores', 'restores.id', 'drills.id')
    .selectAll('drills')
    .select(['backups.created_at as backup_at', 'restores.id as restore_id'])
    .where('drills.database_id', '=', databaseId)
    .orderBy('drills.created_at', 'desc')
    .orderBy('drills.id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

export interface DrillUnderWay {
  readonly id: string;
  /** Null where it is gone. */
  readonly backupId: string | null;
  readonly isWaiting: boolean;
}

/** Those that wait or run, the one that waits first: there is one at most. */
export async function drillsUnderWay(db: Db, databaseId: string): Promise<readonly DrillUnderWay[]> {
  const drills = await db
    .selectFrom('drills')
    .innerJoin('runs', 'runs.id', 'drills.id')
    .select(['drills.id', 'drills.backup_id', 'runs.state'])
    .where('drills.database_id', '=', databaseId)
    .where('drills.outcome', 'is', null)
    .execute();
  return drills
    .map(({ id, backup_id: backupId, state }) => ({ id, backupId, isWaiting: state === 'pending' }))
    .toSorted((a, b) => Number(b.isWaiting) - Number(a.isWaiting));
}

export async function countDrills(db: Db, databaseId: string): Promise<number> {
  const { count } = await db
    .selectFrom('drills')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('database_id', '=', databaseId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** What the last drills said of a database; undefined where there was none, and none is due. */
export async function drillStateOf(db: Db | Trx, databaseId: string): Promise<DrillStateRow | undefined> {
  return db.selectFrom('drill_states').selectAll().where('database_id', '=', databaseId).executeTakeFirst();
}

/** Of one that came to no result. Nothing where it has one. */
export async function endDrill(
  trx: Trx,
  id: string,
  end: { readonly outcome: Extract<DrillOutcome, 'cancelled' | 'interrupted'>; readonly at: Date },
): Promise<void> {
  await trx
    .updateTable('drills')
    .set({ outcome: end.outcome, ended_at: end.at.toISOString() })
    .where('id', '=', id)
    .where('outcome', 'is', null)
    .execute();
}
