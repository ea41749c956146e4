import { z } from 'zod';
import type { BackupFailure, BackupItem } from '../../../views/backup-list.tsx';
import type { LiveRun } from '../../../views/live-runs.tsx';
import { type BackupWithTrigger, toWireBackup } from '../../backup/backups.ts';
import type { RunProgress } from '../../services-port.ts';

/** A row of a database's list of backups. */
export function toBackupItem(row: BackupWithTrigger): BackupItem {
  const backup = toWireBackup(row);
  return { ...backup, startedBy: row.trigger_name ?? row.trigger_email, failure: readFailure(backup.error) };
}

/** A run that is not over, with the worker's fresher numbers where it runs here. */
export function toLiveRun(row: BackupWithTrigger, progress: RunProgress | null): LiveRun {
  const backup = toWireBackup(row, progress);
  return { ...backup, status: row.status === 'pending' ? 'pending' : 'in_progress' };
}

const failure = z.object({
  message: z.string(),
  step: z.string().nullish(),
  advice: z.string().nullish(),
  stderr: z.string().nullish(),
  exitCode: z.number().nullish(),
});

function readFailure(error: string | null): BackupFailure | null {
  if (error === null) return null;
  const { message, step, advice, stderr, exitCode } = failure.parse(JSON.parse(error));
  return {
    message,
    step: step ?? null,
    advice: advice ?? null,
    stderr: stderr ?? null,
    exitCode: exitCode ?? null,
  };
}
