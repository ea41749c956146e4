import type { UserActor } from '../auth/users.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { askInPlace, type InPlaceInput } from './ask-in-place.ts';
import type { AskedRestore } from './ask-restore.ts';
import type { RestoreContext } from './context.ts';
import { isDroppable } from './drop-restored.ts';
import { loadOptionsOf, onlyTablesOf } from './load-options.ts';
import { loadRestore } from './restores.ts';

export type RenameInput = Omit<InPlaceInput, 'intoLive'>;

/** Whether what that restore has made can take the place of its database: all of it, on the same server. */
export async function isRenamable(db: Db, row: RestoreRow): Promise<boolean> {
  return (await obstacleOf(db, row)) === null;
}

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
  const obstacle = await obstacleOf(db, row);
  if (obstacle !== null) throw new AppError('conflict', obstacle);
  const adopts = { restoreId, name: row.new_name, id: loadOptionsOf(row).made ?? '' };
  return askInPlace(context, actor, row.backup_id, input, adopts);
}

async function obstacleOf(db: Db, row: RestoreRow): Promise<string | null> {
  const { new_name: name } = row;
  if (!isDroppable(row))
    return `“${name}” is not there, or can’t be told from all else that may be called so.`;
  const engine = engineFor(row.engine);
  if (engine?.adopts !== true) {
    return `Databases of ${engine?.displayName ?? row.engine} are not renamed by the app. The page of the restore says how a person swaps the two.`;
  }
  if (onlyTablesOf(row) !== null)
    return `“${name}” has some tables alone: it can’t stand for all of the database.`;
  const database = await db
    .selectFrom('databases')
    .select(['server_id', 'host', 'port', 'database_name'])
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  if (database === undefined) return 'The database that it is of is no longer registered.';
  const isThere =
    database.server_id === row.server_id && database.host === row.host && database.port === row.port;
  if (!isThere) return `“${name}” is on another server than its database.`;
  return database.database_name === name ? `“${name}” is the database itself.` : null;
}
