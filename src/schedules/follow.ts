import * as z from 'zod';
import type { Context } from '../db/context.ts';
import type { DatabaseScheduleRow, Db, ScheduleRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { isAppError } from '../errors.ts';
import { readSettings } from '../settings/settings.ts';
import { type Cron, parseCron } from './cron.ts';
import { effectiveSchedule, sortRules } from './effective.ts';
import { beginsAt, runAt } from './jitter.ts';
import { longestGapMinutes, YEAR_MINUTES } from './longest-gap.ts';
import { nextRun } from './next-run.ts';

const CHUNK = 200;

/**
 * Lets `database_schedules` say which schedule counts for each database, and when it is due next. One that is new or has
 * changed waits for its next slot; what did not change stays as it is. All databases where none are named.
 */
export async function followSchedules(trx: Trx, now: Date, databaseIds?: readonly string[]): Promise<void> {
  const found = await compare(trx, databaseIds);
  const times = memo(now);
  const rows = found.changed.map(({ databaseId, schedule, zone, before }) => {
    const { runOf, due, intervalMinutes } = times(schedule, zone);
    // What is due stays also where the interval alone is told anew.
    const isSame = before !== undefined && isOfTerms(before.settled_as, schedule, zone);
    // So does a time that has come and waits for its jitter, where what counts now has the same times.
    const staying = before !== undefined && isOfTimes(before.settled_as, schedule, zone) ? before : undefined;
    const awaited = staying?.due_at == null ? due : new Date(staying.due_at);
    const dueAt = schedule.enabled === 1 ? awaited : null;
    return {
      database_id: databaseId,
      schedule_id: schedule.id,
      settled_as: settledAs(schedule, zone),
      time_zone: zone,
      interval_minutes: withJitter(intervalMinutes, schedule.jitter_minutes),
      is_paused: pausedFlag(schedule),
      due_at: isSame ? before.due_at : (dueAt?.toISOString() ?? null),
      run_at: isSame
        ? before.run_at
        : dueAt && beginsAt(runOf(dueAt, databaseId, schedule.jitter_minutes), staying?.run_at ?? null, now),
      anchored_at: staying?.anchored_at ?? now.toISOString(),
    };
  });
  for (let at = 0; at < rows.length; at += CHUNK) {
    await trx
      .insertInto('database_schedules')
      .values(rows.slice(at, at + CHUNK))
      .onConflict((conflict) =>
        conflict.column('database_id').doUpdateSet((eb) => ({
          schedule_id: eb.ref('excluded.schedule_id'),
          settled_as: eb.ref('excluded.settled_as'),
          time_zone: eb.ref('excluded.time_zone'),
          interval_minutes: eb.ref('excluded.interval_minutes'),
          is_paused: eb.ref('excluded.is_paused'),
          due_at: eb.ref('excluded.due_at'),
          run_at: eb.ref('excluded.run_at'),
          anchored_at: eb.ref('excluded.anchored_at'),
        })),
      )
      .execute();
  }
  for (let at = 0; at < found.gone.length; at += CHUNK) {
    await trx
      .deleteFrom('database_schedules')
      .where('database_id', 'in', found.gone.slice(at, at + CHUNK))
      .execute();
  }
}

/**
 * As `followSchedules`, where something has changed that rules look at: databases and servers that came, went or changed
 * since it was last asked, and the time zone. To be asked often; of all databases only where one of them changed.
 */
export function createFollower({ db, now }: Context): () => Promise<void> {
  let seen: string | undefined;
  return async () => {
    const { stamp, newest } = await stampOf(db);
    const isSettled = newest < new Date(now().getTime() - SETTLED_MS).toISOString();
    if (isSettled && stamp === seen) return;
    const { changed, gone } = await compare(db);
    const ids = [...changed.map(({ databaseId }) => databaseId), ...gone];
    for (let at = 0; at < ids.length; at += CHUNK) {
      await write(db, (trx) => followSchedules(trx, now(), ids.slice(at, at + CHUNK)));
    }
    seen = isSettled ? stamp : undefined;
  };
}

/**
 * The newest change hides those before it: of the same moment, of a transaction that ended late, and, where the clock was set back, all
 * that come until it is there again. So it is trusted once it is as old.
 */
const SETTLED_MS = 60_000;

async function stampOf(db: Db): Promise<{ readonly stamp: string; readonly newest: string }> {
  const parts = [(await readSettings(db)).timezone];
  let latest = '';
  for (const table of ['databases', 'servers', 'schedules'] as const) {
    const { count, newest } = await db
      .selectFrom(table)
      .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max('updated_at').as('newest')])
      .executeTakeFirstOrThrow();
    parts.push(`${count} ${newest}`);
    if (newest !== null && newest > latest) latest = newest;
  }
  return { stamp: parts.join('\n'), newest: latest };
}

interface Change {
  readonly databaseId: string;
  readonly schedule: ScheduleRow;
  readonly zone: string;
  readonly before: DatabaseScheduleRow | undefined;
}

