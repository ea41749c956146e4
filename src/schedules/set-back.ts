import type { Context } from '../db/context.ts';
import type { DatabaseScheduleRow, ScheduleSlotRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { type Cron, parseCron } from './cron.ts';
import { runAt } from './jitter.ts';
import { lastRun, nextRun, runsBetween } from './next-run.ts';
import { hasLine } from './slots.ts';

const MOST_COUNTED = 10_000;

/** A slot that ran is not run again for a clock that was set back by a day; one further ahead is, rather than nothing for weeks. */
const RAN_COUNTS_MS = 25 * 3_600_000;

/**
 * Where the clock was set back since a database was looked at, its next slot is looked for anew, so that none is waited for
 * that lies years ahead. A slot that ran is not run again when its time comes once more, unless that is more than a day
 * ahead; one that is said to have been missed although its time is yet to come loses that line.
 */
export async function followClock({ db, now }: Context): Promise<void> {
  const ahead = await db
    .selectFrom('database_schedules')
    .select('database_id')
    .where('anchored_at', '>', now().toISOString())
    .execute();
  for (const { database_id: databaseId } of ahead) {
    await write(db, (trx) => lookAnew(trx, databaseId, now()));
  }
}

async function lookAnew(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const state = await trx
    .selectFrom('database_schedules')
    .innerJoin('schedules', 'schedules.id', 'database_schedules.schedule_id')
    .selectAll('database_schedules')
    .select(['schedules.cron_expression', 'schedules.enabled', 'schedules.jitter_minutes'])
    .where('database_schedules.database_id', '=', databaseId)
    .where('anchored_at', '>', now.toISOString())
    .executeTakeFirst();
  if (state === undefined) return;
  const cron = parseCron(state.cron_expression);
  await takeBackLines(trx, state, cron, now);
  const due = state.enabled === 1 ? await nextWithoutLine(trx, state, cron, now) : null;
  const times = { cron, zone: state.time_zone, databaseId, jitterMinutes: state.jitter_minutes };
  await trx
    .updateTable('database_schedules')
    .set({
      due_at: due?.toISOString() ?? null,
      run_at: due === null ? null : runAt(due, times).toISOString(),
      anchored_at: now.toISOString(),
    })
    .where('database_id', '=', databaseId)
    .execute();
}

async function nextWithoutLine(
  trx: Trx,
  state: DatabaseScheduleRow,
  cron: Cron,
  now: Date,
): Promise<Date | null> {
  // What lay between the slot that was awaited and now has no line yet: it is awaited still.
  const awaited = state.due_at === null ? null : new Date(state.due_at);
  if (awaited !== null && awaited <= now) return awaited;
  let due = nextRun(cron, state.time_zone, now);
  while (due !== null && (await hasLine(trx, state.database_id, due))) {
    due = nextRun(cron, state.time_zone, due);
  }
  return due;
}

/** What is said of slots whose time is yet to come; but not that one of them ran a moment ago. */
async function takeBackLines(trx: Trx, state: DatabaseScheduleRow, cron: Cron, now: Date): Promise<void> {
  const at = now.toISOString();
  const ranUntil = new Date(now.getTime() + RAN_COUNTS_MS).toISOString();
  const lines = await trx
    .selectFrom('schedule_slots')
    .selectAll()
    .where('database_id', '=', state.database_id)
    .where('last_due_at', '>', at)
    .execute();
  for (const line of lines) {
    const isOneThatRan = line.slots === 1 && (line.outcome === 'ran' || line.outcome === 'caught_up');
    if (isOneThatRan && line.due_at <= ranUntil) continue;
    if (line.due_at > at) await trx.deleteFrom('schedule_slots').where('id', '=', line.id).execute();
    else await shorten(trx, line, state, cron, now);
  }
}

async function shorten(
  trx: Trx,
  line: ScheduleSlotRow,
  { time_zone: zone }: DatabaseScheduleRow,
  cron: Cron,
  now: Date,
): Promise<void> {
  const from = new Date(line.due_at);
  const last = lastRun(cron, zone, { from, at: now });
  const after = new Date(from.getTime() - 1);
  const slots = runsBetween(cron, zone, { after, until: last, most: MOST_COUNTED }).length;
  await trx
    .updateTable('schedule_slots')
    .set({ last_due_at: last.toISOString(), slots: Math.max(1, slots) })
    .where('id', '=', line.id)
    .execute();
}
