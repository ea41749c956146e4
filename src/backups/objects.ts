import type { BackupObjectRow, Db } from '../db/schema.ts';

/** All that a backup consists of, as recorded, the dump before its manifest. */
export async function objectsOf(db: Db, backupId: string): Promise<readonly BackupObjectRow[]> {
  const objects = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .execute();
  return objects.sort((a, b) => Number(a.kind === 'manifest') - Number(b.kind === 'manifest'));
}
