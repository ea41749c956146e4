import { type RawBuilder, sql } from 'kysely';
import { isFound } from '../backups/search-databases.ts';
import { inBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import type { Page } from '../page.ts';
import { type DrilledDatabase, drilledDatabases, nextDrillAt } from './drilled-databases.ts';

/**
 * What drills say of a database, the worst first. `failed`: the last one did; `due`: the next one’s time has come; `unproven`: no backup of
 * it was restored yet; else `proven`.
 */
export const DRILL_STANDS = ['failed', 'due', 'unproven', 'proven'] as const;
export type DrillStand = (typeof DRILL_STANDS)[number];

export interface DrillFilter {
  /** Part of a name, a server, an environment or a file, in any case; empty for all. */
  readonly search: string;
  readonly stand: DrillStand | null;
}

export type StandCounts = Readonly<Record<DrillStand, number>>;

export interface FoundDrilled {
  readonly databases: readonly (DrilledDatabase & { readonly stand: DrillStand })[];
  /** How many the filter finds. */
  readonly total: number;
  /** How many there would be of each, whichever the filter names. */
  readonly counts: StandCounts;
  /** Of those that are counted, how many have a drill that begins by itself. */
  readonly planned: number;
}

interface Context {
  readonly db: Db;
  readonly now: () => Date;
}

/**
 * A page of the databases of that environment or (null) of all, with what drills and compared restores said of each. Failed ones are
 * first, then what is due, then what was never proven, then what was proven the longest ago.
 */
export async function findDrilled(
  context: Context,
  environmentId: string | null,
  { search, stand }: DrillFilter,
  page: Page,
): Promise<FoundDrilled> {
  const { db } = context;
  const at = context.now();
  const found = standsAt(db, at)
    .$if(environmentId !== null, (query) => query.where('known.environment_id', '=', environmentId ?? ''))
    .$if(search.trim() !== '', (query) => query.where(isFound(db, search.trim())));
  const counted = await found
    .select(({ fn }) => [
      'stand',
      fn.countAll<number>().as('count'),
      fn.count<number>('run_at').as('planned'),
    ])
    .groupBy('stand')
    .execute();
  const ids = await found
    .select(['known.id', 'stand'])
    .$if(stand !== null, (query) => query.where('stand', '=', sql.lit(stand ?? 'failed')))
    .orderBy(worstFirst(db))
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const counts = countsOf(counted);
  const known = await drilledDatabases(
    db,
    ids.map(({ id }) => id),
  );
  return {
    databases: ids.flatMap(({ id, stand: is }) => {
      const database = known.get(id);
      return database === undefined ? [] : [{ ...database, stand: is }];
    }),
    total: stand === null ? totalOf(counts) : counts[stand],
    counts,
    planned: counted.reduce((sum, { planned }) => sum + Number(planned), 0),
  };
}

/** Of all databases that are counted. */
export function totalOf(counts: StandCounts): number {
  return DRILL_STANDS.reduce((sum, stand) => sum + counts[stand], 0);
}

function countsOf(rows: readonly { readonly stand: DrillStand; readonly count: number }[]): StandCounts {
  const of = (stand: DrillStand) => Number(rows.find((row) => row.stand === stand)?.count ?? 0);
  return { failed: of('failed'), due: of('due'), unproven: of('unproven'), proven: of('proven') };
}

function standsAt(db: Db, at: Date) {
  const inner = db
    .selectFrom('databases')
    .leftJoin('drill_states as state', 'state.database_id', 'databases.id')
    .leftJoin('database_schedules as counts', 'counts.database_id', 'databases.id')
    .select(['databases.id', 'databases.name', 'databases.environment_id', 'databases.server_id'])
    .select(['databases.options', nextDrillAt.as('run_at'), 'state.proven_at', 'state.failure'])
    .select(
      sql<DrillStand>`case when failed_at is not null then 'failed' when ${nextDrillAt} <= ${at.toISOString()} then 'due'
        when proven_at is null then 'unproven' else 'proven' end`.as('stand'),
    );
  return db.selectFrom(inner.as('known'));
}

/** Ties go by name, then by id: the pages of a list must not overlap. */
function worstFirst(db: Db): RawBuilder<unknown> {
  const rank = sql`case stand ${sql.join(
    DRILL_STANDS.map((stand, at) => sql`when ${sql.lit(stand)} then ${sql.lit(at)}`),
    sql` `,
  )} end`;
  // Of those that failed, a damaged backup is the worst; of all others, the proof that is the oldest, or not there at all.
  const damagedFirst = sql`case when failure = 'damaged' then 0 else 1 end`;
  const texts = [sql`coalesce(proven_at, '')`, sql`lower(known.name)`, sql`known.name`, sql`known.id`];
  return sql.join([rank, damagedFirst, ...texts.map((text) => inBytes(db, text))], sql`, `);
}
