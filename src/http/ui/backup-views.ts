import type { BackupFailure } from '../../../views/backup/failure.tsx';
import type { LiveRun } from '../../../views/backup/run-words.ts';
import type { BackupItem } from '../../../views/database/backup-rows.ts';
import { keptUntil } from '../../../views/database/kept-until.ts';
import type { EndedRun } from '../../../views/database/live-runs.tsx';
import { type BackupWithTrigger, findBackups, progressOf } from '../../backups/backups.ts';
import { NO_BUCKET, STORAGE_NOT_CONFIGURED } from '../../backups/destination.ts';
import { lastGoodBytes } from '../../backups/newest-backups.ts';
import { readBackupError } from '../../backups/step-error.ts';
import type { Db } from '../../db/schema.ts';
import type { Kept } from '../../retention/kept.ts';
import type { Services } from '../../services-port.ts';

/** A row of a database's list of backups. */
export function toBackupItem(
  row: BackupWithTrigger,
  known: {
    readonly kept: ReadonlyMap<string, Kept>;
    readonly changes: ReadonlyMap<string, number | null>;
  },
): BackupItem {
  const kept = known.kept.get(row.id);
  return {
    id: row.id,
    filename: row.filename,
    status: row.status,
    outcome: row.outcome,
    verification: row.verification,
    step: readBackupError(row.error)?.step ?? null,
    type: row.type,
    startedBy: row.trigger_name ?? row.trigger_email,
    createdAt: row.created_at,
    size: Number(row.size),
    sizeChange: known.changes.get(row.id) ?? null,
    duration: row.duration,
    storageType: row.storage_type,
    isPinned: row.is_pinned === 1,
    failure: readFailure(row.error),
    kept: kept === undefined ? null : { until: keptUntil(kept) },
  };
}

/**
 * Runs that are not over, for each page that tells of one: with the worker's fresher numbers where it runs here, beside the bytes of its
 * database's last good one.
 */
export async function toLiveRuns(
  { db, runs }: Pick<Services, 'db' | 'runs'>,
  rows: readonly BackupWithTrigger[],
): Promise<readonly LiveRun[]> {
  const lastBytes = await lastGoodBytes(
    db,
    rows.map((row) => row.database_id),
  );
  return rows.map((row) => {
    const { step, bytesRead, bytesStored, bytesPerSecond, estimatedBytes, waitingFor, waitingSince } =
      progressOf(row, runs.progress(row.id));
    return {
      id: row.id,
      status: row.status === 'pending' ? 'pending' : 'in_progress',
      ...{ step, bytesRead, bytesStored, bytesPerSecond, waitingFor, waitingSince },
      expectedBytes: lastBytes.get(row.database_id) ?? estimatedBytes,
      cancelRequested: row.cancel_requested_at !== null,
    };
  });
}

/** Runs that a page may ask about at once: it tells of those that ended last. */
const ASKED_AT_ONCE = 5;

/** What became of these backups, in that order, as far as they are over. */
export async function endedRuns(
  db: Db,
  ids: readonly string[],
): Promise<readonly (EndedRun & { readonly databaseId: string })[]> {
  const asked = [...new Set(ids)].slice(-ASKED_AT_ONCE);
  const backups = await findBackups(db, asked);
  return asked.flatMap((id) => {
    const backup = backups.get(id);
    if (backup === undefined || backup.status === 'pending' || backup.status === 'in_progress') return [];
    return [
      {
        id,
        databaseId: backup.database_id,
        result: resultOf(backup),
        bytes: Number(backup.size),
        dumpBytes: Number(backup.bytes_read),
        seconds: backup.duration,
        message: readFailure(backup.error)?.message ?? null,
      },
    ];
  });
}

function resultOf({ status, outcome }: BackupWithTrigger): EndedRun['result'] {
  if (status === 'completed') return 'good';
  return outcome === 'cancelled' || outcome === 'uncertain' ? outcome : 'failed';
}

/** A backup's `error`, with what of the storage is to be looked at; null where there is none that can be read. */
export function readFailure(error: string | null): BackupFailure | null {
  const read = readBackupError(error);
  if (read === null) return null;
  const { message, step, stderr, exitCode, code } = read;
  return {
    message,
    step,
    stderr: stderr ?? null,
    exitCode: exitCode ?? null,
    storageProblem: storageProblemOf(message, step, code),
  };
}

function storageProblemOf(message: string, step: string, code: string): BackupFailure['storageProblem'] {
  // Whether it is whole is asked of the storage: nothing is to be set.
  if (code === 'storage_uncertain') return null;
  if (message === STORAGE_NOT_CONFIGURED) return 'not-configured';
  const isStorage = message === NO_BUCKET || (step === 'upload' && code.startsWith('storage_'));
  return isStorage ? 'upload' : null;
}
