import type { Db } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { createHostFiles } from '../object-stores/host-files/host-files.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Place } from '../object-stores/place.ts';
import { serverOfPlace } from '../object-stores/place.ts';
import { asRecorded, checkRecordedPlace } from '../object-stores/recorded-place.ts';
import type { S3Bucket, S3Opener } from '../object-stores/s3/s3.ts';
import type { Vault } from '../secrets/vault.ts';
import type { ServerAccess } from '../servers/server-access.ts';
import { openKeys } from './keys.ts';
import { provenIfNoneMatch } from './proven.ts';

export interface PlaceContext {
  readonly db: Db;
  readonly vault: Vault;
  readonly openS3: S3Opener;
  readonly servers: ServerAccess;
}

/** Opens recorded places: a bucket with the storage's present credentials, or the files of a server. */
export function createOpenPlace(context: PlaceContext): OpenPlace {
  return async (place) => {
    const serverId = serverOfPlace(place);
    if (serverId === undefined) {
      const { bucket, close } = await openRecordedBucket(context, place);
      return { store: bucket, close };
    }
    const { host, checkPath } = await context.servers.open(serverId, { startedBy: 'schedule' });
    return { store: createHostFiles(host, { checkPath }), close: () => host.close() };
  };
}

/**
 * The bucket of a recorded place, with the present credentials against the recorded endpoint. Throws `storage_denied`
 * where there are none, and where they must not be used because that is somebody else's server.
 */
export async function openRecordedBucket(
  context: Pick<PlaceContext, 'db' | 'vault' | 'openS3'>,
  place: Place,
): Promise<{ bucket: S3Bucket; close: () => Promise<void> }> {
  const storage = await context.db.selectFrom('spaces_config').selectAll().executeTakeFirst();
  if (!storage) {
    throw new AppError(
      'storage_denied',
      'No storage is configured any more, so that what is stored there can be reached by nobody. Configure it again under Admin > Storage.',
    );
  }
  checkRecordedPlace(place, storage.endpoint);
  const s3 = context.openS3({
    endpoint: place.endpoint,
    region: place.region ?? storage.region,
    ...(await openKeys(storage, context.vault)),
    ifNoneMatch: await provenIfNoneMatch(context.db, place),
  });
  return {
    bucket: asRecorded(s3.bucket(place.bucket), place, storage.endpoint),
    close: () => s3.close(),
  };
}
