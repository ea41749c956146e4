import { type AliasedExpression, sql } from 'kysely';
import type { BackupDayRow, Db } from '../db/schema.ts';
import { dayAfter, daysUntil } from './days.ts';

/** How many backups of those that were asked for on a day (UTC) ended well, and how many failed; also of deleted ones. */
export interface DayTally {
  readonly day: string;
  readonly good: number;
  readonly failed: number;
}

/** One database, or all of one environment, or of the installation where neither is named. */
export type Scope = { readonly databaseId: string } | { readonly environmentId?: string | undefined };

/** The days from that one on that have anything to tell, oldest first. */
export async function talliesSince(db: Db, scope: Scope, from: string): Promise<readonly DayTally[]> {
  const rows = await daysOf(db, scope)
    .select('day')
    .select([sum('good').as('good'), sum('failed').as('failed')])
    .where('day', '>=', from)
    .groupBy('day')
    .orderBy('day')
    .execute();
  return rows.map(toTally).filter(({ good, failed }) => good + failed > 0);
}

/** The same of several databases, by id, in one query: for the strips of a list. */
export async function talliesOfEach(
  db: Db,
  databaseIds: readonly string[],
  from: string,
): Promise<ReadonlyMap<string, readonly DayTally[]>> {
  const found = new Map<string, DayTally[]>(databaseIds.map((id) => [id, []]));
  if (databaseIds.length === 0) return found;
  const rows = await db
    .selectFrom('backup_days')
    .select(['database_id', 'day', 'good', 'failed'])
    .where('database_id', 'in', databaseIds)
    .where('day', '>=', from)
    .orderBy('database_id')
    .orderBy('day')
    .execute();
  for (const row of rows) {
    const tally = toTally(row);
    if (tally.good + tally.failed > 0) found.get(row.database_id)?.push(tally);
  }
  return found;
}

/** Bytes that lay in the storage and on hosts at the end of a day (UTC). */
export interface StoredOnDay {
  readonly day: string;
  readonly bytes: number;
}

/**
 * Of so many days up to that one, oldest first: what there is now (`now`, in bytes), less what was added after that day, and what
 * was deleted.
 */
export async function storedByDay(
  db: Db,
  scope: Scope,
  { last, days, now }: { readonly last: string; readonly days: number; readonly now: number },
): Promise<readonly StoredOnDay[]> {
  const shown = daysUntil(last, days);
  const rows = await daysOf(db, scope)
    .select('day')
    .select([sum('added').as('added'), sum('freed').as('freed')])
    .where('day', '>=', shown[0] ?? last)
    .groupBy('day')
    .orderBy('day', 'desc')
    .execute();
  const changes = new Map<string, number>();
  let bytes = now;
  for (const { day, added, freed } of rows) {
    const change = Number(added) - Number(freed);
    // A clock that was set back: what is told of days to come has not come yet.
    if (day > last) bytes -= change;
    else changes.set(day, change);
  }
  const found: StoredOnDay[] = [];
  for (const day of shown.toReversed()) {
    found.push({ day, bytes: Math.max(0, bytes) });
    bytes -= changes.get(day) ?? 0;
  }
  return found.reverse();
}

/** Bytes of all completed backups of a database that are there, by the totals. */
export async function storedNow(db: Db, databaseId: string): Promise<number> {
  const { bytes } = await db
    .selectFrom('stored_totals')
    .select(sql<number>`coalesce(sum(stored_totals.bytes), 0)`.as('bytes'))
    .where('database_id', '=', databaseId)
    .executeTakeFirstOrThrow();
  return Number(bytes);
}

/** Runs that are looked at for what is usual. */
const USUAL_OF = 30;

/** What is usual of a database. */
export interface UsualOf {
  /** How long a good backup takes, the median of the last ones; null where too few tell. */
  readonly seconds: number | null;
  /** Bytes of the last good ones, and how long they took, oldest first. */
  readonly sizes: readonly {
    readonly id: string;
    readonly at: string;
    readonly bytes: number;
    readonly seconds: number | null;
  }[];
}

/** How many ended well and how many failed, of those asked for on that day or one of the 29 before it (by UTC). */
export function monthUntil(today: string, tallies: readonly DayTally[]): Omit<DayTally, 'day'> {
  const first = dayAfter(today, -29);
  const days = tallies.filter(({ day }) => day >= first);
  return {
    good: days.reduce((all, { good }) => all + good, 0),
    failed: days.reduce((all, { failed }) => all + failed, 0),
  };
}

/** By the last rows of an index; `sizes`: how many of them are told. */
export async function usualOf(
  db: Db,
  databaseId: string,
  { sizes }: { readonly sizes: number },
): Promise<UsualOf> {
  const rows = await db
    .selectFrom('backups')
    .select(['id', 'created_at', 'size', 'duration'])
    .where('database_id', '=', databaseId)
    // A literal, as in the index: a parameter could be any status.
    .where('status', '=', sql.lit('completed'))
    .where('deleted_at', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(Math.max(USUAL_OF, sizes))
    .execute();
  return {
    seconds: medianOfEnough(rows.slice(0, USUAL_OF).flatMap(({ duration }) => duration ?? [])),
    sizes: rows
      .slice(0, sizes)
      .map(({ id, created_at: at, size, duration }) => ({ id, at, bytes: Number(size), seconds: duration }))
      .reverse(),
  };
}

/** One or two that went well are no habit. */
const ENOUGH = 3;

/** The median of what is said to be usual; null of too few. */
export function medianOfEnough(numbers: readonly number[]): number | null {
  return numbers.length < ENOUGH ? null : median(numbers);
}

/** The middle one, or the mean of the two in the middle; null of nothing. */
export function median(numbers: readonly number[]): number | null {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : low + (high - low) / 2;
}

type Column = 'good' | 'failed' | 'added' | 'freed';

const sum = (column: Column) => sql<number>`sum(${sql.ref(column)})`;

/** Of one database its own; otherwise those of whole environments, which also tell of databases that are gone. */
function daysOf(db: Db, scope: Scope) {
  const columns = ['day', 'good', 'failed', 'added', 'freed'] as const;
  const rows: AliasedExpression<Pick<BackupDayRow, (typeof columns)[number]>, 'days'> = 'databaseId' in scope
    ? db.selectFrom('backup_days').select(columns).where('database_id', '=', scope.databaseId).as('days')
    : db
        .selectFrom('environment_days')
        .select(columns)
        .$if(scope.environmentId !== undefined, (query) =>
          query.where('environment_id', '=', scope.environmentId ?? ''),
        )
        .as('days');
  return db.selectFrom(rows);
}

function toTally(row: { readonly day: string; readonly good: number; readonly failed: number }): DayTally {
  return { day: row.day, good: Number(row.good), failed: Number(row.failed) };
}
