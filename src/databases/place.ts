import type { Config } from '../config.ts';
import type { DatabaseRow, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { isLocalHostname } from '../servers/open-server.ts';
import { checkOwnMachine } from '../servers/own-machine.ts';
import { checkLocalPath } from './local-rule.ts';
import { wireOptions } from './options.ts';

/** The server belongs to the environment; the app's own machine may be one, and its paths are allowed ones. Throws `invalid`. */
export async function checkPlace(
  trx: Trx,
  config: Pick<Config, 'dataDir' | 'localPaths' | 'databaseUrl'>,
  row: DatabaseRow,
  change: {
    readonly serverId?: unknown;
    readonly backupLocalPath?: unknown;
    readonly filePath?: unknown;
    readonly backupScratchPath?: unknown;
  },
): Promise<void> {
  const server =
    row.server_id === null
      ? null
      : await trx.selectFrom('servers').selectAll().where('id', '=', row.server_id).executeTakeFirst();
  if (server === undefined || (server !== null && server.environment_id !== row.environment_id)) {
    throw foreignServer();
  }
  const movedHere = change.serverId !== undefined;
  if (server !== null && !isLocalHostname(server.hostname)) return;
  checkOwnMachine(config, 'serverId');
  const { filePath, backupScratchPath } = wireOptions(row.options);
  if (row.backup_local_path !== null && (change.backupLocalPath !== undefined || movedHere)) {
    checkLocalPath(config, 'backupLocalPath', row.backup_local_path);
  }
  if (filePath !== null && filePath !== '' && (change.filePath !== undefined || movedHere)) {
    checkLocalPath(config, 'filePath', filePath);
  }
  if (backupScratchPath !== null && (change.backupScratchPath !== undefined || movedHere)) {
    checkLocalPath(config, 'backupScratchPath', backupScratchPath);
  }
}

export function foreignServer(cause?: unknown): AppError {
  const message = 'The server is not one of this environment. Choose another.';
  return new AppError('invalid', message, { details: { field: 'serverId' }, cause });
}
