import { isAppError } from '../../errors.ts';
import type { ReadOptions } from '../object-store.ts';
import { versionQuery } from './address.ts';
import { refusalOf } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, refusalError } from './errors.ts';
import { headObject } from './head.ts';
import { isFromBetween } from './in-between.ts';
import { send } from './request.ts';
import type { Target } from './target.ts';

/**
 * Removes the object, or that version of it, so that its bytes are gone: those of an object that is older than the versions of its bucket,
 * too. A DELETE without a version only hides it there, and it stays as version `null` (S3; Ceph, whose HEAD does not say so).
 */
export async function removeWholly(
  connection: S3Connection,
  target: Target,
  options: ReadOptions,
): Promise<void> {
  const { isHidden } = await removeObject(connection, target, options);
  if (!isHidden || options.versionId) return;
  const older = { ...options, versionId: 'null' };
  try {
    await removeObject(connection, target, older);
  } catch (error) {
    // Refused also where there is none: to a key that may remove no versions, and by a storage that names none so.
    if (!isRefused(error) || (await isStored(connection, target, older))) throw error;
  }
}

/** False also where nobody may ask: then nothing tells that there is one. */
async function isStored(connection: S3Connection, target: Target, options: ReadOptions): Promise<boolean> {
  try {
    return (await headObject(connection, target.bucket, target.key, options)) !== null;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
}

const isRefused = (error: unknown) => isAppError(error, 'storage_denied', 'storage_refused');

/**
 * One DELETE, of the object or that version of it; tells whether a delete marker hides it since. An absent object is a success; an absent
 * bucket is not, nor a 404 that is not the storage's.
 */
export async function removeObject(
  connection: S3Connection,
  target: Target,
  options: ReadOptions,
): Promise<{ readonly isHidden: boolean }> {
  const request = { operation: 'DeleteObject', method: 'DELETE', ...target } as const;
  const answer = await send(connection, {
    ...request,
    query: versionQuery(options.versionId),
    signal: options.signal,
    allow: [404],
  });
  const isRefusal = refusalOf(answer).code === 'NoSuchBucket' || isFromBetween(answer, request);
  if (answer.status === 404 && isRefusal) {
    throw refusalError(answer, attemptedOf(connection, request), connection.settings);
  }
  // Where versions are kept no longer, the marker has taken the place of what was there.
  const isMarker = answer.headers.get('x-amz-delete-marker') === 'true';
  return { isHidden: isMarker && answer.headers.get('x-amz-version-id') !== 'null' };
}
