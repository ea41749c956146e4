import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { markCancelled } from './cancel-backup.ts';
import type { BackupContext } from './context.ts';
import { countOut } from './count-backup.ts';
import { removeAtOnce } from './remove-deleted.ts';

const REMOVE_WITHIN_MS = 8_000;

/**
 * Deletes a backup: from now on nobody sees it; its object is removed at once where the storage answers in time, else in
 * the background, and its row when the object is gone. One that still runs is cancelled. `also` belongs to the same
 * transaction. Throws `not_found`, and `conflict` while somebody reads its object.
 */
export async function deleteBackup(
  context: BackupContext,
  backupId: string,
  { also }: { readonly also?: (trx: Trx) => Promise<void> } = {},
): Promise<void> {
  const now = context.now();
  const wasRunning = await write(context.db, async (trx) => {
    const was = await markCancelled(trx, backupId, now);
    const deleted = await trx
      .updateTable('backups')
      .set({ deleted_at: now.toISOString() })
      .where('id', '=', backupId)
      .where('deleted_at', 'is', null)
      .returning(['id', 'database_id', 'status'])
      .executeTakeFirst();
    if (!deleted) throw new AppError('not_found', 'Backup not found');
    await refuseInUse(trx, backupId);
    await countOut(trx, deleted, now);
    await also?.(trx);
    return was === 'in_progress';
  });
  if (wasRunning) context.runs.cancel(backupId);
  context.runs.wake();
  await removeAtOnce(context, backupId, REMOVE_WITHIN_MS);
}

/** Its object must stay while it is read: it would be found to be missing. What waits for it goes with it. */
async function refuseInUse(trx: Trx, backupId: string): Promise<void> {
  const reader = await trx
    .selectFrom('runs')
    .select('id')
    .where('subject_id', '=', backupId)
    .where('kind', '!=', 'backup')
    .where('state', '=', 'running')
    .executeTakeFirst();
  if (reader === undefined) return;
  throw new AppError(
    'conflict',
    'This backup is being read in full just now. Wait for the end, or cancel that first.',
  );
}
