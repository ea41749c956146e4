import { wireOptions } from '../databases/options.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import type { SwapByHand } from '../engines/in-place.ts';
import { keptName } from './new-name.ts';

/**
 * How a person swaps what was restored with the database that it is of; null where the app does that itself, where the restore has made
 * nothing, or where the two are not on one server.
 */
export async function swapByHandOf(db: Db, row: RestoreRow, now: Date): Promise<SwapByHand | null> {
  const engine = engineFor(row.engine);
  if (engine?.swapByHand === undefined || row.state !== 'done') return null;
  const database = await db
    .selectFrom('databases')
    .select(['server_id', 'host', 'port', 'database_name', 'options'])
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  if (database === undefined) return null;
  const live = engine.isFile ? wireOptions(database.options).filePath : database.database_name;
  const isThere =
    database.server_id === row.server_id && database.host === row.host && database.port === row.port;
  if (!live || !isThere || live === row.new_name) return null;
  return engine.swapByHand({
    live,
    restored: row.new_name,
    kept: keptName({ isFile: engine.isFile, name: live }, now),
  });
}
