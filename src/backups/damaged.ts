import type { Db } from '../db/schema.ts';

/** Those of these backups that were found to be damaged when they were read, by id. */
export async function damagedAmong(db: Db, backupIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (backupIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('backups')
    .select('id')
    .where('id', 'in', [...backupIds])
    .where('verification', '=', 'failed')
    .execute();
  return new Set(rows.map(({ id }) => id));
}
