import { wireOptions } from '../databases/options.ts';
import type { DatabaseRow, Db, Trx } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { placeOfLogin } from '../restores/restore-logins.ts';

/** Where the drills of a database are to be made; null: where the database is. */
export interface DrillPlaceSettings {
  readonly serverId: string | null;
  /** Of files. */
  readonly folder: string | null;
}

export interface DrillPlace {
  readonly serverId: string | null;
  readonly environmentId: string;
  readonly host: string | null;
  readonly port: number | null;
  readonly newName: string;
}

/**
 * Where a drill is made, and under which name. On a server that was named, it is the database server of that server's login for
 * restores. Throws `invalid` where that can't be told.
 */
export async function drillPlace(
  db: Db | Trx,
  database: DatabaseRow,
  { serverId, folder }: DrillPlaceSettings,
  token: string,
): Promise<DrillPlace> {
  const isFile = engineFor(database.type)?.isFile ?? false;
  const name = `bp_drill_${token}`;
  const newName = isFile ? `${folderOf(database, folder)}/${name}.sqlite` : name;
  if (serverId === null) {
    const { server_id, environment_id: environmentId, host, port } = database;
    return { serverId: server_id, environmentId, host, port, newName };
  }
  const server = await db
    .selectFrom('servers')
    .select(['name', 'environment_id'])
    .where('id', '=', serverId)
    .executeTakeFirst();
  if (server === undefined) {
    throw new AppError(
      'invalid',
      'The server that drills are to be made on is not there any more. Choose another.',
    );
  }
  const own = { host: database.host, port: database.port };
  const there = isFile ? own : await placeOfLogin(db, serverId, database.type);
  const place = there ?? (serverId === database.server_id ? own : undefined);
  if (place === undefined) {
    throw new AppError(
      'invalid',
      `Server "${server.name}" has no login for restores of ${database.type}: nobody knows as whom, and where on it, a drill is to be made. Have an admin store one on the page of the server.`,
    );
  }
  return { serverId, environmentId: server.environment_id, ...place, newName };
}

function folderOf({ options }: DatabaseRow, folder: string | null): string {
  const { filePath } = wireOptions(options);
  const chosen = folder ?? filePath?.slice(0, filePath.lastIndexOf('/')) ?? '';
  return chosen.replace(/\/+$/, '');
}
