import { AppError } from '../errors.ts';
import type { OpenedStore, Services } from '../services-port.ts';
import type { ByteRange, ObjectBody } from '../storage/object-store.ts';
import { openRecordedBucket } from '../storage/open-place.ts';
import { findBackup } from './backups.ts';
import { enabledSpaces, NO_BUCKET, serverOfPlace } from './destination.ts';

/** How long a presigned URL works (storage page, Troubleshooting). */
export const DOWNLOAD_SECONDS = 3600;

export type Download =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'stream';
      readonly body: ReadableStream<Uint8Array>;
      readonly fileName: string;
      /** Bytes that `body` gives. */
      readonly bytes: number;
      readonly totalBytes: number;
    };

/**
 * A way to a backup's bytes: a presigned URL for one in a bucket, a stream for a file on a host. Refusals, in the
 * contract's order, are `invalid` with its texts: existence, completed, allowed, storage.
 */
export async function openDownload(
  services: Services,
  backupId: string,
  options: { range?: (totalBytes: number) => ByteRange | undefined } = {},
): Promise<Download> {
  const { db } = services;
  const backup = await findBackup(db, backupId);
  if (!backup) throw new AppError('invalid', 'Backup not found');
  if (backup.status !== 'completed') throw new AppError('invalid', 'Backup is not completed');
  const environment = await db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['environments.id', 'environments.allow_backup_download'])
    .where('databases.id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  if (environment.allow_backup_download !== 1) {
    throw new AppError('invalid', 'Backup downloads are not allowed for this environment');
  }
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .where('kind', '=', 'dump')
    .executeTakeFirst();
  if (!object) throw new AppError('invalid', NO_BUCKET);

  if (serverOfPlace(object) !== undefined) {
    const opened = await services.openPlace(object);
    const range = options.range?.(Number(backup.size));
    const body = await bodyOrClose(opened, object.key, range);
    return {
      kind: 'stream',
      body: closingStream(body, opened),
      fileName: backup.filename,
      bytes: body.bytes,
      totalBytes: body.totalBytes,
    };
  }
  if (!(await enabledSpaces(db, environment.id))) {
    throw new AppError('invalid', 'Spaces not configured for this environment');
  }
  const { bucket, close } = await openRecordedBucket(services, object);
  try {
    const url = await bucket.presignDownload(object.key, {
      fileName: backup.filename,
      expiresInSeconds: DOWNLOAD_SECONDS,
      versionId: object.version_id,
    });
    return { kind: 'url', url };
  } finally {
    await close();
  }
}

async function bodyOrClose(
  opened: OpenedStore,
  key: string,
  range: ByteRange | undefined,
): Promise<ObjectBody> {
  try {
    return await opened.store.get(key, range ? { range } : {});
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The body as a web stream that closes its store at its end, at its failure and when the reader goes away. */
function closingStream(body: AsyncIterable<Uint8Array>, opened: OpenedStore): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await iterator.next();
        if (!next.done) {
          controller.enqueue(next.value);
          return;
        }
        await opened.close();
        controller.close();
      } catch (error) {
        await opened.close();
        controller.error(error);
      }
    },
    async cancel() {
      await iterator.return?.();
      await opened.close();
    },
  });
}
