import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { DatabaseRow, Db, DrillFailure, DrillOutcome, ScheduleRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { drillLane } from '../runs/lanes.ts';
import type { Runs } from '../runs/runs.ts';
import { blackoutAt, clockText } from '../schedules/blackouts.ts';
import { type Cron, parseCron } from '../schedules/cron.ts';
import { runAt } from '../schedules/jitter.ts';
import { lastRun, nextRun } from '../schedules/next-run.ts';
import { insertDrill } from './ask-drill.ts';
import { followDrills } from './follow.ts';
import { recordFailed } from './record-outcome.ts';

const HOUR_MS = 3_600_000;
/** One that begins later than that after its time is one that was caught up. */
const LATE_MS = 5 * 60_000;
const PAGE = 100;

export interface DrillSchedulerContext extends Context {
  readonly runs: Pick<Runs, 'wake'>;
  readonly log: Log;
}

/** Looks which drills are due, and asks for them; to be called every so often, by however many processes. */
export async function beginDueDrills(context: DrillSchedulerContext, signal?: AbortSignal): Promise<void> {
  const { db, now, runs, log } = context;
  await followDrills(context);
  const at = now();
  let made = 0;
  for (
    let due = await listDue(db, at);
    due.length > 0;
    due = await listDue(db, at, due.at(-1)?.database_id)
  ) {
    for (const { database_id: databaseId } of due) {
      if (signal?.aborted) break;
      try {
        made += await decideDue(context, databaseId);
      } catch (error) {
        // One that can't be decided must not hold up the others; it stays due.
        log.error('a scheduled drill could not be begun', { databaseId, error });
      }
    }
    if (signal?.aborted) break;
  }
  if (made > 0) runs.wake();
}

/** By id, those after `after`: one step in an index. */
function listDue(db: Db, at: Date, after = ''): Promise<readonly { readonly database_id: string }[]> {
  return db
    .selectFrom('drill_states')
    .select('database_id')
    .where('run_at', 'is not', null)
    .where('run_at', '<=', at.toISOString())
    .where('database_id', '>', after)
    .orderBy('database_id')
    .limit(PAGE)
    .execute();
}

interface Due {
  readonly database: DatabaseRow;
  readonly schedule: ScheduleRow;
  readonly cron: Cron;
  readonly zone: string;
  readonly jitterMinutes: number;
  readonly databaseId: string;
  readonly first: Date;
  readonly last: Date;
  /** When the last one was to begin. */
  readonly begins: Date;
  readonly at: Date;
}

/** What becomes of the times of a database that are over, and the next one, in one transaction. Gives how many runs it made. */
async function decideDue({ db, now }: Context, databaseId: string): Promise<number> {
  return write(db, async (trx) => {
    const at = now();
    const due = await loadDue(trx, databaseId, at);
    if (due === null) return 0;
    const { first, last, cron, zone } = due;
    const isWaiting = due.begins > at;
    const overtaken =
      last > first ? lastRun(cron, zone, { from: first, at: new Date(last.getTime() - 1) }) : null;
    if (overtaken !== null) await addLine(trx, due, overtaken, APP_DOWN);
    const made = isWaiting ? 0 : await decideLast(trx, due);
    const next = isWaiting ? last : nextRun(cron, zone, last);
    await trx
      .updateTable('drill_states')
      .set({
        due_at: next?.toISOString() ?? null,
        run_at: next === null ? null : runAt(next, due).toISOString(),
      })
      .where('database_id', '=', databaseId)
      .execute();
    return made;
  });
}

async function loadDue(trx: Trx, databaseId: string, at: Date): Promise<Due | null> {
  const state = await trx
    .selectFrom('drill_states')
    .innerJoin('database_schedules as counts', 'counts.database_id', 'drill_states.database_id')
    .select(['drill_states.due_at', 'drill_states.run_at', 'counts.schedule_id', 'counts.time_zone'])
    .where('drill_states.database_id', '=', databaseId)
    .where('drill_states.run_at', '<=', at.toISOString())
    .executeTakeFirst();
  if (state === undefined || state.due_at === null) return null;
  const schedule = await trx
    .selectFrom('schedules')
    .selectAll()
    .where('id', '=', state.schedule_id)
    .executeTakeFirst();
  // It went away a moment ago: whatever counts now is followed before the next look.
  if (schedule === undefined || schedule.drill_cron === null) return null;
  const database = await trx
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const [cron, zone, first] = [parseCron(schedule.drill_cron), state.time_zone, new Date(state.due_at)];
  const last = lastRun(cron, zone, { from: first, at });
  const jitterMinutes = schedule.jitter_minutes;
  const begins =
    last > first ? runAt(last, { cron, zone, databaseId, jitterMinutes }) : new Date(state.run_at ?? last);
  return { database, schedule, cron, zone, jitterMinutes, databaseId, first, last, begins, at };
}

interface Verdict {
  readonly outcome: Extract<DrillOutcome, 'skipped' | 'missed'>;
  readonly says: string;
}

const APP_DOWN: Verdict = {
  outcome: 'missed',
  says: 'BRIDGEPORT was not running at its time, or at several.',
};

async function decideLast(trx: Trx, due: Due): Promise<number> {
  const { database, databaseId, schedule, last, at } = due;
  const newest = await newestGood(trx, databaseId);
  const verdict = (await obstacleOf(trx, due)) ?? obstacleOfBackup(newest);
  if (verdict !== null || newest === undefined) {
    await addLine(trx, due, last, verdict ?? NO_BACKUP);
    return 0;
  }
  const settings = { serverId: schedule.drill_server_id, folder: schedule.drill_folder };
  const drill = { backupId: newest.id, database, settings, credentials: null, askedById: null, dueAt: last };
  try {
    const place = await insertDrill(trx, { ...drill, runId: newId() }, at);
    if (place !== null) return 1;
    await addLine(trx, due, last, BUSY);
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    await addFailure(trx, due, newest.id, { failure: 'other', says: error.message });
  }
  return 0;
}

/** Why none is begun now, whatever there is to restore; null where nothing speaks against it. */
async function obstacleOf(trx: Trx, { schedule, database, zone, at, begins }: Due): Promise<Verdict | null> {
  if (schedule.paused_reason !== null)
    return { outcome: 'skipped', says: `Paused: ${schedule.paused_reason}` };
  const late = at.getTime() - begins.getTime();
  const limit = schedule.catch_up_hours;
  if (late > LATE_MS && limit !== null && late > limit * HOUR_MS) return APP_DOWN;
  const serverId = schedule.drill_server_id ?? database.server_id;
  const window = blackoutAt(await blackoutsOf(trx, serverId), zone, at);
  if (window !== undefined) {
    const span = `${clockText(window.from_minute)} to ${clockText(window.until_minute)}`;
    const because = window.reason === null ? '' : `: ${window.reason}`;
    return { outcome: 'skipped', says: `A blackout of the server, ${span}${because}` };
  }
  return (await isRunning(trx, database.id)) ? BUSY : null;
}

const BUSY: Verdict = { outcome: 'skipped', says: 'A drill of the database was running, or waiting.' };
const NO_BACKUP: Verdict = { outcome: 'skipped', says: 'There is no good backup yet.' };
const NOTHING_NEW: Verdict = {
  outcome: 'skipped',
  says: 'The newest good backup was restored already.',
};

/** Never more often than there are backups. */
function obstacleOfBackup(
  newest: { readonly restored_proven_at: string | null } | undefined,
): Verdict | null {
  if (newest === undefined) return NO_BACKUP;
  return newest.restored_proven_at === null ? null : NOTHING_NEW;
}

function newestGood(trx: Trx, databaseId: string) {
  return trx
    .selectFrom('newest_backups')
    .innerJoin('backups', 'backups.id', 'newest_backups.good_id')
    .select(['backups.id', 'backups.restored_proven_at'])
    .where('newest_backups.database_id', '=', databaseId)
    .executeTakeFirst();
}

async function isRunning(trx: Trx, databaseId: string): Promise<boolean> {
  for (const state of ['running', 'pending'] as const) {
    const found = await trx
      .selectFrom('runs')
      .select('id')
      .where('lane', '=', drillLane(databaseId))
      .where('kind', '=', 'drill')
      // A literal, as in the index.
      .where('state', '=', sql.lit(state))
      .executeTakeFirst();
    if (found !== undefined) return true;
  }
  return false;
}

async function blackoutsOf(trx: Trx, serverId: string | null) {
  if (serverId === null) return [];
  return trx.selectFrom('server_blackouts').selectAll().where('server_id', '=', serverId).execute();
}

async function addLine(
  trx: Trx,
  { databaseId, at }: Due,
  dueAt: Date,
  { outcome, says }: Verdict,
): Promise<void> {
  const [due_at, now] = [dueAt.toISOString(), at.toISOString()];
  await trx
    .insertInto('drills')
    .values({ id: newId(), database_id: databaseId, due_at, outcome, says, created_at: now, ended_at: now })
    .execute();
}

/** Its place can't be told: it failed before there was anything to run. */
async function addFailure(
  trx: Trx,
  { database, last, at }: Due,
  backupId: string,
  failed: { readonly failure: DrillFailure; readonly says: string },
): Promise<void> {
  const [id, now] = [newId(), at.toISOString()];
  await trx
    .insertInto('drills')
    .values({
      id,
      database_id: database.id,
      backup_id: backupId,
      due_at: last.toISOString(),
      created_at: now,
    })
    .execute();
  const restore = {
    ...{ id, backup_id: backupId, database_id: database.id, environment_id: database.environment_id },
    ...{ new_name: '', asked_by_id: null },
  };
  await recordFailed(trx, failed, { restore, at });
}
