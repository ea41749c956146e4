import type { BackupObjectRow, Db, Trx } from '../db/schema.ts';

/** Where the dump of a backup, or the manifest beside it, lies; undefined where there is none. */
export async function backupObject(
  db: Db | Trx,
  backupId: string,
  kind: 'dump' | 'manifest',
): Promise<BackupObjectRow | undefined> {
  return db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .where('kind', '=', kind)
    .executeTakeFirst();
}
