import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { markCancelled } from './cancel-backup.ts';
import { removeAtOnce } from './remove-deleted.ts';
import { uncountStored } from './stored-totals.ts';

const REMOVE_WITHIN_MS = 8_000;

/**
 * Deletes a backup: from now on nobody sees it; its object is removed at once where the storage answers in time, else in
 * the background, and its row when the object is gone. One that still runs is cancelled. `also` belongs to the same
 * transaction. Throws `not_found`.
 */
export async function deleteBackup(
  services: Services,
  backupId: string,
  { also }: { readonly also?: (trx: Trx) => Promise<void> } = {},
): Promise<void> {
  const now = services.now();
  const wasRunning = await write(services.db, async (trx) => {
    const was = await markCancelled(trx, backupId, now);
    const deleted = await trx
      .updateTable('backups')
      .set({ deleted_at: now.toISOString() })
      .where('id', '=', backupId)
      .where('deleted_at', 'is', null)
      .returning('status')
      .executeTakeFirst();
    if (!deleted) throw new AppError('not_found', 'Backup not found');
    if (deleted.status === 'completed') await uncountStored(trx, backupId);
    await also?.(trx);
    return was === 'in_progress';
  });
  if (wasRunning) services.runs.cancel(backupId);
  services.runs.wake();
  await removeAtOnce(services, backupId, REMOVE_WITHIN_MS);
}
