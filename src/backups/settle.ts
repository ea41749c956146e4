import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { DumpContents } from '../engines/contents.ts';
import { insertLeftover } from '../leftovers/insert-leftover.ts';
import type { Leftover } from '../object-stores/object-store.ts';
import type { Place } from '../object-stores/place.ts';
import { endRun, isOwn, type RunClaim } from '../runs/claim.ts';
import { insertPrune } from './ask-prune.ts';
import { contentsText } from './contents.ts';
import { countIn } from './count-backup.ts';
import { inTurn } from './in-turn.ts';
import type { StepBegun } from './progress.ts';
import { recordCompleted, recordFailed } from './record-end.ts';
import type { BackupError } from './step-error.ts';
import { tellFailure, tellSuccess } from './tell-ping.ts';
import { findVanished, recordVanished } from './vanished-tables.ts';

export interface CompletedRun {
  /** How long the run took, by a clock that only goes forward; absent for a repair, which can't know. */
  readonly seconds?: number;
  /** When its steps began; absent for a repair. */
  readonly steps?: readonly StepBegun[];
  /** Bytes of the dump before compression; 0 where they are not known. */
  readonly bytesRead?: number;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly versionId: string | null;
  /** Of the dump, and what it holds; absent for a repair, which did not see it. */
  readonly dumpSha256?: string | null;
  readonly contents?: DumpContents | null;
}

export interface FailedRun {
  readonly error: BackupError;
  readonly outcome: 'cancelled' | 'interrupted' | 'uncertain' | 'failed';
  /** As of `CompletedRun`. */
  readonly seconds?: number;
  readonly steps?: readonly StepBegun[];
  /** When an uncertain one is asked about again; at once when absent. */
  readonly askAgainAt?: Date;
  /** What could not be removed, and where. */
  readonly leftover?: { readonly place: Place; readonly item: Leftover };
}

/**
 * Writes `completed`, the only place that does. Called after the object was read back, by the run itself and by
 * its repair. False when the row is no longer this run's (then nothing was written).
 */
export async function settleCompleted(
  db: Db,
  claim: RunClaim,
  run: CompletedRun,
  now: Date,
): Promise<boolean> {
  // Before the lock is held: what the last ones hold may be long. No other of the database ends meanwhile.
  const vanished = await findVanished(db, claim.runId, run.contents ?? null);
  return write(db, async (trx) => {
    await inTurn(trx);
    if (!(await isOwn(trx, claim))) return false;
    const detail = detailOf(run);
    await endRun(trx, claim, { state: 'completed', at: now, error: null, step: null, progress: 100, detail });
    await trx
      .updateTable('backup_objects')
      // The upload's id stays: a list may still show it, and aborting it now would harm the object (Ceph).
      .set({ bytes: run.bytes, sha256: run.sha256, version_id: run.versionId })
      .where('backup_id', '=', claim.runId)
      .where('kind', '=', 'dump')
      .execute();
    const settled = await trx
      .updateTable('backups')
      .set({
        status: 'completed',
        outcome: 'completed',
        error: null,
        size: run.bytes,
        bytes_stored: run.bytes,
        ...(run.bytesRead === undefined ? {} : { bytes_read: run.bytesRead }),
        sha256: run.sha256,
        dump_sha256: run.dumpSha256 ?? null,
        contents: contentsText(run.contents ?? null),
        manifest_due_at: now.toISOString(),
        completed_at: now.toISOString(),
        ...(run.seconds === undefined ? {} : { duration: run.seconds }),
        verification: 'stored',
        verified_at: now.toISOString(),
      })
      .where('id', '=', claim.runId)
      // Asked of the row that was written: who deletes it at the same time finds it completed, or is found here.
      .returning(['id', 'database_id', 'status', 'deleted_at', 'filename'])
      .executeTakeFirstOrThrow();
    if (settled.deleted_at !== null) {
      const error = { step: 'verify', message: 'The backup was deleted before it had ended.' } as const;
      await tellFailure(trx, settled, error, now);
      return true;
    }
    await countIn(trx, settled, now);
    if (vanished !== null) await recordVanished(trx, settled, vanished);
    await tellSuccess(trx, settled, run, now);
    await recordCompleted(trx, settled, run.bytes, now);
    await insertPrune(trx, { databaseId: settled.database_id, trigger: 'backup', userId: null }, now);
    return true;
  });
}

