import type { BackupFailure } from '../../../views/backup/failure.tsx';
import type { LiveRun } from '../../../views/backup/run-words.ts';
import type { BackupItem } from '../../../views/database/backup-rows.ts';
import { keptUntil } from '../../../views/database/kept-until.ts';
import { type BackupWithTrigger, findBackup, progressOf } from '../../backups/backups.ts';
import { NO_BUCKET, SPACES_NOT_CONFIGURED } from '../../backups/destination.ts';
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

/** A run that is not over, with the worker's fresher numbers where it runs here, beside the bytes of the last good one. */
export async function toLiveRun(
  services: Pick<Services, 'db' | 'runs'>,
  row: BackupWithTrigger,
  lastGoodId: string | null,
): Promise<LiveRun> {
  const { step, bytesRead, bytesStored, bytesPerSecond, estimatedBytes, waitingFor, waitingSince } =
    progressOf(row, services.runs.progress(row.id));
  return {
    id: row.id,
    status: row.status === 'pending' ? 'pending' : 'in_progress',
    ...{ step, bytesRead, bytesStored, bytesPerSecond, waitingFor, waitingSince },
    expectedBytes: (await dumpBytesOf(services.db, lastGoodId)) ?? estimatedBytes,
    cancelRequested: row.cancel_requested_at !== null,
  };
}

/** Bytes of that backup's dump before compression; null where they are not known. */
async function dumpBytesOf(db: Db, backupId: string | null): Promise<number | null> {
  if (backupId === null) return null;
  const backup = await findBackup(db, backupId);
  const bytes = Number(backup?.bytes_read ?? 0);
  return bytes > 0 ? bytes : null;
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
  if (message === SPACES_NOT_CONFIGURED) return 'not-configured';
  const isStorage = message === NO_BUCKET || (step === 'upload' && code.startsWith('storage_'));
  return isStorage ? 'upload' : null;
}
