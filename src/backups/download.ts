import type { BackupHead, BackupObjectRow } from '../db/schema.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ByteRange, ObjectBody } from '../object-stores/object-store.ts';
import type { OpenedStore, OpenPlace } from '../object-stores/opened-store.ts';
import { serverOfPlace } from '../object-stores/place.ts';
import type { StorageContext } from '../storage/context.ts';
import { isStorageEnabled } from '../storage/enabled.ts';
import { openRecordedBucket } from '../storage/open-place.ts';
import { findBackup } from './backups.ts';
import { NO_BUCKET } from './destination.ts';
import { markInUse } from './in-use.ts';

/** How long a presigned URL works (storage page, Troubleshooting). */
export const DOWNLOAD_SECONDS = 3600;
const LOOK_TIMEOUT_MS = 20_000;

export type Download =
  | {
      readonly kind: 'url';
      readonly url: string;
      /** When the storage begins to refuse the URL, ISO-8601. */
      readonly expiresAt: string;
    }
  | {
      readonly kind: 'stream';
      /** Nothing is read before the first pull. */
      readonly body: ReadableStream<Uint8Array>;
      readonly fileName: string;
      /** Bytes that `body` gives. */
      readonly bytes: number;
      readonly totalBytes: number;
      /** The part that `body` is, or null for the whole file. */
      readonly range: ByteRange | null;
      readonly etag: string | null;
    }
  | { readonly kind: 'unsatisfiable'; readonly totalBytes: number };

interface DownloadContext extends StorageContext {
  readonly openPlace: OpenPlace;
  readonly log: Log;
}

export interface DownloadOptions {
  /** The part of a streamed file that is asked for. */
  readonly range?: (file: {
    readonly totalBytes: number;
    readonly etag: string | null;
  }) => ByteRange | 'unsatisfiable' | undefined;
  /** Ends a streamed file, such as when the client went away. */
  readonly signal?: AbortSignal;
}

/**
 * A way to a backup's bytes: a presigned URL for one in a bucket, a stream for a file on a host. Refusals, in the
 * contract's order, are `invalid` with its texts: existence, completed, allowed, storage; then `storage_*` where the
 * storage does not have the object or the present credentials don't reach the place that the backup recorded.
 */
export async function openDownload(
  context: DownloadContext,
  backupId: string,
  options: DownloadOptions = {},
): Promise<Download> {
  const { db } = context;
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
    await keepForReading(context, backup);
    return openStream(context, backup, object, options);
  }
  if (!(await isStorageEnabled(db, environment.id))) {
    throw new AppError('invalid', 'Spaces not configured for this environment');
  }
  await keepForReading(context, backup);
  return presign(context, backup, object);
}

/** Until the link ends, and for as long as it takes to make one: retention must not take from somebody what he is reading. */
async function keepForReading({ db, now, log }: DownloadContext, { id }: BackupHead): Promise<void> {
  const until = new Date(now().getTime() + DOWNLOAD_SECONDS * 1000 + LOOK_TIMEOUT_MS);
  try {
    if (!(await markInUse(db, id, until))) throw new AppError('invalid', 'Backup not found');
  } catch (error) {
    // A database that can't be written, as on a full disk, can't be pruned either, and backups must be had all the more.
    if (!isAppError(error, 'unavailable')) throw error;
    log.warn('it could not be noted that a backup is being downloaded', { backupId: id, error });
  }
}

async function presign(
  context: DownloadContext,
  backup: BackupHead,
  object: BackupObjectRow,
): Promise<Download> {
  const { bucket, close } = await openRecordedBucket(context, object);
  try {
    // A link that the storage would refuse tells the person who opens it nothing: it is tried here first.
    const found = await bucket.head(object.key, {
      versionId: object.version_id,
      signal: AbortSignal.timeout(LOOK_TIMEOUT_MS),
    });
    if (found === null) {
      throw new AppError(
        'storage_missing',
        `${object.key} is no longer in ${bucket.label}: it was removed there, or a lifecycle rule of the bucket did it.`,
      );
    }
    if (found.archive !== undefined) {
      throw new AppError(
        'storage_refused',
        `${object.key} in ${bucket.label} lies in the archive ${found.archive}, where a lifecycle rule of the bucket took it, and can't be read now. Have the storage restore it from there (RestoreObject, in its console "Initiate restore"), and download it when that is done.`,
      );
    }
    const signedAt = context.now().getTime();
    const url = await bucket.presignDownload(object.key, {
      fileName: backup.filename,
      expiresInSeconds: DOWNLOAD_SECONDS,
      versionId: object.version_id,
    });
    return { kind: 'url', url, expiresAt: new Date(signedAt + DOWNLOAD_SECONDS * 1000).toISOString() };
  } finally {
    await close();
  }
}

async function openStream(
  context: DownloadContext,
  backup: BackupHead,
  object: BackupObjectRow,
  options: DownloadOptions,
): Promise<Download> {
  const totalBytes = Number(backup.size);
  const etag = backup.sha256 === null ? null : `"${backup.sha256}"`;
  const range = options.range?.({ totalBytes, etag });
  if (range === 'unsatisfiable') return { kind: 'unsatisfiable', totalBytes };
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const opened = await context.openPlace(object);
  const body = await bodyOrClose(opened, object.key, { signal, ...(range === undefined ? {} : { range }) });
  return {
    kind: 'stream',
    body: closingStream(body, opened, gone),
    fileName: backup.filename,
    bytes: body.bytes,
    totalBytes: body.totalBytes,
    range: range ?? null,
    etag,
  };
}

async function bodyOrClose(
  opened: OpenedStore,
  key: string,
  options: { readonly range?: ByteRange; readonly signal: AbortSignal },
): Promise<ObjectBody> {
  try {
    return await opened.store.get(key, options);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The body as a web stream that closes its store at its end, at its failure and when the reader goes away. */
function closingStream(
  body: AsyncIterable<Uint8Array>,
  opened: OpenedStore,
  gone: AbortController,
): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const next = await iterator.next();
      if (gone.signal.aborted) return;
      if (!next.done) {
        controller.enqueue(next.value);
        return;
      }
      await opened.close();
      controller.close();
    } catch (error) {
      if (gone.signal.aborted) return;
      await opened.close();
      controller.error(error);
    }
  };
  const cancel = async (): Promise<void> => {
    // A read that waits for the host would hold the end back; the abort ends it and the process behind it.
    gone.abort();
    try {
      await iterator.return?.();
    } finally {
      await opened.close();
    }
  };
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
