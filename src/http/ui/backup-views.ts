import * as z from 'zod';
import type { BackupFailure, BackupItem } from '../../../views/backup-list.tsx';
import type { LiveRun } from '../../../views/live-runs.tsx';
import { type BackupWithTrigger, progressOf } from '../../backups/backups.ts';
import { NO_BUCKET, SPACES_NOT_CONFIGURED } from '../../backups/destination.ts';
import type { RunProgress } from '../../runs/runs.ts';

/** A row of a database's list of backups. */
export function toBackupItem(row: BackupWithTrigger): BackupItem {
  return {
    id: row.id,
    filename: row.filename,
    status: row.status,
    outcome: row.outcome,
    type: row.type,
    startedBy: row.trigger_name ?? row.trigger_email,
    createdAt: row.created_at,
    size: Number(row.size),
    duration: row.duration,
    storagePath: row.storage_path,
    storageType: row.storage_type,
    isPinned: row.is_pinned === 1,
    failure: readFailure(row.error),
  };
}

/** A run that is not over, with the worker's fresher numbers where it runs here. */
export function toLiveRun(row: BackupWithTrigger, progress: RunProgress | null): LiveRun {
  return {
    ...progressOf(row, progress),
    id: row.id,
    status: row.status === 'pending' ? 'pending' : 'in_progress',
    cancelRequested: row.cancel_requested_at !== null,
  };
}

const failure = z.object({
  message: z.string(),
  step: z.string().nullish(),
  stderr: z.string().nullish(),
  exitCode: z.number().nullish(),
  code: z.string().nullish(),
});

function readFailure(error: string | null): BackupFailure | null {
  if (error === null) return null;
  const { message, step, stderr, exitCode, code } = failure.parse(JSON.parse(error));
  return {
    message,
    step: step ?? null,
    stderr: stderr ?? null,
    exitCode: exitCode ?? null,
    storageProblem: storageProblemOf(message, step, code),
  };
}

function storageProblemOf(message: string, step: string | null | undefined, code: string | null | undefined) {
  if (message === SPACES_NOT_CONFIGURED) return 'not-configured';
  const isStorage = message === NO_BUCKET || (step === 'upload' && code?.startsWith('storage_'));
  return isStorage ? 'upload' : null;
}
