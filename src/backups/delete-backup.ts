import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { cancelBackup } from './cancel-backup.ts';
import { removeAtOnce } from './remove-deleted.ts';
import { uncountStored } from './stored-totals.ts';

const REMOVE_WITHIN_MS = 8_000;

/**
 * Deletes a backup: from now on nobody sees it; its object is removed at once where the storage answers in time, else in
 * the background, and its row when the object is gone. One that still runs is cancelled first. Throws `not_found`.
 */
export async function deleteBackup(services: Services, backupId: string): Promise<void> {
  try {
    await cancelBackup(services, backupId);
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
  }
  await write(services.db, async (trx) => {
    const deleted = await trx
      .updateTable('backups')
      .set({ deleted_at: services.now().toISOString() })
      .where('id', '=', backupId)
      .where('deleted_at', 'is', null)
      .returning('status')
      .executeTakeFirst();
    if (!deleted) throw new AppError('not_found', 'Backup not found');
    if (deleted.status === 'completed') await uncountStored(trx, backupId);
  });
  services.runs.wake();
  await removeAtOnce(services, backupId, REMOVE_WITHIN_MS);
}
