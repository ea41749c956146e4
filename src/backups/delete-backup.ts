import { eachAtOnce } from '../at-once.ts';
import type { BackupRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { markCancelled } from './cancel-backup.ts';
import type { BackupContext } from './context.ts';
import { countOut } from './count-backup.ts';
import { isBeingRestored } from './in-use.ts';
import { noteLock } from './note-lock.ts';
import { removeAtOnce } from './remove-deleted.ts';

const REMOVE_WITHIN_MS = 8_000;
/** A storage that takes longer stops nobody. */
const LOOK_WITHIN_MS = 4_000;
const LOOKED_AT_ONCE = 4;

/**
 * Deletes a backup: from now on nobody sees it; its object is removed at once where the storage answers in time, else in
 * the background, and its row when the object is gone. One that still runs is cancelled. `also` belongs to the same
 * transaction. Throws `not_found`, and `conflict` while somebody reads its object or
 * its storage is known to lock it.
 */
export async function deleteBackup(
  context: BackupContext,
  backupId: string,
  { also }: { readonly also?: (trx: Trx) => Promise<void> } = {},
): Promise<void> {
  const now = context.now();
  await noteLocks(context, [backupId]);
  const wasRunning = await write(context.db, async (trx) => {
    const deleted = await hide(trx, backupId, now);
    if (deleted === undefined) throw new AppError('not_found', 'Backup not found');
    await also?.(trx);
    return deleted.wasRunning;
  });
  if (wasRunning) context.runs.cancel(backupId);
  context.runs.wake();
  await removeAtOnce(context, backupId, REMOVE_WITHIN_MS);
}

/**
 * Deletes those of them that are this database's and still there, in one write; `also` is called for each. Their objects are
 * removed one after the other for as long as those of one would be waited for, and then in the background. Gives how many.
 */
export async function deleteBackups(
  context: BackupContext,
  databaseId: string,
  backupIds: readonly string[],
  { also }: { readonly also?: (trx: Trx, backup: BackupRow) => Promise<void> } = {},
): Promise<number> {
  const now = context.now();
  await noteLocks(context, backupIds);
  const deleted = await write(context.db, async (trx) => {
    const hidden: Hidden[] = [];
    for (const id of new Set(backupIds)) {
      const one = await hide(trx, id, now, databaseId);
      if (one === undefined) continue;
      hidden.push(one);
      await also?.(trx, one.backup);
    }
    return hidden;
  });
  for (const { backup, wasRunning } of deleted) if (wasRunning) context.runs.cancel(backup.id);
  context.runs.wake();
  const until = performance.now() + REMOVE_WITHIN_MS;
  for (const { backup } of deleted) {
    const withinMs = until - performance.now();
    if (withinMs <= 0) break;
    await removeAtOnce(context, backup.id, withinMs);
  }
  return deleted.length;
}

/** What the storage of each says of removing it, for those that can be asked within some seconds together. */
async function noteLocks(context: BackupContext, backupIds: readonly string[]): Promise<void> {
  if (backupIds.length === 0) return;
  const backups = await context.db
    .selectFrom('backups')
    .select(['id', 'status', 'retained_until'])
    .where('id', 'in', backupIds)
    .where('deleted_at', 'is', null)
    .execute();
  const until = performance.now() + LOOK_WITHIN_MS;
  await eachAtOnce(backups, LOOKED_AT_ONCE, async (backup) => {
    const withinMs = until - performance.now();
    if (withinMs > 0) await noteLock(context, backup, withinMs);
  });
}

interface Hidden {
  readonly backup: BackupRow;
  readonly wasRunning: boolean;
}

/** Nobody sees it from now on, and nothing counts it; undefined where nobody did before. */
async function hide(trx: Trx, backupId: string, now: Date, databaseId?: string): Promise<Hidden | undefined> {
  const found = await trx
    .selectFrom('backups')
    .select('id')
    .where('id', '=', backupId)
    .where('deleted_at', 'is', null)
    .$if(databaseId !== undefined, (query) => query.where('database_id', '=', databaseId ?? ''))
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const was = await markCancelled(trx, backupId, now);
  const backup = await trx
    .updateTable('backups')
    .set({ deleted_at: now.toISOString() })
    .where('id', '=', backupId)
    .where('deleted_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (backup === undefined) return undefined;
  await refuseInUse(trx, backupId);
  refuseLocked(backup, now);
  await countOut(trx, backup, now);
  return { backup, wasRunning: was === 'in_progress' };
}

/** As far as its storage has told: what it lets nobody remove would only become a tombstone that fails again and again. */
function refuseLocked({ retained_until: until, retained_why: why }: BackupRow, now: Date): void {
  if (until === null || until <= now.toISOString()) return;
  const day = `${until.slice(0, 16).replace('T', ' ')} UTC`;
  throw new AppError(
    'conflict',
    `This backup is retained until ${day}: ${why ?? 'its storage lets nobody remove it'}. Delete it after that.`,
  );
}

/** Its object must stay while it is read: it would be found to be missing. What waits for it goes with it. */
async function refuseInUse(trx: Trx, backupId: string): Promise<void> {
  if (await isBeingRestored(trx, backupId)) {
    throw new AppError(
      'conflict',
      'This backup is being restored, or a restore of it waits. Wait for the end, or cancel that first.',
    );
  }
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
