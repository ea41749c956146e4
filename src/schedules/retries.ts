import * as z from 'zod';
import { insertBackup } from '../backups/request-backup.ts';
import type { Context } from '../db/context.ts';
import type { BackupRow, Db, ScheduleSlotRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { type ErrorCode, isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { heldBackBy, liveStates } from './due.ts';

const MINUTE_MS = 60_000;

/** Causes that can pass by themselves: the host or the storage could not be reached, was too busy, or held a lock. */
const PASSING: readonly ErrorCode[] = [
  ...(['host_unreachable', 'host_dropped', 'host_timeout', 'shutdown'] as const),
  ...(['storage_unreachable', 'storage_proxy', 'storage_bad_answer', 'dump_locked'] as const),
];

const storedError = z.object({ code: z.string().optional() });

/** Whether a backup that failed with this error, as its row keeps it, may succeed if it is tried again. */
export function canPass(error: string | null): boolean {
  if (error === null) return false;
  const { code } = storedError.parse(JSON.parse(error));
  return PASSING.some((passing) => passing === code);
}

/** Begins the retries that are due, and plans those of runs that failed since. Gives how many runs were made. */
export async function retryFailed(
  { db, now, log }: Context & { readonly log: Log },
  signal?: AbortSignal,
): Promise<number> {
  let made = 0;
  for (const { id, database_id: databaseId } of await watched(db)) {
    if (signal?.aborted) break;
    try {
      made += await write(db, (trx) => retry(trx, id, now()));
    } catch (error) {
      if (isAppError(error, 'unavailable')) throw error;
      // One that can't be decided must not hold up the others.
      log.error('a scheduled backup could not be tried again', { databaseId, error });
    }
  }
  return made;
}

/** Those whose backup has ended: after a downtime a thousand wait for their turn, and a write for each would find nothing to do. */
async function watched(db: Db): Promise<readonly Pick<ScheduleSlotRow, 'id' | 'database_id'>[]> {
  return (
    db
      .selectFrom('schedule_slots as slot')
      .leftJoin('backups', 'backups.id', 'slot.backup_id')
      .select(['slot.id', 'slot.database_id'])
      // A literal, as in the index.
      .where('slot.is_watched', '=', (eb) => eb.lit(1))
      .where((eb) =>
        eb.or([
          eb('backups.status', 'is', null),
          eb.and([
            eb('backups.status', 'not in', OPEN),
            eb.or([eb('backups.outcome', 'is', null), eb('backups.outcome', '!=', 'uncertain')]),
          ]),
        ]),
      )
      .orderBy('slot.decided_at')
      .execute()
  );
}

const OPEN = ['pending', 'in_progress'] as const;

async function retry(trx: Trx, id: string, now: Date): Promise<number> {
  const slot = await trx
    .selectFrom('schedule_slots')
    .selectAll()
    .where('id', '=', id)
    .where('is_watched', '=', 1)
    .executeTakeFirst();
  if (slot === undefined) return 0;
  const backup = await trx
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', slot.backup_id ?? '')
    .executeTakeFirst();
  if (backup !== undefined && isOpen(backup)) return 0;
  const policy = await policyOf(trx, slot);
  const isOver =
    backup === undefined || policy === null || slot.tries > policy.retries || isOvertaken(slot, policy, now);
  if (isOver || !mayPass(backup)) return update(trx, slot, { is_watched: 0, retry_at: null });
  const retryAt = slot.retry_at ?? plannedAt(slot, policy.retry_minutes, backup.completed_at, now);
  const wait = () => (slot.retry_at === null ? update(trx, slot, { retry_at: retryAt }) : 0);
  if (retryAt > now.toISOString()) return wait();
  if ((await liveStates(trx, slot.database_id)).length > 0)
    return update(trx, slot, { is_watched: 0, retry_at: null });
  const database = await trx
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', slot.database_id)
    .executeTakeFirstOrThrow();
  // It begins when that is over, unless a slot does so first.
  if ((await heldBackBy(trx, { database, zone: policy.time_zone, at: now })) !== null) return wait();
  const begun = await insertBackup(trx, database, { type: 'scheduled', triggeredById: null }, now);
  await update(trx, slot, { backup_id: begun.id, tries: slot.tries + 1, retry_at: null });
  return 1;
}

const isOpen = ({ status, outcome }: BackupRow) =>
  OPEN.some((open) => open === status) || outcome === 'uncertain';

function mayPass(backup: BackupRow): boolean {
  const { status, outcome, error } = backup;
  if (status !== 'failed' || backup.deleted_at !== null) return false;
  return outcome === 'interrupted' || (outcome === 'failed' && canPass(error));
}

interface Policy {
  readonly retries: number;
  readonly retry_minutes: number;
  readonly run_at: string | null;
  readonly time_zone: string;
}

/** Of the schedule that counts now; null where there is none or it is paused. */
async function policyOf(trx: Trx, slot: ScheduleSlotRow): Promise<Policy | null> {
  const row = await trx
    .selectFrom('database_schedules')
    .innerJoin('schedules', 'schedules.id', 'database_schedules.schedule_id')
    .select(['schedules.retries', 'schedules.retry_minutes'])
    .select(['database_schedules.run_at', 'database_schedules.time_zone'])
    .where('database_schedules.database_id', '=', slot.database_id)
    .where('schedules.paused_reason', 'is', null)
    .where('schedules.enabled', '=', 1)
    .executeTakeFirst();
  return row ?? null;
}

/** The next slot is as good as a retry. */
function isOvertaken(slot: ScheduleSlotRow, { run_at: runAt }: Policy, now: Date): boolean {
  return runAt !== null && runAt <= (slot.retry_at ?? now.toISOString());
}

/** Twice as long after each try. */
function plannedAt(slot: ScheduleSlotRow, minutes: number, endedAt: string | null, now: Date): string {
  const from = endedAt === null ? now.getTime() : Math.min(Date.parse(endedAt), now.getTime());
  return new Date(from + minutes * 2 ** (slot.tries - 1) * MINUTE_MS).toISOString();
}

async function update(
  trx: Trx,
  slot: ScheduleSlotRow,
  values: Partial<Pick<ScheduleSlotRow, 'is_watched' | 'retry_at' | 'backup_id' | 'tries'>>,
): Promise<0> {
  await trx.updateTable('schedule_slots').set(values).where('id', '=', slot.id).execute();
  return 0;
}
