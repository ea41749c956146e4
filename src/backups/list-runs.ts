import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool, sql } from 'kysely';
import type { BackupRow, Db, RunKindName, RunRow, RunState, Schema } from '../db/schema.ts';
import { ASKED_KINDS, type Asker, askerText } from '../runs/askers.ts';
import { databaseOf, withSubject } from './with-subject.ts';

/** A run, and where it is about a backup, which. */
export interface ListedRun extends RunRow {
  readonly filename: string | null;
  /** Of the backup, and what was found wrong with it. */
  readonly verification: BackupRow['verification'];
  readonly verification_error: string | null;
  readonly database_id: string | null;
  readonly database_name: string | null;
  readonly environment_id: string | null;
  readonly environment_name: string | null;
  /** The person who asked for it; null where nobody did, where that is not noted, or the account is gone. */
  readonly person_id: string | null;
  readonly person_name: string | null;
  /** A token that asked for it, as far as it is still there. */
  readonly token_id: string | null;
  readonly token_name: string | null;
  /** 1 where a schedule did. */
  readonly is_scheduled: number;
}

export interface RunFilter {
  readonly kind?: RunKindName | undefined;
  readonly state?: RunState | undefined;
  /** Whoever asked for them. */
  readonly by?: Asker | undefined;
  /** Those that were asked for from that instant on, and before the other. */
  readonly between?: { readonly from: string; readonly before: string } | undefined;
}

/**
 * A page of the runs, newest first, and whether there are older ones; how many in all is not counted, which would read every
 * run there ever was. Those of deleted backups are never given out.
 */
export async function listRuns(
  db: Db,
  filter: RunFilter,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly runs: readonly ListedRun[]; readonly more: boolean }> {
  if (isAskedByNobody(filter)) return { runs: [], more: false };
  // The ids first: what a page skips is not joined with its backups.
  const ids = await newest(db, filter)
    .limit(page.limit + 1)
    .offset(page.offset)
    .execute();
  return withRows(db, ids, page.limit);
}

async function withRows(db: Db, ids: readonly { readonly id: string }[], limit: number) {
  const found =
    ids.length === 0
      ? []
      : await withSubject(db)
          .where(
            'runs.id',
            'in',
            ids.map(({ id }) => id),
          )
          .execute();
  const byId = new Map(found.map((run) => [run.id, run]));
  const shown = ids.slice(0, limit);
  return { runs: shown.flatMap(({ id }) => byId.get(id) ?? []), more: ids.length > limit };
}

/** Runs of an environment are found among so many of the newest: a list of them all has no index to be read from. */
export const NEWEST = 5000;

/**
 * A page of the runs of one environment, newest first, among the newest of the installation that the filter finds; whether there are
 * older ones among these, and, at their end, whether the installation has some that were not looked at.
 */
export async function listRunsOf(
  db: Db,
  environmentId: string,
  filter: RunFilter,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly runs: readonly ListedRun[]; readonly more: boolean; readonly isCut: boolean }> {
  const { by } = filter;
  if (isAskedByNobody(filter)) return { runs: [], more: false, isCut: false };
  const ids = await db
    .selectFrom(
      by === undefined
        ? newestOfAll(db, filter).limit(NEWEST).as('newest')
        : newestAsked(db, by, filter).limit(NEWEST).as('newest'),
    )
    .leftJoin('backups', 'backups.id', 'newest.subject_id')
    .leftJoin('databases', (join) => join.on('databases.id', '=', databaseOf('newest.lane')))
    .select('newest.id')
    .where('databases.environment_id', '=', environmentId)
    .orderBy('newest.created_at', 'desc')
    .orderBy('newest.id', 'desc')
    .limit(page.limit + 1)
    .offset(page.offset)
    .execute();
  const found = await withRows(db, ids, page.limit);
  const unseen = found.more ? [] : await newest(db, filter).limit(1).offset(NEWEST).execute();
  return { ...found, isCut: unseen.length > 0 };
}

const LIVE = ['running', 'pending', 'uncertain'] as const satisfies readonly RunState[];

/**
 * What runs, waits, or is asked about, of that environment or (null) of all, the oldest first; at most so many. Not what is
 * pruned: after each backup that is looked at for a moment, and nobody waits for it.
 */
