import { sql } from 'kysely';
import type { Db, DrillFailure, DrillOutcome } from '../db/schema.ts';

/** A database, what proved the last that a backup of it comes back, what the last drill said, and when the next one is. */
export interface DrilledDatabase {
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  /** Null: none has proven it yet. */
  readonly proven: {
    readonly at: string;
    readonly restoreMs: number;
    /** Of the dump. */
    readonly bytes: number;
    /** The drill or the restore that has, where it was not forgotten. */
    readonly run: { readonly id: string; readonly isDrill: boolean } | null;
  } | null;
  /**
   * The last drill that said something: one that is under way, else the one that failed where none has proven anything since, else the newest
   * that was asked for or due. Null: there was none, or it was forgotten.
   */
  readonly last: {
    readonly id: string;
    readonly at: string;
    /** Null while it waits or runs. */
    readonly outcome: DrillOutcome | null;
    readonly failure: DrillFailure | null;
    readonly says: string | null;
    /** Whether there was something to run, so that it has a page. */
    readonly hasRun: boolean;
  } | null;
  /** When the next one begins by itself; null: none does. */
  readonly nextAt: string | null;
}

/** Those of a page, by id. */
export async function drilledDatabases(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DrilledDatabase>> {
  if (ids.length === 0) return new Map();
  const rows = await rowsOf(db, ids);
  const runs = await provingRuns(db, ids);
  const last = await lastDrills(db, ids);
  return new Map(
    rows.map(({ id, name, environment_name: environmentName, proven_at: at, ...row }) => [
      id,
      {
        ...{ id, name, environmentName, nextAt: row.run_at, last: tellingOf(row, last.get(id) ?? null) },
        proven:
          at === null
            ? null
            : {
                ...{ at, restoreMs: Number(row.restore_ms), bytes: Number(row.bytes) },
                run: runs.get(id) ?? null,
              },
      },
    ]),
  );
}

type StateRow = Awaited<ReturnType<typeof rowsOf>>[number];
type LastDrill = NonNullable<DrilledDatabase['last']>;

/** What was skipped since does not make one that failed forgotten. */
function tellingOf(
  row: Pick<StateRow, 'failed_at' | 'failed_drill_id' | 'failure' | 'says' | 'failed_restore_id'>,
  newest: LastDrill | null,
): LastDrill | null {
  const { failed_at: at, failed_drill_id: id, failure, says } = row;
  if (at === null || id === null || newest?.outcome === null) return newest;
  return { id, at, outcome: 'failed', failure, says, hasRun: row.failed_restore_id !== null };
}

/** When the next drill begins by itself; null where none does, or its schedule is paused. Of the rows `state` and `counts`. */
export const nextDrillAt = sql<string | null>`case when counts.is_paused = 1 then null else state.run_at end`;

function rowsOf(db: Db, ids: readonly string[]) {
  return db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .leftJoin('drill_states as state', 'state.database_id', 'databases.id')
    .select(['databases.id', 'databases.name', 'environments.name as environment_name'])
    .leftJoin('restores as failed', 'failed.id', 'state.failed_drill_id')
    .leftJoin('database_schedules as counts', 'counts.database_id', 'databases.id')
    .select([nextDrillAt.as('run_at'), 'state.proven_at', 'state.restore_ms', 'state.bytes'])
    .select(['state.failed_at', 'state.failed_drill_id', 'state.failure', 'state.says'])
    .select('failed.id as failed_restore_id')
    .where('databases.id', 'in', [...ids])
    .execute();
}

/** Of each database the drill or the restore of the proven backup that ended as its proof was written. */
async function provingRuns(db: Db, ids: readonly string[]) {
  const rows = await db
    .selectFrom('drill_states as state')
    .innerJoin('restores', 'restores.backup_id', 'state.proven_backup_id')
    .leftJoin('drills', 'drills.id', 'restores.id')
    .select(['state.database_id', 'restores.id', 'restores.is_drill'])
    .where('state.database_id', 'in', [...ids])
    .where(({ eb, fn }) =>
      eb(fn.coalesce('drills.ended_at', 'restores.ended_at'), '=', eb.ref('state.proven_at')),
    )
    .execute();
  return new Map(rows.map((row) => [row.database_id, { id: row.id, isDrill: row.is_drill === 1 }]));
}

/** Of each database one step in the index of its drills. */
async function lastDrills(db: Db, ids: readonly string[]) {
  const rows = await db
    .selectFrom('databases')
    .innerJoin('drills', (join) =>
      join.on('drills.id', '=', (eb) =>
        eb
          .selectFrom('drills as one')
          .select('one.id')
          .whereRef('one.database_id', '=', 'databases.id')
          .orderBy('one.created_at', 'desc')
          .orderBy('one.id', 'desc')
          .limit(1),
      ),
    )
    .leftJoin('restores', 'restores.id', 'drills.id')
    .select(['drills.id', 'drills.database_id', 'drills.outcome', 'drills.failure', 'drills.says'])
    .select(['drills.due_at', 'drills.created_at', 'restores.id as restore_id'])
    .where('databases.id', 'in', [...ids])
    .execute();
  return new Map(
    rows.map(({ id, database_id: databaseId, outcome, failure, says, ...row }) => [
      databaseId,
      {
        ...{ id, outcome, failure, says },
        at: row.due_at ?? row.created_at,
        hasRun: row.restore_id !== null,
      },
    ]),
  );
}
