import type { Db, DrillFailure, DrillStateRow } from '../db/schema.ts';
import { untilWritten } from '../db/until-written.ts';

/** What drills said of a database, and restores that were compared. */
export interface Restorable {
  /** The last of either that proved that a backup of it can be restored, and how long that took; null: none has. */
  readonly restorable: {
    readonly at: string;
    /** It may be gone by now. */
    readonly backupId: string;
    readonly restoreMs: number;
    /** Of the dump. */
    readonly bytes: number;
  } | null;
  /** The last drill that failed, if none has proven anything since. */
  readonly drillFailure: {
    readonly at: string;
    readonly drillId: string;
    readonly failure: DrillFailure;
    readonly says: string;
  } | null;
}

export const NO_DRILLS: Restorable = { restorable: null, drillFailure: null };

/** Of these databases, by id; one without drills is left out. One query, of one small row each. */
export async function restorableOf(
  db: Db,
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, Restorable>> {
  if (databaseIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('drill_states')
    .selectAll()
    .where('database_id', 'in', [...databaseIds])
    .execute();
  return new Map(rows.map((row) => [row.database_id, toRestorable(row)]));
}

/** Of one database. */
export async function restorableOfOne(db: Db, databaseId: string): Promise<Restorable> {
  return (await restorableOf(db, [databaseId])).get(databaseId) ?? NO_DRILLS;
}

function toRestorable(row: DrillStateRow): Restorable {
  const { proven_at: provenAt, proven_backup_id: backupId, failed_at: failedAt, failure } = row;
  return {
    restorable:
      provenAt === null || backupId === null
        ? null
        : { at: provenAt, backupId, restoreMs: Number(row.restore_ms), bytes: Number(row.bytes) },
    drillFailure:
      failedAt === null || failure === null
        ? null
        : { at: failedAt, drillId: row.failed_drill_id ?? '', failure, says: row.says ?? '' },
  };
}

export interface LastProven {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly environmentName: string;
  readonly at: string;
  readonly restoreMs: number;
}

/** Of an environment, or (null) of all, the database of which a drill has proven the latest that it comes back, and how long that took. */
export const lastProven = untilWritten(readLastProven);

async function readLastProven(db: Db, environmentId: string | null): Promise<LastProven | null> {
  const row = await db
    .selectFrom('drill_states as state')
    .innerJoin('databases', 'databases.id', 'state.database_id')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'environments.name as environment_name'])
    .select(['state.proven_at', 'state.restore_ms'])
    .where('state.proven_at', 'is not', null)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .orderBy('state.proven_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined || row.proven_at === null) return null;
  return {
    databaseId: row.id,
    databaseName: row.name,
    environmentName: row.environment_name,
    at: row.proven_at,
    restoreMs: Number(row.restore_ms),
  };
}

export interface FailedDrill {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly environmentName: string;
  /** Its last good backup; null: none. */
  readonly lastGoodId: string | null;
  readonly at: string;
  readonly failure: DrillFailure;
  readonly says: string;
}

/** Databases of that environment, or (null) of all, whose last drill failed, newest first: few, and with an index of their own. */
export async function failedDrills(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly FailedDrill[]> {
  const rows = await db
    .selectFrom('drill_states as state')
    .innerJoin('databases', 'databases.id', 'state.database_id')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .leftJoin('newest_backups', 'newest_backups.database_id', 'databases.id')
    .select(['databases.id', 'databases.name', 'environments.name as environment_name', 'good_id'])
    .select(['state.failed_at', 'state.failure', 'state.says'])
    .where('state.failed_at', 'is not', null)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .orderBy('state.failed_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    databaseId: row.id,
    databaseName: row.name,
    environmentName: row.environment_name,
    lastGoodId: row.good_id,
    at: row.failed_at ?? '',
    failure: row.failure ?? 'other',
    says: row.says ?? '',
  }));
}
