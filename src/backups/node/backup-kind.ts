import { sql } from 'kysely';
import type { RunKind } from '../../runs/kind.ts';
import type { RunProgress } from '../../runs/runs.ts';
import type { BackupRunContext } from '../context.ts';
import { type ProgressTracker, trackProgress } from '../progress.ts';
import { backupRules, type RepairRules, repairBackup } from '../repair-backup.ts';
import { tellStart } from '../tell-ping.ts';
import { runBackup } from './run-backup.ts';

/** Backups as a kind of run. */
export interface BackupKind extends RunKind {
  /** Fresher numbers than the row's, while it runs in this process. */
  progress(backupId: string): RunProgress | null;
}

/** A shell on a host may make its file after the connection broke: it is looked for when that has come to rest. */
const HOST_RESTS_MS = 5_000;

export function createBackupKind(context: BackupRunContext, rules: Partial<RepairRules> = {}): BackupKind {
  const { db } = context;
  const { completeMayTakeMs, askAgainMs } = backupRules(rules);
  const trackers = new Map<string, ProgressTracker>();
  return {
    isLimited: true,
    words: {
      noun: 'backup',
      cancelled: 'The backup was cancelled.',
      stopped: 'The app was stopped while the backup ran. Start the backup again.',
    },
    first: { step: 'connect', progress: 10 },
    progress: (backupId) => trackers.get(backupId)?.snapshot() ?? null,

    async begin(trx, { id }, startedAt) {
      await trx
        .updateTable('backups')
        .set({ status: 'in_progress', started_at: startedAt.toISOString() })
        .where('id', '=', id)
        .execute();
      await tellStart(trx, id, startedAt);
    },

    async keep(trx, { id }) {
      const tracker = trackers.get(id);
      if (tracker === undefined) return;
      const { bytesRead, bytesStored } = tracker.snapshot();
      await trx
        .updateTable('backups')
        .set({ bytes_read: bytesRead, bytes_stored: bytesStored })
        .where('id', '=', id)
        .execute();
    },

    async run({ id }, { claim, signal, follow, hold }) {
      const progress = trackProgress(context);
      progress.enter('connect', 10);
      trackers.set(id, progress);
      follow(() => ({ ...progress.snapshot(), detail: { steps: progress.steps() } }));
      try {
        await runBackup(context, { claim, hold, progress, signal });
      } finally {
        trackers.delete(id);
      }
    },

    repair: (run, claimed) => repairBackup(context, run, claimed, { completeMayTakeMs, askAgainMs }),

    async restMs({ id }) {
      const backup = await db
        .selectFrom('backups')
        .select('storage_type')
        .where('id', '=', id)
        .executeTakeFirst();
      return backup?.storage_type === 'local' ? HOST_RESTS_MS : 0;
    },

    // A deleted one is removed by the sweep from then on, whatever became of it.
    isGivenUp: (now) => {
      const givenUp = new Date(now.getTime() - completeMayTakeMs).toISOString();
      return sql`exists (select 1 from backups where backups.id = runs.subject_id
        and backups.deleted_at is not null and backups.completed_at <= ${givenUp})`;
    },
  };
}
