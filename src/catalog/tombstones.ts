import type { Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';

/**
 * Before databases go: what deleted backups still have in a storage becomes leftovers, which outlive their rows and
 * are retried until they are gone. Inside a transaction.
 */
export async function releaseTombstones(trx: Db, databaseIds: readonly string[], now: Date): Promise<void> {
  if (databaseIds.length === 0) return;
  const objects = await trx
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .selectAll('backup_objects')
    .where('backups.database_id', 'in', databaseIds)
    .where('backups.deleted_at', 'is not', null)
    .execute();
  for (const object of objects) {
    await trx
      .insertInto('leftovers')
      .values({
        id: newId(),
        backup_id: object.backup_id,
        kind: object.endpoint.startsWith('host:') ? 'file' : 'object',
        endpoint: object.endpoint,
        region: object.region,
        bucket: object.bucket,
        key: object.key,
        upload_id: null,
        version_id: object.version_id,
        tries: 0,
        last_error: null,
        created_at: now.toISOString(),
        next_try_at: now.toISOString(),
      })
      .execute();
  }
}

/**
 * A run writes its outcome into its row: the row has to be there, also that of a backup which was deleted while it
 * ran and is being stopped. Throws `conflict`.
 */
export async function refuseWhileRunning(trx: Db, databaseIds: readonly string[]): Promise<void> {
  if (databaseIds.length === 0) return;
  const running = await trx
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select('databases.name')
    .where('databases.id', 'in', databaseIds)
    .where('backups.status', '=', 'in_progress')
    .limit(1)
    .executeTakeFirst();
  if (running === undefined) return;
  throw new AppError(
    'conflict',
    `A backup of database "${running.name}" is running. Cancel it or wait for its end, then try again.`,
  );
}
