import { recordNewest } from '../backups/newest-backups.ts';
import type { Stored } from '../backups/stored.ts';
import type { DrillStateRow, RestoreRow, Trx } from '../db/schema.ts';
import { noteFullRead, takeBackDamage } from '../verifications/record-proof.ts';

export interface Measured {
  /** From the making of the target until all was there, compared and checked. */
  readonly restoreMs: number;
  /** Of the dump. */
  readonly dumpBytes: number;
}

/**
 * A backup was restored, and has the tables and rows that it is to have: its proof, and what is known of its database, whether that was a
 * drill or a restore that somebody needed. A backup that was condemned meanwhile counts as good again, as after each whole reading. A drill that
 * failed says something of its place: only what one said of this very backup's bytes is taken back.
 */
export async function recordRestored(
  trx: Trx,
  { restoreMs, dumpBytes: bytes }: Measured,
  {
    restore,
    stored,
    at,
  }: {
    readonly restore: Pick<RestoreRow, 'backup_id' | 'database_id'>;
    readonly stored: Stored;
    readonly at: Date;
  },
): Promise<void> {
  const now = at.toISOString();
  await trx
    .updateTable('backups')
    .set({
      verification: 'drill',
      verified_at: now,
      verification_error: null,
      restored_proven_at: now,
      restored_ms: restoreMs,
      // Without a recorded hash there is nothing that the bytes could be equal to.
      ...(stored.sha256 === null ? {} : { bytes_proven_at: now }),
    })
    .where('id', '=', restore.backup_id)
    .where('status', '=', 'completed')
    .execute();
  await recordNewest(trx, restore.database_id, at);
  await noteFullRead(trx, stored, at);
  if (!(await isOlderThanProven(trx, restore))) {
    await saveRestoreState(trx, restore.database_id, {
      ...{ proven_at: now, proven_backup_id: restore.backup_id, restore_ms: restoreMs, bytes },
    });
  }
  await takeBackDamage(trx, { backupId: restore.backup_id, databaseId: restore.database_id });
}

/** That an old backup can be restored says nothing of how the database is backed up now. */
async function isOlderThanProven(
  trx: Trx,
  { backup_id, database_id }: Pick<RestoreRow, 'backup_id' | 'database_id'>,
): Promise<boolean> {
  const found = await trx
    .selectFrom('drill_states')
    .innerJoin('backups as proven', 'proven.id', 'drill_states.proven_backup_id')
    .innerJoin('backups as restored', (join) => join.on('restored.id', '=', backup_id))
    .select('proven.id')
    .where('drill_states.database_id', '=', database_id)
    .whereRef('restored.created_at', '<', 'proven.created_at')
    .executeTakeFirst();
  return found !== undefined;
}

/** What is known of how a database's backups can be restored. */
export async function saveRestoreState(
  trx: Trx,
  databaseId: string,
  values: Partial<Omit<DrillStateRow, 'database_id'>>,
): Promise<void> {
  await trx
    .insertInto('drill_states')
    .values({ database_id: databaseId, ...values })
    .onConflict((conflict) => conflict.column('database_id').doUpdateSet(values))
    .execute();
}
