import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { askToCancel, cancelWaiting } from '../runs/claim.ts';
import type { BackupContext } from './context.ts';

/**
 * Cancels a backup: a waiting one fails as cancelled at once; a running one is aborted, and its outcome is written
 * when what it left is gone. `also` belongs to the same transaction. Throws `not_found`, `conflict` for one that has ended.
 */
export async function cancelBackup(
  context: BackupContext,
  backupId: string,
  { also }: { readonly also?: (trx: Trx) => Promise<void> } = {},
): Promise<void> {
  const { db, runs } = context;
  const now = context.now();
  const wasRunning = await write(db, async (trx) => {
    const was = await markCancelled(trx, backupId, now);
    if (was === null) throw await hasEnded(trx, backupId);
    await also?.(trx);
    return was === 'in_progress';
  });
  if (wasRunning) runs.cancel(backupId);
}

/** Gives what it was; null for one that is neither waiting nor running. A running one is still to be aborted. */
export async function markCancelled(
  trx: Trx,
  backupId: string,
  at: Date,
): Promise<'pending' | 'in_progress' | null> {
  const now = at.toISOString();
  const error = JSON.stringify({
    message: 'The backup was cancelled before it began.',
    step: 'connect',
    code: 'cancelled',
  });
  const waiting = await trx
    .updateTable('backups')
    .set({ status: 'failed', outcome: 'cancelled', completed_at: now, error })
    .where('id', '=', backupId)
    .where('status', '=', 'pending')
    .where('deleted_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (waiting) {
    await cancelWaiting(trx, backupId, at, error);
    return 'pending';
  }
  const running = await trx
    .selectFrom('backups')
    .select('id')
    .where('id', '=', backupId)
    .where('status', '=', 'in_progress')
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return running && (await askToCancel(trx, backupId, at)) ? 'in_progress' : null;
}

async function hasEnded(trx: Trx, backupId: string): Promise<AppError> {
  const ended = await trx
    .selectFrom('backups')
    .select('status')
    .where('id', '=', backupId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (!ended) return new AppError('not_found', 'Backup not found');
  return new AppError('conflict', `The backup has ended already: it is ${ended.status}.`);
}
