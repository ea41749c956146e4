import { sql } from 'kysely';
import { builtOnce } from '../db/built-once.ts';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { isAhead, type Protection, type ProtectionFacts, protection } from './protection.ts';
import { type BackupError, readBackupError } from './step-error.ts';
import { backupsUnderWay } from './under-way.ts';

/** The protection of these databases, by id; one small row for each. */
export async function protectionOf(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, Protection>> {
  if (databaseIds.length === 0) return new Map();
  const at = now();
  const underWay = await backupsUnderWay(db, at);
  const rows = await withNewest(db)
    .where('databases.id', 'in', [...databaseIds])
    .execute();
  return new Map(rows.map((row) => [row.id, protection(factsOf(row, underWay), at)]));
}

/** Of one database. */
export async function protectionOfOne(
  context: { readonly db: Db; readonly now: () => Date },
  databaseId: string,
): Promise<Protection> {
  const found = await protectionOf(context, [databaseId]);
  return found.get(databaseId) ?? NEVER;
}

/** Of one that came between two reads. */
export const NEVER: Protection = {
  ...{ state: 'never', lastGood: null, dueAt: null, underWay: null },
  maxAgeHours: 26,
};

/** Databases, each with what `newest_backups` tells of it, and the schedule that counts for it. */
export const withNewest = builtOnce((db) =>
  db
    .selectFrom('databases')
    .leftJoin('newest_backups', 'newest_backups.database_id', 'databases.id')
    .select(['databases.id', 'databases.max_backup_age_hours'])
    .leftJoin('database_schedules as when', (join) =>
      join.onRef('when.database_id', '=', 'databases.id').on('when.due_at', 'is not', null),
    )
    .select(['good_id', 'good_at', 'good_size', 'ended_id', 'ended_at'])
    .select(['when.interval_minutes', 'when.is_paused', 'when.run_at']),
);

export type NewestRow = Awaited<ReturnType<ReturnType<typeof withNewest>['execute']>>[number];

/** What `protection` wants to know, from such a row, and what `backupsUnderWay` has found before that was read. */
export function factsOf(
  row: NewestRow,
  underWay: ReadonlyMap<string, ProtectionFacts['underWay']>,
): ProtectionFacts {
  const { good_id: goodId, good_at: goodAt, ended_id: endedId, ended_at: endedAt } = row;
  return {
    lastGood: goodId === null || goodAt === null ? null : { id: goodId, at: goodAt },
    lastEnded:
      endedId === null || endedAt === null ? null : { id: endedId, at: endedAt, isGood: endedId === goodId },
    maxAgeHours: row.max_backup_age_hours,
    schedule:
      row.interval_minutes === null
        ? null
        : { intervalMinutes: row.interval_minutes, isPaused: row.is_paused === 1 },
    underWay: underWay.get(row.id) ?? null,
  };
}

/** Runs that failed in a row since the last good one. */
export interface Failures {
  readonly count: number;
  /** When the first of them began. */
  readonly since: string;
  /** When the last of them ended. */
  readonly lastAt: string;
  /** Why the last of them failed, and what the row keeps of it. */
  readonly cause: string | null;
  readonly error: BackupError | null;
}

/** Those that came after the last good one, or all where that is from the future; null where none failed. */
export async function failuresSinceGood(
  { db, now }: Context,
  databaseId: string,
  { lastGood }: Pick<Protection, 'lastGood'>,
): Promise<Failures | null> {
  const counted = lastGood !== null && isAhead(lastGood, now()) ? null : lastGood;
  const failed = db
    .selectFrom('backups')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .where(sql<boolean>`outcome in ('failed', 'interrupted')`)
    .$if(counted !== null, (query) =>
      query.where('created_at', '>', (eb) =>
        eb
          .selectFrom('backups as good')
          .select('good.created_at')
          .where('good.id', '=', counted?.id ?? ''),
      ),
    );
  const { count, since } = await failed
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min('created_at').as('since')])
    .executeTakeFirstOrThrow();
  if (since === null) return null;
  const last = await failed
    .select(['error', 'completed_at', 'created_at'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const error = readBackupError(last?.error ?? null);
  return {
    ...{ count: Number(count), since, cause: error?.message ?? null, error },
    lastAt: last?.completed_at ?? last?.created_at ?? since,
  };
}

/** A backup that was completed and found damaged when it was read later. */
export interface DamagedBackup {
  readonly id: string;
  readonly foundAt: string | null;
  readonly says: string;
}

/** The newest backup of a database that ended, where it is such a one; null where it is not. */
export async function newestDamaged(db: Db, databaseId: string): Promise<DamagedBackup | null> {
  const row = await db
    .selectFrom('newest_backups')
    .innerJoin('backups', 'backups.id', 'newest_backups.ended_id')
    .select(['backups.id', 'verified_at', 'verification_error'])
    .where('newest_backups.database_id', '=', databaseId)
    .where('backups.status', '=', 'completed')
    .where('verification', '=', 'failed')
    .executeTakeFirst();
  if (row === undefined) return null;
  return { id: row.id, foundAt: row.verified_at, says: row.verification_error ?? '' };
}

/**
 * By the id of the database, why the last backup failed that came after its last good one, or what a later reading found wrong with
 * it; of several in one query, where the newest that ended is that one, as it nearly always is.
 */
export async function lastFailures(
  context: Context,
  databases: readonly {
    readonly id: string;
    readonly protection: Pick<Protection, 'lastGood'>;
    readonly lastEnded: ProtectionFacts['lastEnded'];
  }[],
): Promise<ReadonlyMap<string, string>> {
  const ended = databases.flatMap(({ lastEnded }) =>
    lastEnded === null || lastEnded.isGood ? [] : [lastEnded.id],
  );
  const causes = new Map<string, string>();
  if (ended.length === 0) return causes;
  const rows = await context.db
    .selectFrom('backups')
    .select(['id', 'outcome', 'error', 'verification_error'])
    .where('id', 'in', ended)
    .execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { id, protection, lastEnded } of databases) {
    const row = byId.get(lastEnded?.id ?? '');
    if (row === undefined) continue;
    // One that was completed and found to be broken later tells nothing of those that failed before it.
    const cause =
      row.outcome === 'completed'
        ? ((await failuresSinceGood(context, id, protection))?.cause ?? row.verification_error)
        : readBackupError(row.error)?.message;
    if (cause) causes.set(id, cause);
  }
  return causes;
}