/** Writes `failed`, with what is left behind as a row to be retried. False when the row is no longer this run's. */
export async function settleFailed(db: Db, claim: RunClaim, run: FailedRun, now: Date): Promise<boolean> {
  return write(db, async (trx) => {
    await inTurn(trx);
    if (!(await isOwn(trx, claim))) return false;
    const error = JSON.stringify(run.error);
    const { outcome: state, askAgainAt } = run;
    const detail = detailOf(run);
    await endRun(trx, claim, { state, at: now, error, step: run.error.step, askAgainAt, detail });
    const row = await trx
      .selectFrom('backups')
      .select('completed_at')
      .where('id', '=', claim.runId)
      .executeTakeFirstOrThrow();
    if (run.leftover) await addLeftover(trx, claim.runId, run.leftover.place, run.leftover.item, now);
    const settled = await trx
      .updateTable('backups')
      .set({
        status: 'failed',
        outcome: run.outcome,
        error,
        completed_at: notAfter(now, row.completed_at),
        ...(run.seconds === undefined ? {} : { duration: run.seconds }),
      })
      .where('id', '=', claim.runId)
      .returning(['id', 'database_id', 'status', 'deleted_at', 'filename'])
      .executeTakeFirstOrThrow();
    if (settled.deleted_at === null) await countIn(trx, settled, now);
    if (run.outcome !== 'uncertain') {
      await tellFailure(trx, settled, run.error, now);
      if (run.outcome !== 'cancelled' && settled.deleted_at === null) {
        await recordFailed(trx, settled, run.error, now);
      }
      // The key is free again: a failed run has no object (promise 1); what it left is in `leftovers`.
      await trx.deleteFrom('backup_objects').where('backup_id', '=', claim.runId).execute();
    }
    return true;
  });
}

function detailOf({ steps }: Pick<CompletedRun, 'steps'>) {
  return steps === undefined ? undefined : { steps };
}

/**
 * What a run left that no longer owned its backup. A name that may be the backup, as the one who has it now decides, is not
 * recorded: it would be removed under a row that says completed.
 */
export async function recordOrphan(
  db: Db,
  backupId: string,
  place: Place,
  item: Leftover,
  now: Date,
): Promise<void> {
  await write(db, async (trx) => {
    const owner = await trx.selectFrom('backups').select('id').where('id', '=', backupId).executeTakeFirst();
    const recorded = await trx
      .selectFrom('backup_objects')
      .select('upload_id')
      .where('endpoint', '=', place.endpoint)
      .where('bucket', '=', place.bucket)
      .where('key', '=', item.key)
      .executeTakeFirst();
    const mayBeTheBackup = item.uploadId === null || recorded?.upload_id === item.uploadId;
    if (recorded !== undefined && mayBeTheBackup) return;
    await addLeftover(trx, owner?.id ?? null, place, item, now);
  });
}

/** When to look for what a storage may still bring about after the request that asked for it was given up. */
const LATE_MS = 60_000;

function isLate({ kind, uploadId }: Leftover): boolean {
  return kind === 'object' || (kind === 'upload' && uploadId === null);
}

/**
 * Something to be removed later: at once, or in a minute where it may not have appeared yet. What is recorded already is
 * not recorded again: a run that ends tells what it told before.
 */
export async function addLeftover(
  trx: Trx,
  backupId: string | null,
  place: Place,
  item: Leftover,
  now: Date,
): Promise<void> {
  if (backupId !== null && item.uploadId === null && (await isRecorded(trx, backupId, item))) return;
  const { endpoint, region, bucket } = place;
  const { kind, key, uploadId: upload_id, versionId: version_id } = item;
  const left = { backup_id: backupId, kind, endpoint, region, bucket, key, upload_id, version_id };
  await insertLeftover(trx, left, now, isLate(item) ? LATE_MS : 0);
}

async function isRecorded(trx: Trx, backupId: string, { kind, key }: Leftover): Promise<boolean> {
  const row = await trx
    .selectFrom('leftovers')
    .select('id')
    .where('backup_id', '=', backupId)
    .where('kind', '=', kind)
    .where('key', '=', key)
    .where('upload_id', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** A time that was recorded, or now where there is none or it lies ahead: then the clock was set back. */
function notAfter(now: Date, recorded: string | null): string {
  const latest = now.toISOString();
  return recorded !== null && recorded <= latest ? recorded : latest;
}