/** Where what counts is not what `database_schedules` says. */
async function compare(
  db: Db | Trx,
  databaseIds?: readonly string[],
): Promise<{ readonly changed: readonly Change[]; readonly gone: readonly string[] }> {
  const { timezone } = await readSettings(db);
  const ids = databaseIds === undefined ? undefined : [...databaseIds];
  const databases = await db
    .selectFrom('databases')
    .leftJoin('servers', 'servers.id', 'databases.server_id')
    .select(['databases.id', 'databases.type', 'databases.environment_id', 'servers.tags'])
    .$if(ids !== undefined, (query) => query.where('databases.id', 'in', ids ?? []))
    .execute();
  const schedules = await db.selectFrom('schedules').selectAll().execute();
  const states = await db
    .selectFrom('database_schedules')
    .selectAll()
    .$if(ids !== undefined, (query) => query.where('database_id', 'in', ids ?? []))
    .execute();
  const own = new Map(schedules.map((row) => [row.database_id, row]));
  const rules = sortRules(schedules.filter((row) => row.database_id === null));
  const before = new Map(states.map((row) => [row.database_id, row]));
  const changed: Change[] = [];
  const gone: string[] = [];
  for (const { id, type, environment_id: environmentId, tags } of databases) {
    const target = { environmentId, engine: type, tags: tagsOf(tags) };
    // Rules are for what can be backed up.
    const schedule = effectiveSchedule(own.get(id), engineFor(type) === undefined ? [] : rules, target);
    const state = before.get(id);
    if (schedule === null) {
      if (state !== undefined) gone.push(id);
      continue;
    }
    const zone = schedule.time_zone ?? timezone;
    const isSame =
      state?.settled_as === settledAs(schedule, zone) && state.is_paused === pausedFlag(schedule);
    if (!isSame) changed.push({ databaseId: id, schedule, zone, before: state });
  }
  return { changed, gone };
}

const pausedFlag = ({ paused_reason: reason }: ScheduleRow): 0 | 1 => (reason === null ? 0 : 1);

/** How intervals are told: those that an earlier version told are told anew. */
const INTERVALS = 2;

function settledAs(schedule: ScheduleRow, zone: string): string {
  return JSON.stringify([...termsOf(schedule, zone), INTERVALS]);
}

/** Of what slots are computed. */
function termsOf(schedule: ScheduleRow, zone: string) {
  const { id, cron_expression: expression, enabled, jitter_minutes: jitter } = schedule;
  return [id, expression, zone, enabled, jitter] as const;
}

function isOfTerms(settled: string, schedule: ScheduleRow, zone: string): boolean {
  return (
    settled === settledAs(schedule, zone) ||
    // As they were written before there was more than one way to tell an interval.
    settled === JSON.stringify(termsOf(schedule, zone))
  );
}

/** Whether those terms, be they of another schedule, have the same slots: all between its id and the jitter, as it is written there. */
function isOfTimes(settled: string, schedule: ScheduleRow, zone: string): boolean {
  const [, ...times] = termsOf(schedule, zone).slice(0, 4);
  return settled.includes(`,${JSON.stringify(times).slice(1, -1)},`);
}

/** Two runs may lie further apart than their slots: by the jitter, which is never more than half way to the next slot. */
function withJitter(intervalMinutes: number, jitterMinutes: number): number {
  return intervalMinutes + Math.min(jitterMinutes, Math.floor(intervalMinutes / 2));
}

const listOfTags = z.array(z.string());
const tagsOf = (text: string | null) =>
  text === null || text === '[]' ? [] : listOfTags.parse(JSON.parse(text));

interface Times {
  readonly due: Date | null;
  readonly intervalMinutes: number;
  runOf(due: Date, databaseId: string, jitterMinutes: number): Date;
}

/** What many databases share is computed once. */
function memo(now: Date): (schedule: ScheduleRow, zone: string) => Times {
  const known = new Map<string, Times>();
  return (schedule, zone) => {
    const key = `${schedule.cron_expression}\n${zone}`;
    const found = known.get(key) ?? timesOf(schedule.cron_expression, zone, now);
    known.set(key, found);
    return found;
  };
}

function timesOf(expression: string, zone: string, now: Date): Times {
  const cron = readable(expression);
  // One that was stored and can't be read any more is never due, and keeps no other from being followed.
  if (cron === null) return { due: null, intervalMinutes: YEAR_MINUTES, runOf: (due) => due };
  return {
    due: nextRun(cron, zone, now),
    intervalMinutes: longestGapMinutes(cron, zone, now),
    runOf: (due, databaseId, jitterMinutes) => runAt(due, { cron, zone, databaseId, jitterMinutes }),
  };
}

function readable(expression: string): Cron | null {
  try {
    return parseCron(expression);
  } catch (error) {
    if (isAppError(error, 'invalid')) return null;
    throw error;
  }
}
