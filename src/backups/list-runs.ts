import type { ExpressionBuilder } from 'kysely';
import type { Db, RunKindName, RunRow, RunState, Schema } from '../db/schema.ts';

/** A run, and where it is about a backup, which. */
export interface ListedRun extends RunRow {
  readonly filename: string | null;
  readonly database_id: string | null;
  readonly database_name: string | null;
  readonly environment_id: string | null;
}

export interface RunFilter {
  readonly kind?: RunKindName | undefined;
  readonly state?: RunState | undefined;
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
  // The ids first, from an index alone: what a page skips is not read, nor joined with its backups.
  const ids = await seen(db, filter)
    .select('id')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .offset(page.offset)
    .execute();
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
  const shown = ids.slice(0, page.limit);
  return { runs: shown.flatMap(({ id }) => byId.get(id) ?? []), more: ids.length > page.limit };
}

/** The run, or undefined when there is none of that id or its backup was deleted. */
export async function findRun(db: Db, id: string): Promise<ListedRun | undefined> {
  return withSubject(db).where('runs.id', '=', id).where(isSeen).executeTakeFirst();
}

function seen(db: Db, { kind, state }: RunFilter) {
  return db
    .selectFrom('runs')
    .where(isSeen)
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? 'backup'))
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'pending'));
}

/** Tombstones are few, and have an index of their own. */
function isSeen(eb: ExpressionBuilder<Schema, 'runs'>) {
  const deleted = eb.selectFrom('backups').select('backups.id').where('backups.deleted_at', 'is not', null);
  return eb.or([eb('runs.subject_id', 'is', null), eb('runs.subject_id', 'not in', deleted)]);
}

function withSubject(db: Db) {
  return db
    .selectFrom('runs')
    .leftJoin('backups', 'backups.id', 'runs.subject_id')
    .leftJoin('databases', 'databases.id', 'backups.database_id')
    .selectAll('runs')
    .select(['backups.filename', 'backups.database_id'])
    .select(['databases.name as database_name', 'databases.environment_id']);
}
