import type { Db } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import type { ArchiveBlocks, EndProof } from '../engines/engine.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import type { Place } from '../object-stores/place.ts';
import { backupObject } from './backup-object.ts';
import { findBackup } from './backups.ts';
import { readContents } from './contents.ts';

/** A completed backup's dump, where it lies and what was recorded of it when it was stored. */
export interface Stored {
  readonly backupId: string;
  readonly databaseId: string;
  readonly place: Place;
  readonly key: string;
  readonly versionId: string | null;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly compression: string | null;
  readonly dumpSha256: string | null;
  readonly contents: DumpContents | null;
  readonly newEndProof: (blocks?: ArchiveBlocks) => EndProof;
}

/** Throws `not_found` for a backup that is not there (any more), `conflict` for one that has no object. */
export async function loadStored(db: Db, backupId: string): Promise<Stored> {
  const backup = await findBackup(db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const object = await backupObject(db, backupId, 'dump');
  if (backup.status !== 'completed' || object === undefined) {
    throw new AppError('conflict', `Only a completed backup can be read: it is ${backup.status}.`);
  }
  const { type } = await db
    .selectFrom('databases')
    .select('type')
    .where('id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  const engine = engineFor(type);
  if (engine === undefined) throw new AppError('invalid', `Backups of ${type} can't be read.`);
  const { endpoint, region, bucket, key, version_id: versionId } = object;
  return {
    backupId,
    databaseId: backup.database_id,
    place: { endpoint, region, bucket },
    key,
    versionId,
    bytes: Number(backup.size),
    sha256: backup.sha256,
    compression: backup.compression,
    dumpSha256: backup.dump_sha256,
    contents: await readContents(db, backupId),
    newEndProof: (blocks) => engine.storedProof(backup.format, blocks),
  };
}
