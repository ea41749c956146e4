import { sql } from 'kysely';
import type { Db, RunKindName, RunState } from '../db/schema.ts';
import { untilWritten } from '../db/until-written.ts';
import type { ListedRun } from './list-runs.ts';
import { withSubject } from './with-subject.ts';

const ENDED = ['completed', 'failed', 'cancelled', 'interrupted'] as const satisfies readonly RunState[];
/** Beside backups; what is pruned is news to nobody. */
const RARE = ['restore', 'drill', 'verification', 'deep_test'] as const satisfies readonly RunKindName[];
/** Of each rare kind, those of one environment are looked for among so many: they have no index of their own. */
const NEWEST = 20;

/**
 * What ended last, of that environment or (null) of all, newest first; at most so many. Of one environment no database has two backups in
 * it: there each one's last is kept, and all others would have to be looked for.
 */
export const latestRuns = untilWritten(readLatestRuns);

async function readLatestRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly ListedRun[]> {
  const ids = [
    ...(await rareIds(db, environmentId === null ? limit : NEWEST)),
    ...(environmentId === null
      ? await idsOf(db, 'backup', limit).execute()
      : await lastBackups(db, environmentId, limit)),
  ];
  if (ids.length === 0) return [];
  const runs = await withSubject(db)
    .where(
      'runs.id',
      'in',
      ids.map(({ id }) => id),
    )
    .where('backups.deleted_at', 'is', null)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .execute();
  return runs
    .toSorted(
      (a, b) => compare(b.ended_at ?? b.created_at, a.ended_at ?? a.created_at) || compare(b.id, a.id),
    )
    .slice(0, limit);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function idsOf(db: Db, kind: RunKindName, limit: number) {
  return (
    db
      .selectFrom('runs')
      .select('id')
      // Of the few that are read each is looked up: all deleted ones are more.
      .where(({ exists, not, selectFrom }) =>
        not(
          exists(
            selectFrom('backups')
              .select('backups.id')
              .whereRef('backups.id', '=', 'runs.subject_id')
              .where('backups.deleted_at', 'is not', null),
          ),
        ),
      )
      .where('kind', '=', sql.lit(kind))
      .where(
        'state',
        'in',
        ENDED.map((state) => sql.lit(state)),
      )
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
  );
}

/** As text: four queries in one take longer to be built than to be run. */
async function rareIds(db: Db, limit: number): Promise<readonly { readonly id: string }[]> {
  const newest = RARE.map(
    (kind) => sql`select id from (select id from runs where kind = ${sql.lit(kind)}
      and state in (${sql.join(ENDED.map((state) => sql.lit(state)))})
      order by created_at desc, id desc limit ${limit}) as newest`,
  );
  const { rows } = await sql<{ readonly id: string }>`${sql.join(newest, sql` union all `)}`.execute(db);
  return rows;
}

/** Each database's last one that ended, by the index of their ends. */
async function lastBackups(db: Db, environmentId: string, limit: number) {
  return db
    .selectFrom('newest_backups')
    .select('ended_id as id')
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('databases')
          .select('databases.id')
          .whereRef('databases.id', '=', 'newest_backups.database_id')
          .where('databases.environment_id', '=', environmentId),
      ),
    )
    .orderBy('ended_at', 'desc')
    .orderBy('database_id')
    .limit(limit)
    .execute();
}
