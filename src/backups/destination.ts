import { backupFileName } from '../databases/file-name.ts';
import type { BackupRow, DatabaseRow, Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { hostPlace, type Place } from '../object-stores/place.ts';
import { enabledStorage } from '../storage/enabled.ts';

/** The wire's exact texts for storage that is not ready (storage page, HTTP contract section 8). */
export const STORAGE_NOT_CONFIGURED =
  'Spaces not configured for this environment. Go to Settings > Spaces to configure.';
export const NO_BUCKET = 'No Spaces bucket configured for this database';

const DEFAULT_LOCAL_FOLDER = '/var/backups';

export interface Destination {
  readonly place: Place;
  readonly key: string;
  readonly fileName: string;
}

/** The path or key that a backup of this database gets; what the wire calls `storagePath`. */
export function storagePath(database: DatabaseRow, fileName: string): string {
  if (database.backup_storage_type === 'spaces') return `${database.backup_spaces_prefix ?? ''}${fileName}`;
  const folder = (database.backup_local_path ?? DEFAULT_LOCAL_FOLDER).replace(/\/+$/, '');
  return `${folder}/${fileName}`;
}

/**
 * Where this backup goes, by the database's settings as they are now. Throws `invalid` with the wire's texts when
 * storage is not enabled for the environment or no bucket is chosen.
 */
export async function chooseDestination(
  db: Db,
  database: DatabaseRow,
  backup: Pick<BackupRow, 'created_at'>,
  extension: string,
): Promise<Destination> {
  const fileName = backupFileName(database.name, backup.created_at, extension);
  const key = storagePath(database, fileName);
  if (database.backup_storage_type === 'local') {
    return { place: hostPlace(database.server_id), key, fileName };
  }
  const storage = await enabledStorage(db, database.environment_id);
  if (!storage) throw new AppError('invalid', STORAGE_NOT_CONFIGURED);
  const bucket = database.backup_spaces_bucket;
  if (bucket === null || bucket === '') throw new AppError('invalid', NO_BUCKET);
  return { place: { endpoint: storage.endpoint, region: storage.region, bucket }, key, fileName };
}
