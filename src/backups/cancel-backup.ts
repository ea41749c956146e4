import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';

/**
 * Cancels a backup: a waiting one fails as cancelled at once; a running one is aborted, and its outcome is written
 * when what it left is gone. Throws `not_found`, `conflict` for one that has ended.
 */
export async function cancelBackup(services: Services, backupId: string): Promise<void> {
  const { db, runs } = services;
  const now = services.now().toISOString();
  const waiting = await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({
        status: 'failed',
        outcome: 'cancelled',
        cancel_requested_at: now,
        completed_at: now,
        error: JSON.stringify({
          message: 'The backup was cancelled before it began.',
          step: 'connect',
          code: 'cancelled',
        }),
      })
      .where('id', '=', backupId)
      .where('status', '=', 'pending')
      .where('deleted_at', 'is', null)
      .returning('id')
      .executeTakeFirst(),
  );
  if (waiting) return;

  const running = await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ cancel_requested_at: now })
      .where('id', '=', backupId)
      .where('status', '=', 'in_progress')
      .where('deleted_at', 'is', null)
      .returning('id')
      .executeTakeFirst(),
  );
  if (running) {
    runs.cancel(backupId);
    return;
  }
  const ended = await db
    .selectFrom('backups')
    .select('status')
    .where('id', '=', backupId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (!ended) throw new AppError('not_found', 'Backup not found');
  throw new AppError('conflict', `The backup has ended already: it is ${ended.status}.`);
}
