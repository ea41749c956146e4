import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { findBackup } from '../backups/backups.ts';
import { loadStored } from '../backups/stored.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { serverOfPlace } from '../object-stores/place.ts';
import type { AskedBy } from '../runs/askers.ts';
import { askToCancel, cancelWaiting, insertRun } from '../runs/claim.ts';
import { backupLane } from '../runs/lanes.ts';
import type { VerificationContext } from './context.ts';

/**
 * Asks for a backup to be read in full; gives the id of the run. Throws `not_found`, and `conflict` for one that is not completed
 * or that is being read already.
 */
export async function askVerification(
  context: VerificationContext,
  actor: Actor,
  backupId: string,
): Promise<string> {
  const { db, now, runs } = context;
  const backup = await findBackup(db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const server = serverOfPlace((await loadStored(db, backupId)).place) ?? null;
  const { environment_id: environmentId } = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  const runId = newId();
  await write(db, async (trx) => {
    const askedBy = { isScheduled: false, personId: actor.userId };
    if (!(await insertVerification(trx, { runId, backupId, serverId: server, askedBy }, now()))) {
      throw new AppError('conflict', 'This backup is being read in full already, or waits for it.');
    }
    const { id, filename: name } = backup;
    await recordAudit(trx, actor, auditEntry('backup', 'verify', { id, name, environmentId }), now());
  });
  runs.wake();
  return runId;
}

/** False where one waits or runs, and where the backup is not there any more. */
export async function insertVerification(
  trx: Trx,
  of: {
    readonly runId: string;
    readonly backupId: string;
    readonly serverId: string | null;
    /** Nobody waits for what was due by itself. */
    readonly askedBy: AskedBy;
  },
  now: Date,
): Promise<boolean> {
  const { runId, backupId, serverId, askedBy } = of;
  const [backup, running] = [await findBackup(trx, backupId), await isBeingRead(trx, backupId)];
  if (backup === undefined || backup.status !== 'completed' || running) return false;
  const run = { id: runId, kind: 'verification', subjectId: backupId, serverId, askedBy } as const;
  return insertRun(trx, { ...run, lane: backupLane(backupId), isBackground: askedBy.isScheduled }, now);
}

/** Whether somebody reads the backup in full just now, so that its object must not go. */
export async function isBeingRead(db: Db | Trx, backupId: string): Promise<boolean> {
  const running = await db
    .selectFrom('runs')
    .select('id')
    .where('subject_id', '=', backupId)
    .where('kind', '=', 'verification')
    .where('state', '=', 'running')
    .executeTakeFirst();
  return running !== undefined;
}

/** Whether it waits to be read in full, or is being read. */
export async function readingOf(db: Db, backupId: string): Promise<'pending' | 'running' | null> {
  const run = await db
    .selectFrom('runs')
    .select('state')
    .where('subject_id', '=', backupId)
    .where('kind', '=', 'verification')
    .where('state', 'in', ['pending', 'running'])
    .executeTakeFirst();
  if (run === undefined) return null;
  return run.state === 'running' ? 'running' : 'pending';
}

/** What the last one that is over found: `nothing` where it was cancelled, or could not read; null where there is none. */
export async function lastReadingOf(
  db: Db,
  backupId: string,
): Promise<'whole' | 'damaged' | 'nothing' | null> {
  const runs = await db
    .selectFrom('runs')
    .select(['state', 'ended_at', 'error'])
    .where('subject_id', '=', backupId)
    .where('kind', '=', 'verification')
    .where('ended_at', 'is not', null)
    .execute();
  // A few: no index has them by their end.
  const [last] = runs.toSorted((a, b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? 1 : -1));
  if (last === undefined) return null;
  if (last.state === 'completed') return 'whole';
  return last.error !== null && isOfDamage(JSON.parse(last.error)) ? 'damaged' : 'nothing';
}

/** As the verification ends that condemns a backup. */
function isOfDamage(error: unknown): boolean {
  return z.object({ code: z.literal('storage_mismatch') }).safeParse(error).success;
}

/** Ends one that waits or runs. Throws `not_found`, `conflict` for one that is over. */
export async function cancelVerification(
  context: VerificationContext,
  actor: Actor,
  runId: string,
): Promise<void> {
  const { db, now, runs } = context;
  const isRunning = await write(db, async (trx) => {
    const run = await trx
      .selectFrom('runs')
      .select(['state', 'subject_id'])
      .where('id', '=', runId)
      .where('kind', '=', 'verification')
      .executeTakeFirst();
    if (run === undefined) throw new AppError('not_found', 'Run not found');
    const message = 'The verification was cancelled before it began.';
    const wasWaiting = await cancelWaiting(trx, runId, now(), JSON.stringify({ message, code: 'cancelled' }));
    if (!wasWaiting && !(await askToCancel(trx, runId, now()))) {
      throw new AppError('conflict', `The verification has ended already: it is ${run.state}.`);
    }
    const about = { id: run.subject_id };
    await recordAudit(trx, actor, auditEntry('backup', 'cancel', about, { details: { runId } }), now());
    return !wasWaiting;
  });
  if (isRunning) runs.cancel(runId);
}
