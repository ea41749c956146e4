import { sql } from 'kysely';
import { insertBackup } from '../backups/request-backup.ts';
import type { Context } from '../db/context.ts';
import type { DatabaseRow, DatabaseScheduleRow, Db, ScheduleRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { databaseLane } from '../runs/lanes.ts';
import { isStorageEnabled } from '../storage/enabled.ts';
import { blackoutAt, clockText } from './blackouts.ts';
import { type Cron, parseCron } from './cron.ts';
import { runAt } from './jitter.ts';
import { lastRun, nextRun, runsBetween } from './next-run.ts';
import { addLine, hasLine, type Line } from './slots.ts';

const HOUR_MS = 3_600_000;
/** One that begins later than that after its time is one that was caught up. */
const LATE_MS = 5 * 60_000;
const PAGE = 100;
/** Slots of one downtime beyond which nobody counts. */
const MOST_COUNTED = 10_000;

/** Which are due now, the longest waiting first: one step in an index. `after` is the last of those seen before. */
export function listDue(
  db: Db,
  now: Date,
  after?: Pick<DatabaseScheduleRow, 'run_at' | 'database_id'>,
): Promise<readonly Pick<DatabaseScheduleRow, 'database_id' | 'run_at'>[]> {
  return db
    .selectFrom('database_schedules')
    .select(['database_id', 'run_at'])
    .where('run_at', 'is not', null)
    .where('run_at', '<=', now.toISOString())
    .$if(after !== undefined, (query) =>
      query.where((eb) =>
        eb.or([
          eb('run_at', '>', after?.run_at ?? ''),
          eb.and([eb('run_at', '=', after?.run_at ?? ''), eb('database_id', '>', after?.database_id ?? '')]),
        ]),
      ),
    )
    .orderBy('run_at')
    .orderBy('database_id')
    .limit(PAGE)
    .execute();
}

/**
 * Decides the slots of a database that are over, in one transaction with the run that it makes: each gets its line, the last
 * of them a run unless something speaks against it, and the next one is awaited. Gives how many runs were made; whoever
 * asks at the same time, or again, makes none.
 */
export async function decideDue({ db, now }: Context, databaseId: string, order = 0): Promise<number> {
  return write(db, async (trx) => {
    const at = now();
    const state = await trx
      .selectFrom('database_schedules')
      .selectAll()
      .where('database_id', '=', databaseId)
      .where('run_at', '<=', at.toISOString())
      .executeTakeFirst();
    if (state === undefined || state.due_at === null) return 0;
    const due = await loadDue(trx, state, new Date(state.due_at), at);
    // Its schedule went away a moment ago: whatever counts now is followed before the next look.
    if (due === null) return 0;
    await decideOvertaken(trx, due);
    const isWaiting = due.begins > at;
    const made = isWaiting ? 0 : await decideLast(trx, due, order);
    const next = isWaiting ? due.last : nextRun(due.cron, due.zone, due.last);
    await trx
      .updateTable('database_schedules')
      .set({
        due_at: next?.toISOString() ?? null,
        run_at: next === null ? null : runAt(next, due).toISOString(),
        anchored_at: at.toISOString(),
        ...(made === 0 ? {} : { last_run_at: at.toISOString() }),
      })
      .where('database_id', '=', databaseId)
      .execute();
    return made;
  });
}

interface Due {
  readonly databaseId: string;
  readonly database: DatabaseRow;
  readonly schedule: ScheduleRow;
  readonly cron: Cron;
  readonly zone: string;
  readonly jitterMinutes: number;
  /** The first slot without a line, and the last one that is over: often the same. */
  readonly first: Date;
  readonly last: Date;
  /** When the run of the last one was to begin. */
  readonly begins: Date;
  readonly at: Date;
}

async function loadDue(trx: Trx, state: DatabaseScheduleRow, first: Date, at: Date): Promise<Due | null> {
  const schedule = await trx
    .selectFrom('schedules')
    .selectAll()
    .where('id', '=', state.schedule_id)
    .executeTakeFirst();
  if (schedule === undefined) return null;
  const database = await trx
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', state.database_id)
    .executeTakeFirstOrThrow();
  const cron = parseCron(schedule.cron_expression);
  const zone = state.time_zone;
  const [databaseId, jitterMinutes] = [state.database_id, schedule.jitter_minutes];
  const last = lastRun(cron, zone, { from: first, at });
  const begins =
    last > first ? runAt(last, { cron, zone, databaseId, jitterMinutes }) : new Date(state.run_at ?? last);
  return { databaseId, database, schedule, cron, zone, jitterMinutes, first, last, begins, at };
}

/** The slots before the last: their time went by while nobody was there to begin them. */
async function decideOvertaken(trx: Trx, due: Due): Promise<void> {
  const { first, last, schedule } = due;
  if (last <= first) return;
  const paused = schedule.paused_reason;
  const verdict: Verdict = paused === null ? APP_DOWN : { ...PAUSED, detail: paused };
  for (const range of await rangesWithoutLine(trx, due))
    await addLine(trx, lineOf(due, verdict, range), due.at);
}

type Range = Pick<Line, 'dueAt' | 'lastDueAt' | 'slots'>;

/** Between the lines that are there already, as where the clock was set back: from the first slot up to the last, without it. */
async function rangesWithoutLine(
  trx: Trx,
  { databaseId, cron, zone, first, last }: Due,
): Promise<readonly Range[]> {
  const lines = await trx
    .selectFrom('schedule_slots')
    .select(['due_at', 'last_due_at'])
    .where('database_id', '=', databaseId)
    .where('last_due_at', '>=', first.toISOString())
    .where('due_at', '<', last.toISOString())
    .orderBy('due_at')
    .execute();
  const ranges: Range[] = [];
  let from: Date | null = first;
  for (const next of [...lines, { due_at: last.toISOString(), last_due_at: last.toISOString() }]) {
    const end = new Date(next.due_at);
    if (from !== null && from < end) {
      const lastDueAt = lastRun(cron, zone, { from, at: new Date(end.getTime() - 1) });
      const after = new Date(from.getTime() - 1);
      const slots = runsBetween(cron, zone, { after, until: lastDueAt, most: MOST_COUNTED }).length;
      ranges.push({ dueAt: from, lastDueAt, slots });
    }
    from = nextRun(cron, zone, new Date(next.last_due_at));
  }
  return ranges;
}

/** Gives how many runs it made: one or none. */
async function decideLast(trx: Trx, due: Due, order: number): Promise<number> {
  // The clock was set back, and this one ran before that.
  if (await hasLine(trx, due.databaseId, due.last)) return 0;
  const obstacle = await obstacleOf(trx, due);
  if (obstacle !== null) {
    await addLine(trx, lineOf(due, obstacle), due.at);
    return 0;
  }
  // Those that are made at the same instant are begun in this order.
  const createdAt = new Date(due.at.getTime() + order);
  const backup = await insertBackup(trx, due.database, { type: 'scheduled', triggeredById: null }, createdAt);
  const outcome = lateMs(due) > LATE_MS ? 'caught_up' : 'ran';
  const ran = { outcome, reason: null, detail: null } as const;
  const isWatched = due.schedule.retries > 0;
  await addLine(trx, { ...lineOf(due, ran), backupId: backup.id, isWatched }, due.at);
  return 1;
}

type Verdict = Pick<Line, 'outcome' | 'reason' | 'detail'>;

const APP_DOWN: Verdict = { outcome: 'missed', reason: 'app_down', detail: null };
const PAUSED = { outcome: 'skipped', reason: 'paused' } as const;

/** Why the last slot makes no run; null where it does. */
async function obstacleOf(trx: Trx, due: Due): Promise<Verdict | null> {
  const { schedule, database, zone, at } = due;
  if (schedule.paused_reason !== null) return { ...PAUSED, detail: schedule.paused_reason };
  const late = lateMs(due);
  const limit = schedule.catch_up_hours;
  if (late > LATE_MS && limit !== null && late > limit * HOUR_MS) return APP_DOWN;
  const held = await heldBackBy(trx, { database, zone, at });
  return held ?? busyWith(await liveStates(trx, database.id));
}

/** What keeps a schedule from beginning anything of that database at that time, be it a retry; null where nothing does. */
export async function heldBackBy(
  trx: Trx,
  { database, zone, at }: Pick<Due, 'database' | 'zone' | 'at'>,
): Promise<Verdict | null> {
  const window = blackoutAt(await blackoutsOf(trx, database), zone, at);
  if (window !== undefined) {
    const span = `${clockText(window.from_minute)} to ${clockText(window.until_minute)}`;
    const detail = window.reason === null ? span : `${span}: ${window.reason}`;
    return { outcome: 'skipped', reason: 'blackout', detail };
  }
  const usesStorage = database.backup_storage_type === 'spaces';
  if (usesStorage && !(await isStorageEnabled(trx, database.environment_id))) {
    return { outcome: 'skipped', reason: 'storage_off', detail: null };
  }
  return null;
}

function busyWith(states: readonly string[]): Verdict | null {
  if (states.includes('running')) return { outcome: 'skipped', reason: 'running', detail: null };
  // It waits for its turn: this slot would only wait behind it.
  if (states.includes('pending')) return { outcome: 'missed', reason: 'limits', detail: null };
  return null;
}

const lateMs = ({ at, begins }: Due) => at.getTime() - begins.getTime();

function lineOf(
  { databaseId, last }: Due,
  verdict: Verdict,
  range: Pick<Line, 'dueAt' | 'lastDueAt' | 'slots'> = { dueAt: last, lastDueAt: last, slots: 1 },
): Line {
  return { databaseId, ...range, ...verdict, backupId: null, isWatched: false };
}

/** The states of the backups of a database that wait or run. */
export async function liveStates(trx: Trx, databaseId: string): Promise<readonly string[]> {
  const live = (state: 'pending' | 'running') =>
    trx
      .selectFrom('runs')
      .select('state')
      .where('lane', '=', databaseLane(databaseId))
      .where('kind', '=', 'backup')
      // A literal, as in the index.
      .where('state', '=', sql.lit(state))
      .execute();
  const rows = [...(await live('running')), ...(await live('pending'))];
  return rows.map(({ state }) => state);
}

async function blackoutsOf(trx: Trx, { server_id: serverId }: DatabaseRow) {
  if (serverId === null) return [];
  return trx.selectFrom('server_blackouts').selectAll().where('server_id', '=', serverId).execute();
}
