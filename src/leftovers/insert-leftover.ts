import { sql } from 'kysely';
import type { LeftoverRow, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';
import { HOST_PLACES } from '../object-stores/place.ts';

/** What is left where, as its row says it. */
export type LeftWhere = Pick<
  LeftoverRow,
  'backup_id' | 'kind' | 'endpoint' | 'region' | 'bucket' | 'key' | 'upload_id' | 'version_id'
>;

/** Something to be removed, first tried `afterMs` from now. In the transaction of what left it. */
export async function insertLeftover(trx: Trx, left: LeftWhere, now: Date, afterMs: number): Promise<void> {
  const { backup_id, kind, endpoint, region, bucket, key, upload_id, version_id } = left;
  await trx
    .insertInto('leftovers')
    .values({
      ...{ id: newId(), backup_id, kind, endpoint, region, bucket, key, upload_id, version_id },
      tries: 0,
      last_error: null,
      created_at: now.toISOString(),
      next_try_at: new Date(now.getTime() + afterMs).toISOString(),
    })
    .execute();
}

/**
 * All that is stored of a database, to be removed at once. One statement, however many there are: between rows of a transaction nobody
 * else has their turn.
 */
export async function insertLeftoversOf(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const at = now.toISOString();
  await trx
    .insertInto('leftovers')
    .columns([
      ...(['id', 'backup_id', 'kind', 'endpoint', 'region', 'bucket', 'key', 'upload_id'] as const),
      ...(['version_id', 'tries', 'last_error', 'created_at', 'next_try_at'] as const),
    ])
    .expression((eb) =>
      eb
        .selectFrom('backup_objects')
        .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
        // A leftover of its own for each object: its id is nobody else's.
        .select(['backup_objects.id', 'backup_objects.backup_id'])
        .select(
          sql<
            'file' | 'object'
          >`case when backup_objects.endpoint like ${HOST_PLACES} then 'file' else 'object' end`.as('kind'),
        )
        .select(['backup_objects.endpoint', 'backup_objects.region', 'backup_objects.bucket'])
        .select(['backup_objects.key', sql<string | null>`null`.as('upload_id'), 'backup_objects.version_id'])
        .select([sql<number>`0`.as('tries'), sql<string | null>`null`.as('last_error')])
        .select([sql<string>`cast(${at} as text)`.as('created_at')])
        .select([sql<string>`cast(${at} as text)`.as('next_try_at')])
        .where('backups.database_id', '=', databaseId)
        .where('backups.status', '=', sql.lit('completed'))
        .where('backups.deleted_at', 'is', null),
    )
    .execute();
}
