import { type Level, levelOf, levelOfRead } from '../../../views/backup/level.tsx';
import type { LatestItem } from '../../../views/overview.tsx';

import { type BackupWithTrigger, findBackups } from '../../backups/backups.ts';
import { latestRuns } from '../../backups/latest-runs.ts';
import type { ListedRun } from '../../backups/list-runs.ts';
import { readBackupError } from '../../backups/step-error.ts';
import type { Services } from '../../services-port.ts';
import { RUN_KINDS, subjectOf } from './run-subject.ts';

const MOST_LATEST = 6;

/** What ended last: backups with what is proven of them, and all else that is more than upkeep. */
export async function latestIn(
  { db }: Services,
  environmentId: string | null,
): Promise<readonly LatestItem[]> {
  const runs = await latestRuns(db, environmentId, MOST_LATEST);
  const ids = runs.flatMap((run) => backupOf(run) ?? []);
  const backups = await findBackups(db, ids);
  return runs.map((run) => {
    const backup = backups.get(backupOf(run) ?? '');
    const { subject, href } = subjectOf(run);
    return {
      id: run.id,
      subject: run.kind === 'backup' ? subject : `${RUN_KINDS[run.kind]} ${withOf(subject)}`,
      environmentName: run.environment_name,
      href: backup === undefined ? href : `/backups/${backup.id}`,
      state: run.state,
      level: backup === undefined ? null : levelIn(run, backup),
      at: run.ended_at ?? run.created_at,
    };
  });
}

/** Whose page tells of the run. */
function backupOf({ kind, subject_id: id }: ListedRun): string | null {
  return kind === 'backup' || kind === 'verification' ? id : null;
}

const withOf = (subject: string) => (subject.startsWith('of ') ? subject : `of ${subject}`);

/** Of a backup all that is known of it; of a full read what that has proven, not what a restore did before or since. */
function levelIn({ kind, state }: ListedRun, backup: BackupWithTrigger): Level | null {
  if (kind !== 'backup') return state === 'completed' ? levelOfRead(backup.verification) : null;
  return levelOf({ ...backup, step: readBackupError(backup.error)?.step ?? null });
}