export async function liveRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly ListedRun[]> {
  const [first, second, third] = LIVE;
  const of = (state: (typeof LIVE)[number]) =>
    db.selectFrom(liveIn(db, state, environmentId, limit).as('live')).select(['id', 'state', 'created_at']);
  const live = await of(first).unionAll(of(second)).unionAll(of(third)).execute();
  const rankOf = ({ state }: (typeof live)[number]) => (LIVE as readonly RunState[]).indexOf(state);
  const ids = live
    .toSorted(
      (a, b) => rankOf(a) - rankOf(b) || compareText(a.created_at, b.created_at) || compareText(a.id, b.id),
    )
    .slice(0, limit);
  // Of all that are asked about, few are shown: the rest of them is not joined with what they are about.
  const { runs } = await withRows(db, ids, limit);
  return runs;
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Those of one state have a small index of their own. */
function liveIn(db: Db, state: RunState, environmentId: string | null, limit: number) {
  return db
    .selectFrom('runs')
    .leftJoin('backups', 'backups.id', 'runs.subject_id')
    .select(['runs.id', 'runs.state', 'runs.created_at'])
    .where('runs.state', '=', sql.lit(state))
    .where('runs.kind', '!=', sql.lit('prune'))
    .where('backups.deleted_at', 'is', null)
    .$if(environmentId !== null, (query) =>
      query
        .innerJoin('databases', (join) => join.on('databases.id', '=', databaseOf('runs.lane')))
        .where('databases.environment_id', '=', environmentId ?? ''),
    )
    .orderBy('runs.created_at')
    .orderBy('runs.id')
    .limit(limit);
}

/**
 * Of that environment, or (null) of all: how many have ended, and nobody knows how, of those that lists have; no more than
 * `MOST_UNCERTAIN` are counted. They have a small index of their own.
 */
export async function countUncertain(db: Db, environmentId: string | null): Promise<number> {
  const rows = await db
    .selectFrom('runs')
    .leftJoin('backups', 'backups.id', 'runs.subject_id')
    .select('runs.id')
    .where('runs.state', '=', sql.lit('uncertain'))
    .where('backups.deleted_at', 'is', null)
    .$if(environmentId !== null, (query) =>
      query
        .innerJoin('databases', (join) => join.on('databases.id', '=', databaseOf('runs.lane')))
        .where('databases.environment_id', '=', environmentId ?? ''),
    )
    .limit(MOST_UNCERTAIN)
    .execute();
  return rows.length;
}

/** Every page counts them; the sidebar knows it, too. */
export const MOST_UNCERTAIN = 25;

/** The run, or undefined when there is none of that id or its backup was deleted. */
export async function findRun(db: Db, id: string): Promise<ListedRun | undefined> {
  return withSubject(db).where('runs.id', '=', id).where('backups.deleted_at', 'is', null).executeTakeFirst();
}

/** Of these nobody is known: there is nothing to look for among all of them. */
function isAskedByNobody({ by, kind }: RunFilter): boolean {
  return by !== undefined && kind !== undefined && !ASKED_KINDS.includes(kind);
}

function newest(db: Db, filter: RunFilter) {
  return filter.by === undefined ? newestOfAll(db, filter) : newestAsked(db, filter.by, filter);
}

function newestOfAll(db: Db, filter: RunFilter) {
  return db
    .selectFrom('runs')
    .select(['runs.id', 'runs.subject_id', 'runs.lane', 'runs.created_at'])
    .where(isFound(filter))
    .orderBy('runs.created_at', 'desc')
    .orderBy('runs.id', 'desc');
}

/**
 * SQLite reads a cross join in the order in which it is written: what is asked for leads, or, where few runs are of that kind or
 * result, these.
 */
function newestAsked(db: Db, by: Asker, filter: RunFilter) {
  const { between } = filter;
  const areFew = isOfFew(filter);
  const both = areFew
    ? db.selectFrom('runs').crossJoin('run_askers')
    : db.selectFrom('run_askers').crossJoin('runs');
  const [at, id] = areFew
    ? (['runs.created_at', 'runs.id'] as const)
    : (['run_askers.created_at', 'run_askers.run_id'] as const);
  return both
    .select([`${id} as id`, 'runs.subject_id', 'runs.lane', `${at} as created_at`])
    .where('run_askers.asker', '=', askerText(by))
    .whereRef('run_askers.run_id', '=', 'runs.id')
    .$if(between !== undefined, (query) =>
      query
        .where('run_askers.created_at', '>=', between?.from ?? '')
        .where('run_askers.created_at', '<', between?.before ?? ''),
    )
    .where(isFound(filter))
    .orderBy(at, 'desc')
    .orderBy(id, 'desc');
}

/** Most of what is asked for are backups, and completed. */
function isOfFew({ kind, state }: RunFilter): boolean {
  return (kind !== undefined && kind !== 'backup') || (state !== undefined && state !== 'completed');
}

function isFound({ kind, state, between }: RunFilter): Expression<SqlBool> {
  const eb = expressionBuilder<Schema, 'runs'>();
  return eb.and([
    isSeen(eb),
    ...(kind === undefined ? [] : [eb('runs.kind', '=', kind)]),
    ...(state === undefined ? [] : [eb('runs.state', '=', state)]),
    ...(between === undefined
      ? []
      : [eb('runs.created_at', '>=', between.from), eb('runs.created_at', '<', between.before)]),
  ]);
}

/** Tombstones are few, and have an index of their own. */
function isSeen(eb: ExpressionBuilder<Schema, 'runs'>) {
  const deleted = eb.selectFrom('backups').select('backups.id').where('backups.deleted_at', 'is not', null);
  return eb.or([eb('runs.subject_id', 'is', null), eb('runs.subject_id', 'not in', deleted)]);
}
