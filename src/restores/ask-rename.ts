import type { UserActor } from '../auth/users.ts';
import { findBackup } from '../backups/backups.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import type { PreflightCheck } from '../engines/restore.ts';
import { AppError, isAppError } from '../errors.ts';
import { askInPlace, type InPlaceInput } from './ask-in-place.ts';
import type { AskedRestore } from './ask-restore.ts';
import type { RestoreContext } from './context.ts';
import { isDroppable } from './drop-restored.ts';
import { loadOptionsOf, onlyTablesOf } from './load-options.ts';
import { loadRestore } from './restores.ts';
import { refuseTaken } from './taken-since.ts';

export type RenameInput = Omit<InPlaceInput, 'intoLive'>;

/**
 * Asks for what a restore has made beside its database to take the place of that, as it is by now: by a restore in place of its own, which
 * loads nothing, with the same safety backup, looks, swap and kept database. Throws as `askInPlace`, and `conflict` for what can't.
 */
export async function askRename(
  context: RestoreContext,
  actor: UserActor,
  restoreId: string,
  input: RenameInput,
): Promise<AskedRestore> {
  const { db } = context;
  const row = await loadRestore(db, restoreId);
  const obstacle = await obstacleToRename(db, row);
  if (obstacle !== null) throw new AppError('conflict', obstacle);
  const adopts = { restoreId, name: row.new_name, id: loadOptionsOf(row).made ?? '' };
  return askInPlace(context, actor, row.backup_id, input, adopts);
}

/** Whether nothing has come in the way since it was asked for, as a line for a person where something has. */
export async function adoptedChecks(db: Db, row: RestoreRow): Promise<readonly PreflightCheck[]> {
  const { adopts } = loadOptionsOf(row);
  if (adopts === undefined) return [];
  const says = await obstacleToRename(db, await loadRestore(db, adopts.restoreId));
  return says === null ? [] : [{ name: 'Restored', ok: false, says }];
}

/** Why what that restore has made can’t take the place of its database; null where it can: all of it, on the same server. */
export async function obstacleToRename(db: Db, row: RestoreRow): Promise<string | null> {
  const { new_name: name } = row;
  if (loadOptionsOf(row).hasTakenPlace === true)
    return `“${name}” has taken the place of its database already.`;
  if (!isDroppable(row))
    return `“${name}” is not there, or can’t be told from all else that may be called so.`;
  const engine = engineFor(row.engine);
  if (engine?.adopts !== true) {
    return `Databases of ${engine?.displayName ?? row.engine} are not renamed by the app. The page of the restore says how a person swaps the two.`;
  }
  if (onlyTablesOf(row) !== null)
    return `“${name}” has some tables alone: it can’t stand for all of the database.`;
  if ((await findBackup(db, row.backup_id))?.status !== 'completed') {
    return `The backup that “${name}” was restored from is deleted or pruned, and a rename into place is one of its restores. Swap the two on the server by hand, with nobody connected: BEGIN; ALTER DATABASE … RENAME TO …; ALTER DATABASE … RENAME TO …; COMMIT;`;
  }
  const database = await db
    .selectFrom('databases')
    .select(['server_id', 'host', 'port', 'database_name'])
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  if (database === undefined) return 'The database that it is of is no longer registered.';
  const isThere =
    database.server_id === row.server_id && database.host === row.host && database.port === row.port;
  if (!isThere) return `“${name}” is on another server than its database.`;
  if (database.database_name === name) return `“${name}” is the database itself.`;
  return refuseTaken(db, row, name).then(
    () => null,
    (error: unknown) => {
      if (isAppError(error, 'conflict')) return error.message;
      throw error;
    },
  );
}

/** What the database of that restore is called on its server; null where it is not known any more. */
export async function toBeReplaced(db: Db, { database_id: id }: RestoreRow): Promise<string | null> {
  const database = await db
    .selectFrom('databases')
    .select('database_name')
    .where('id', '=', id)
    .executeTakeFirst();
  return database?.database_name ?? null;
}
