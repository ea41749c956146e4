import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { hostEndpoint, isOnHost } from '../object-stores/place.ts';
import { insertLeftover } from './insert-leftover.ts';

/** How long a storage may go on with a Complete whose caller is gone; then what it made can be removed. */
const COMPLETE_MAY_TAKE_MS = 10 * 60_000;

/**
 * Before databases go: what deleted backups still have in a storage, and what became of runs whose outcome is not
 * known yet, becomes leftovers, which outlive their rows and are retried until they are gone. Inside a transaction.
 */
export async function releaseTombstones(trx: Trx, databaseIds: readonly string[], now: Date): Promise<void> {
  if (databaseIds.length === 0) return;
  const objects = [
    ...(await objectsOf(trx, databaseIds).where('backups.deleted_at', 'is not', null).execute()),
    ...(await uncertainObjectsOf(trx, databaseIds)),
  ];
  for (const object of objects) {
    const isHost = isOnHost(object);
    const kind = isHost ? 'file' : 'object';
    if (object.outcome !== 'uncertain') {
      await insertLeftover(trx, { ...object, kind, upload_id: null }, now, 0);
      continue;
    }
    // The upload first, so that no object can come of it after the object was removed.
    const wait = isHost ? 0 : COMPLETE_MAY_TAKE_MS;
    await insertLeftover(trx, { ...object, kind: 'upload' }, now, wait);
    await insertLeftover(trx, { ...object, kind, upload_id: null }, now, wait + 60_000);
  }
}

/** By the runs, of which few are uncertain: a planner may read all backups there are to find those with that outcome. */
async function uncertainObjectsOf(trx: Trx, databaseIds: readonly string[]) {
  const runs = await trx
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', 'backup')
    // A literal, as in the index.
    .where('state', '=', sql.lit('uncertain'))
    .execute();
  if (runs.length === 0) return [];
  const ids = runs.map(({ id }) => id);
  return objectsOf(trx, databaseIds)
    .where('backup_objects.backup_id', 'in', ids)
    .where('backups.outcome', '=', 'uncertain')
    .where('backups.deleted_at', 'is', null)
    .execute();
}

function objectsOf(trx: Trx, databaseIds: readonly string[]) {
  return trx
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .selectAll('backup_objects')
    .select('backups.outcome')
    .where('backups.database_id', 'in', databaseIds);
}

/**
 * Before servers go: nobody can reach their files any more, so that retrying to remove them would never end. Gives how
 * many were given up. Inside a transaction, after their databases went.
 */
export async function giveUpFilesOf(trx: Trx, serverIds: readonly string[]): Promise<number> {
  if (serverIds.length === 0) return 0;
  const places = serverIds.map(hostEndpoint);
  const leftovers = await trx
    .deleteFrom('leftovers')
    .where('endpoint', 'in', places)
    .returning('id')
    .execute();
  const deleted = await trx
    .deleteFrom('backups')
    .where('deleted_at', 'is not', null)
    .where('id', 'in', (eb) =>
      eb.selectFrom('backup_objects').select('backup_id').where('endpoint', 'in', places),
    )
    .returning('id')
    .execute();
  return leftovers.length + deleted.length;
}

/** Throws `conflict` while backups that people can see lie on the server. */
export async function refuseWhileBackupsLieThere(trx: Trx, serverId: string): Promise<void> {
  const found = await trx
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select('databases.name')
    .where('backup_objects.endpoint', '=', hostEndpoint(serverId))
    .where('backups.deleted_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  if (found === undefined) return;
  throw new AppError(
    'conflict',
    `Backups of database "${found.name}" lie on this server. Delete them first, or keep the server to reach them.`,
  );
}

/**
 * A run writes its outcome into its row: the row has to be there, also that of a backup which was deleted while it
 * ran and is being stopped. What is read just now stays too, as where a single backup is deleted. Throws `conflict`.
 */
export async function refuseWhileRunning(trx: Trx, databaseIds: readonly string[]): Promise<void> {
  if (databaseIds.length === 0) return;
  const running = await trx
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select('databases.name')
    .where('databases.id', 'in', databaseIds)
    .where('backups.status', '=', 'in_progress')
    .limit(1)
    .executeTakeFirst();
  if (running !== undefined) {
    throw new AppError(
      'conflict',
      `A backup of database "${running.name}" is running. Cancel it or wait for its end, then try again.`,
    );
  }
  const reading = await trx
    .selectFrom('runs')
    .innerJoin('backups', 'backups.id', 'runs.subject_id')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select('databases.name')
    // A literal, as in the index: few run, however many databases there are.
    .where('runs.state', '=', sql.lit('running'))
    .where('runs.kind', '!=', 'backup')
    .where('databases.id', 'in', databaseIds)
    .limit(1)
    .executeTakeFirst();
  if (reading === undefined) return;
  throw new AppError(
    'conflict',
    `A backup of database "${reading.name}" is in use just now. Wait for the end of the run that reads it, or cancel that, then try again.`,
  );
}

/** Throws `conflict` while a backup of them is restored, or a restore waits: what it makes would be known to nobody. */
export async function refuseWhileRestoring(trx: Trx, databaseIds: readonly string[]): Promise<void> {
  if (databaseIds.length === 0) return;
  for (const state of ['pending', 'running', 'uncertain'] as const) {
    const restoring = await trx
      .selectFrom('runs')
      .innerJoin('backups', 'backups.id', 'runs.subject_id')
      .innerJoin('databases', 'databases.id', 'backups.database_id')
      .select('databases.name')
      // A literal, as in the index.
      .where('runs.state', '=', sql.lit(state))
      .where('runs.kind', 'in', ['restore', 'drill'])
      .where('databases.id', 'in', databaseIds)
      .limit(1)
      .executeTakeFirst();
    if (restoring === undefined) continue;
    throw new AppError(
      'conflict',
      `A backup of database "${restoring.name}" is being restored. Cancel that or wait for its end, then try again.`,
    );
  }
}

/** Throws `conflict` while something is restored into that server or environment, from wherever, or a restore waits to: as above. */
export async function refuseWhileRestoredInto(
  trx: Trx,
  column: 'restores.server_id' | 'restores.environment_id',
  id: string,
): Promise<void> {
  for (const state of ['pending', 'running', 'uncertain'] as const) {
    const into = await trx
      .selectFrom('runs')
      // SQLite would read all restores first: a cross join keeps the order, from the few runs that are not over.
      .crossJoin('restores')
      .whereRef('restores.id', '=', 'runs.id')
      .select('restores.new_name')
      // A literal, as in the index.
      .where('runs.state', '=', sql.lit(state))
      .where('runs.kind', 'in', ['restore', 'drill'])
      .where(column, '=', id)
      .limit(1)
      .executeTakeFirst();
    if (into === undefined) continue;
    throw new AppError(
      'conflict',
      `“${into.new_name}” is being restored there. Cancel that or wait for its end, then try again.`,
    );
  }
}
