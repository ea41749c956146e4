import { type RawBuilder, sql } from 'kysely';
import { isPostgres } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { untilWritten } from '../db/until-written.ts';
import { AHEAD_MS, GRACE_HOURS, PROTECTIONS, type ProtectionState, protection } from './protection.ts';
import { factsOf, withNewest } from './protection-of.ts';
import { backupsUnderWay } from './under-way.ts';

interface Context {
  readonly db: Db;
  readonly now: () => Date;
}

export type StateCounts = Readonly<Record<ProtectionState, number>>;

export const NO_DATABASES: StateCounts = { never: 0, late: 0, failing: 0, paused: 0, protected: 0 };

/**
 * How many databases of that environment, or (null) of all, are in each state. Every page and many a fragment asks: what was counted in
 * the same second is told again where nothing was written since.
 */
export async function countStates(context: Context, environmentId: string | null): Promise<StateCounts> {
  return countedIn(context.db, environmentId, context.now());
}

const countedIn = untilWritten(
  (db, environmentId: string | null, at: Date) => countAt({ db, now: () => at }, environmentId),
  (environmentId, at) => `${environmentId} ${Math.floor(at.getTime() / 1000)}`,
);

async function countAt(context: Context, environmentId: string | null): Promise<StateCounts> {
  const rows = await statesAt(context, await waitedFor(context))
    .$if(environmentId !== null, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return toCounts(rows);
}

/** The same by the id of the environment; one without databases is left out. */
export async function countStatesByEnvironment(context: Context): Promise<ReadonlyMap<string, StateCounts>> {
  const rows = await statesAt(context, await waitedFor(context))
    .select(({ fn }) => ['environment_id', 'state', fn.countAll<number>().as('count')])
    .groupBy(['environment_id', 'state'])
    .execute();
  const byEnvironment = Map.groupBy(rows, (row) => row.environment_id);
  return new Map([...byEnvironment].map(([id, counted]) => [id, toCounts(counted)]));
}

/** So long the others are told as they were: beside what a page shows they are a hint, and each page asks. */
const KEPT_MS = 10_000;

/** Of each database, how many are not safe by the id of the environment, as they were a moment ago. */
const unsafe = new WeakMap<Db, { readonly at: number; readonly of: Promise<ReadonlyMap<string, number>> }>();

/** How many databases are not safe outside of that environment, as of some seconds ago; 0 of all (null). */
export async function unsafeElsewhere(context: Context, environmentId: string | null): Promise<number> {
  if (environmentId === null) return 0;
  const counts = await unsafeByEnvironment(context);
  let sum = 0;
  for (const [id, count] of counts) if (id !== environmentId) sum += count;
  return sum;
}

/** How many of that environment, or (null) of all, are not safe, as of some seconds ago: for open pages, which ask again and again. */
export async function unsafeIn(context: Context, environmentId: string | null): Promise<number> {
  const counts = await unsafeByEnvironment(context);
  if (environmentId !== null) return counts.get(environmentId) ?? 0;
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function unsafeByEnvironment(context: Context): Promise<ReadonlyMap<string, number>> {
  const at = context.now().getTime();
  const known = unsafe.get(context.db);
  // A clock that was set back keeps nothing for longer.
  if (known !== undefined && at >= known.at && at < known.at + KEPT_MS) return known.of;
  const of = countStatesByEnvironment(context).then(
    (counts) => new Map([...counts].map(([id, states]) => [id, unsafeOf(states)])),
  );
  unsafe.set(context.db, { at, of });
  // One that failed is asked anew.
  of.catch(() => unsafe.delete(context.db));
  return of;
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

/**
 * The databases whose next backup is being made and is waited for: as few as runs may go on at once, so that they are looked at one
 * by one. To be read before `statesAt`, which is handed them.
 */
export async function waitedFor({ db, now }: Context): Promise<readonly string[]> {
  const at = now();
  const underWay = await backupsUnderWay(db, at);
  if (underWay.size === 0) return [];
  const rows = await withNewest(db)
    .where('databases.id', 'in', [...underWay.keys()])
    .execute();
  return rows.flatMap((row) => (protection(factsOf(row, underWay), at).underWay === null ? [] : row.id));
}

/** Every database with the state that it is in, for a query to count, filter and sort by; `waited` is of `waitedFor`. */
export function statesAt({ db, now }: Context, waited: readonly string[]) {
  const inner = withNewest(db)
    .select(['databases.environment_id', 'databases.name', 'databases.type', 'databases.options'])
    .select(['databases.backup_storage_type', 'databases.backup_spaces_bucket', 'databases.server_id'])
    .select(stateAt(db, now(), waited).as('state'));
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
function stateAt(db: Db, now: Date, waited: readonly string[]): RawBuilder<ProtectionState> {
  const age = ageMs(db, now);
  const isWaitedFor =
    waited.length === 0 ? sql`` : sql`and (databases.id not in (${sql.join(waited)}) or ${age} < 0)`;
  const ahead = new Date(now.getTime() + AHEAD_MS).toISOString();
  return sql`case when "when".is_paused = 1 then 'paused'
    when good_id is null or good_at is null then 'never'
    when abs(${age}) > ${MAX_AGE_MS} ${isWaitedFor} then 'late'
    when ended_id <> good_id and (ended_at > good_at or good_at > ${ahead}) then 'failing'
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
