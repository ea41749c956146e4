import { wireOptions } from '../databases/options.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import type { PreflightCheck } from '../engines/restore.ts';

type Place = Pick<RestoreRow, 'server_id' | 'host' | 'port'> & { readonly name: string | null };

/**
 * Whether a restore in place would still replace what its database's settings name, as a line for a person; none where nothing is
 * replaced. They may change while it waits, and the safety backup is made by them.
 */
export async function placeChecks(db: Db, row: RestoreRow): Promise<readonly PreflightCheck[]> {
  if (row.in_place === 0) return [];
  const found = await db
    .selectFrom('databases')
    .select(['server_id', 'host', 'port', 'database_name', 'options'])
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  const isFile = engineFor(row.engine)?.isFile === true;
  const now = found && {
    ...found,
    name: isFile ? (wireOptions(found.options).filePath ?? null) : found.database_name,
  };
  const asked: Place = { server_id: row.server_id, host: row.host, port: row.port, name: row.new_name };
  const name = 'Settings';
  const isSame =
    now !== undefined &&
    (['server_id', 'host', 'port', 'name'] as const).every((field) => now[field] === asked[field]);
  if (isSame) return [{ name, ok: true, says: 'They name the same database as when this was asked for.' }];
  const is = now === undefined ? 'are gone' : `name ${wordsOf(now)}${elsewhere(asked, now)}`;
  const says = `The settings of the database have changed since this was asked for: it was to replace ${wordsOf(asked)}, and they ${is} now. The safety backup may be of another database. See that they are right, and ask again.`;
  return [{ name, ok: false, says }];
}

function wordsOf({ host, port, name }: Place): string {
  return `“${name ?? ''}” at ${host ?? 'the server itself'}${port === null ? '' : `:${port}`}`;
}

function elsewhere(asked: Place, now: Place): string {
  return asked.server_id === now.server_id ? '' : ' of another server';
}
