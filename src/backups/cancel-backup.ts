import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { askToCancel, cancelWaiting } from '../runs/claim.ts';
import type { Services } from '../services-port.ts';

/**
 * Cancels a backup: a waiting one fails as cancelled at once; a running one is aborted, and its outcome is written
 * when what it left is gone. Throws `not_found`, `conflict` for one that has ended.
 */
export async function cancelBackup(services: Services, backupId: string): Promise<void> {
  const { db, runs } = services;
  const at = services.now();
  const now = at.toISOString();
  const error = JSON.stringify({
    message: 'The backup was cancelled before it began.',
    step: 'connect',
    code: 'cancelled',
  });
  const waiting = await write(db, async (trx) => {
    const cancelled = await trx
      .updateTable('backups')
      .set({
        status: 'failed',
        outcome: 'cancelled',
        completed_at: now,
        error,
      })
      .where('id', '=', backupId)
      .where('status', '=', 'pending')
      .where('deleted_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    return cancelled !== undefined && cancelWaiting(trx, backupId, at, error);
  });
  if (waiting) return;

  const running = await write(db, async (trx) => {
    const seen = await trx
      .selectFrom('backups')
      .select('id')
      .where('id', '=', backupId)
      .where('status', '=', 'in_progress')
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    return seen !== undefined && askToCancel(trx, backupId, at);
  });
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
