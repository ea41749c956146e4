import { sql } from 'kysely';
import type { Db, Trx } from '../db/schema.ts';

/**
 * `stored_totals`: how many completed backups that people can see each database has in each place, and their bytes.
 * Kept by `count-backup.ts`.
 */

/** To be called once, in the transaction that makes a backup a completed and visible one. */
export async function addToTotals(trx: Trx, backupId: string): Promise<void> {
  await change(trx, backupId, 1);
}

/** To be called once, in the transaction that makes a completed and visible backup something else. */
export async function takeFromTotals(trx: Trx, backupId: string): Promise<void> {
  await change(trx, backupId, -1);
}

async function change(trx: Trx, backupId: string, by: 1 | -1): Promise<void> {
  for (const { bytes, ...place } of await placesOf(trx, backupId)) {
    await trx
      .insertInto('stored_totals')
      .values({ ...place, backups: by, bytes: by * bytes })
      .onConflict((conflict) =>
        conflict.columns(['database_id', 'endpoint', 'bucket']).doUpdateSet((eb) => ({
          backups: eb('stored_totals.backups', '+', eb.ref('excluded.backups')),
          bytes: eb('stored_totals.bytes', '+', eb.ref('excluded.bytes')),
        })),
      )
      .execute();
    await trx
      .deleteFrom('stored_totals')
      .where('database_id', '=', place.database_id)
      .where('backups', '<=', 0)
      .execute();
  }
}

interface StoredPlace {
  readonly database_id: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly bytes: number;
}

/** A backup of several objects counts once for each place that it lies in. */
async function placesOf(trx: Trx, backupId: string): Promise<readonly StoredPlace[]> {
  const objects = await trx
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .select(['backups.database_id', 'backup_objects.endpoint', 'backup_objects.bucket'])
    .select('backup_objects.bytes')
    .where('backup_objects.backup_id', '=', backupId)
    .where('backup_objects.kind', '!=', 'manifest')
    .execute();
  const places = new Map<string, StoredPlace>();
  for (const { bytes, ...place } of objects) {
    const name = `${place.endpoint} ${place.bucket}`;
    places.set(name, { ...place, bytes: (places.get(name)?.bytes ?? 0) + Number(bytes ?? 0) });
  }
  return [...places.values()];
}

/** Counts a database's backups anew. */
export async function recountStored(trx: Trx, databaseId: string): Promise<void> {
  await trx.deleteFrom('stored_totals').where('database_id', '=', databaseId).execute();
  await trx
    .insertInto('stored_totals')
    .columns(['database_id', 'endpoint', 'bucket', 'backups', 'bytes'])
    .expression((eb) =>
      eb
        .selectFrom('backups')
        .innerJoin('backup_objects', 'backup_objects.backup_id', 'backups.id')
        .select(['backups.database_id', 'backup_objects.endpoint', 'backup_objects.bucket'])
        .select(sql<number>`count(distinct backups.id)`.as('backups'))
        .select(sql<number>`coalesce(sum(backup_objects.bytes), 0)`.as('bytes'))
        .where('backups.database_id', '=', databaseId)
        .where('backups.status', '=', sql.lit('completed'))
        .where('backups.deleted_at', 'is', null)
        .where('backup_objects.kind', '!=', 'manifest')
        .groupBy(['backups.database_id', 'backup_objects.endpoint', 'backup_objects.bucket']),
    )
    .execute();
}

/** How many completed backups of a database there are that people can see. */
export async function completedOf(db: Db, databaseId: string): Promise<number> {
  const { backups } = await db
    .selectFrom('stored_totals')
    .select(sql<number>`coalesce(sum(stored_totals.backups), 0)`.as('backups'))
    .where('database_id', '=', databaseId)
    .executeTakeFirstOrThrow();
  return Number(backups);
}

/** What completed backups take, of that environment or (null) of all, and in how many buckets and folders they lie. */
export async function storedOf(
  db: Db,
  environmentId: string | null,
): Promise<{ readonly bytes: number; readonly places: number }> {
  const places = await db
    .selectFrom('stored_totals')
    .select(['endpoint', 'bucket', sql<number>`sum(stored_totals.bytes)`.as('bytes')])
    .$if(environmentId !== null, (query) =>
      query.where('database_id', 'in', (eb) =>
        eb
          .selectFrom('databases')
          .select('databases.id')
          .where('environment_id', '=', environmentId ?? ''),
      ),
    )
    .groupBy(['endpoint', 'bucket'])
    .execute();
  return { bytes: places.reduce((sum, { bytes }) => sum + Number(bytes), 0), places: places.length };
}
