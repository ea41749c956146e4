import type { BackupRow, Db } from '../db/schema.ts';

/** One that can be restored, as somebody chooses among them. */
export interface BackupToRestore {
  readonly id: string;
  readonly createdAt: string;
  /** Of what is stored. */
  readonly bytes: number;
  readonly verification: BackupRow['verification'];
}

/** The good backups of a database that are still there, newest first; at most so many. */
export async function backupsToRestore(
  db: Db,
  databaseId: string,
  limit: number,
): Promise<readonly BackupToRestore[]> {
  const rows = await db
    .selectFrom('backups')
    .select(['id', 'created_at', 'size', 'verification'])
    .where('database_id', '=', databaseId)
    .where('status', '=', 'completed')
    .where('deleted_at', 'is', null)
    .where((eb) => eb.or([eb('verification', 'is', null), eb('verification', '!=', 'failed')]))
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ id, created_at: createdAt, size, verification }) => ({
    ...{ id, createdAt, verification },
    bytes: Number(size),
  }));
}
