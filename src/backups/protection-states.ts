import { type RawBuilder, sql } from 'kysely';
import { isPostgres } from '../db/kind.ts';
import { revisionOf } from '../db/revision.ts';
import type { Db } from '../db/schema.ts';
import { GRACE_HOURS, PROTECTIONS, type ProtectionState } from './protection.ts';
import { withNewest } from './protection-of.ts';

interface Context {
  readonly db: Db;
  readonly now: () => Date;
}

export type StateCounts = Readonly<Record<ProtectionState, number>>;

export const NO_DATABASES: StateCounts = { never: 0, late: 0, failing: 0, paused: 0, protected: 0 };

/** How many databases of that environment, or (null) of all, are in each state. */
export async function countStates(context: Context, environmentId: string | null): Promise<StateCounts> {
  return statesIn(await countStatesByEnvironment(context), environmentId);
}

/** Of what was counted of each environment, those of that one, or (null) of all together. */
export function statesIn(
  counted: ReadonlyMap<string, StateCounts>,
  environmentId: string | null,
): StateCounts {
  if (environmentId !== null) return counted.get(environmentId) ?? NO_DATABASES;
  const all = { ...NO_DATABASES };
  for (const counts of counted.values()) {
    for (const state of PROTECTIONS) all[state] += counts[state];
  }
  return all;
}

/**
 * How many databases are in each state, by the id of the environment; one without databases is left out. Every page and many a
 * fragment asks: what was counted in the same second is told again where nothing was written since.
 */
export async function countStatesByEnvironment({
  db,
  now,
}: Context): Promise<ReadonlyMap<string, StateCounts>> {
  const at = now();
  const revision = await revisionOf(db);
  if (revision === null) return countAt({ db, now: () => at });
  const moment = `${revision} ${Math.floor(at.getTime() / 1000)}`;
  const known = counted.get(db);
  if (known?.moment === moment) return known.counts;
  const counts = countAt({ db, now: () => at });
  counted.set(db, { moment, counts });
  // One that failed is asked anew.
  counts.catch(() => counted.delete(db));
  return counts;
}

/** Of each database the last moment. */
const counted = new WeakMap<
  Db,
  { readonly moment: string; readonly counts: Promise<ReadonlyMap<string, StateCounts>> }
>();

async function countAt(context: Context): Promise<ReadonlyMap<string, StateCounts>> {
  const rows = await statesAt(context)
    .select(({ fn }) => ['environment_id', 'state', fn.countAll<number>().as('count')])
    .groupBy(['environment_id', 'state'])
    .execute();
  const byEnvironment = Map.groupBy(rows, (row) => row.environment_id);
  return new Map([...byEnvironment].map(([id, rows]) => [id, toCounts(rows)]));
}

/** Of these nothing good is there that is new enough. */
export const UNSAFE: readonly ProtectionState[] = ['never', 'late'];

/** Of those in some state, how many are not safe. */
export function unsafeOf(counts: StateCounts): number {
  return UNSAFE.reduce((sum, state) => sum + counts[state], 0);
}

export function totalOf(counts: StateCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** From rows of a query that counts by state. */
export function toCounts(
  rows: readonly { readonly state: ProtectionState; readonly count: number }[],
): StateCounts {
  const counted = Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  return { ...NO_DATABASES, ...counted };
}

/** Every database with the state that it is in, for a query to count, filter and sort by. */
export function statesAt({ db, now }: Context) {
  const inner = withNewest(db)
    .select(['databases.environment_id', 'databases.name', 'databases.type', 'databases.options'])
    .select(['databases.backup_storage_type', 'databases.backup_spaces_bucket', 'databases.server_id'])
    .select(stateAt(db, now()).as('state'));
  return db.selectFrom(inner.as('known'));
}

/** By how bad the state is, the worst first. */
export const badness: RawBuilder<number> = sql<number>`case state ${sql.join(
  PROTECTIONS.map((state, rank) => sql`when ${sql.lit(state)} then ${sql.lit(rank)}`),
  sql` `,
)} end`;

/**
 * What `protection` makes of the columns of `withNewest`, in SQL: to read a row of each of thousands of databases for every
 * page would take more time than all the rest of it. A test holds the two together.
 */
function stateAt(db: Db, now: Date): RawBuilder<ProtectionState> {
  return sql`case when "when".is_paused = 1 then 'paused'
    when good_id is null or good_at is null then 'never'
    when ${ageMs(db, now)} > ${MAX_AGE_MS} then 'late'
    when ended_id <> good_id and ended_at > good_at then 'failing'
    else 'protected' end`;
}

/** How old the last good one may be. No whole number: those of PostgreSQL end at 25 days of milliseconds. */
const MAX_AGE_MS = sql`60000.0 * coalesce("when".interval_minutes + ${sql.lit(GRACE_HOURS * 60)}, databases.max_backup_age_hours * 60)`;

/** How old it is, to the millisecond: a day by Julius has 17 digits, of which a rounded one is right. */
function ageMs(db: Db, now: Date): RawBuilder<number> {
  const nowMs = sql`${now.getTime()}`;
  return isPostgres(db)
    ? sql`${nowMs} - extract(epoch from good_at::timestamptz) * 1000`
    : sql`${nowMs} - round((julianday(good_at) - 2440587.5) * 86400000)`;
}
