import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';

/** The largest estimate of a last completed backup that is still there, by bucket, in bytes. */
export async function estimatesInUse(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('databases')
    .select(({ selectFrom }) => [
      'backup_spaces_bucket as bucket',
      selectFrom('backups')
        .select('estimated_bytes')
        .whereRef('backups.database_id', '=', 'databases.id')
        .where('status', '=', 'completed')
        .where('deleted_at', 'is', null)
        .orderBy('created_at', 'desc')
        .limit(1)
        .as('bytes'),
    ])
    .where('backup_storage_type', '=', 'spaces')
    .execute();
  const largest = new Map<string, number>();
  for (const { bucket, bytes } of rows) {
    if (bucket && bytes !== null) largest.set(bucket, Math.max(largest.get(bucket) ?? 0, Number(bytes)));
  }
  return largest;
}

/** The buckets that databases back up to, with their prefixes. */
export async function prefixesInUse(db: Db): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db
    .selectFrom('databases')
    .select(['backup_spaces_bucket', 'backup_spaces_prefix'])
    .where('backup_storage_type', '=', 'spaces')
    // Not `distinct`, beside which PostgreSQL sorts by the language of the database alone.
    .groupBy(['backup_spaces_bucket', 'backup_spaces_prefix'])
    .orderBy('backup_spaces_bucket', byBytes(db))
    .orderBy('backup_spaces_prefix', (item) => byBytes(db)(item).nullsFirst())
    .execute();
  const used = rows.flatMap(({ backup_spaces_bucket: bucket, backup_spaces_prefix: prefix }) =>
    bucket ? [{ bucket, prefix: prefix ?? '' }] : [],
  );
  return new Map(
    [...Map.groupBy(used, ({ bucket }) => bucket)].map(([bucket, of]) => [
      bucket,
      of.map(({ prefix }) => prefix),
    ]),
  );
}

/** Those buckets alone. */
export async function bucketsInUse(db: Db): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('databases')
    .select('backup_spaces_bucket as bucket')
    .where('backup_storage_type', '=', 'spaces')
    .groupBy('backup_spaces_bucket')
    .orderBy('backup_spaces_bucket', byBytes(db))
    .execute();
  return rows.flatMap(({ bucket }) => bucket || []);
}

/** How many databases back up to each bucket; one that none does is not among them. */
export async function databasesByBucket(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('databases')
    .select(({ fn }) => ['backup_spaces_bucket as bucket', fn.countAll<number>().as('count')])
    .where('backup_storage_type', '=', 'spaces')
    .where('backup_spaces_bucket', 'is not', null)
    .groupBy('backup_spaces_bucket')
    .execute();
  return new Map(rows.map(({ bucket, count }) => [bucket ?? '', Number(count)]));
}

/** The bucket that most databases back up to; null where none does. */
export async function mostUsedBucket(db: Db): Promise<string | null> {
  const row = await db
    .selectFrom('databases')
    .select('backup_spaces_bucket as bucket')
    .where('backup_storage_type', '=', 'spaces')
    .where('backup_spaces_bucket', 'is not', null)
    .groupBy('backup_spaces_bucket')
    .orderBy((eb) => eb.fn.countAll(), 'desc')
    .orderBy('backup_spaces_bucket', byBytes(db))
    .limit(1)
    .executeTakeFirst();
  return row?.bucket ?? null;
}
