import type { Db } from '../db/schema.ts';

/** The buckets that databases back up to, with their prefixes. */
export async function prefixesInUse(db: Db): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db
    .selectFrom('databases')
    .select(['backup_spaces_bucket', 'backup_spaces_prefix'])
    .distinct()
    .where('backup_storage_type', '=', 'spaces')
    .orderBy('backup_spaces_bucket')
    .orderBy('backup_spaces_prefix')
    .execute();
  const found = new Map<string, string[]>();
  for (const row of rows) {
    if (!row.backup_spaces_bucket) continue;
    found.set(row.backup_spaces_bucket, [
      ...(found.get(row.backup_spaces_bucket) ?? []),
      row.backup_spaces_prefix ?? '',
    ]);
  }
  return found;
}
