import { AppError, isAppError } from '../../errors.ts';
import { refusalOf } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, refusalError } from './errors.ts';
import { isFromBetween } from './in-between.ts';
import { send } from './request.ts';
import { backoffMs, pause } from './retry.ts';
import type { Target } from './target.ts';

/**
 * Ends an unfinished upload and looks until it is gone: parts that were on their way may survive an Abort (AWS).
 * Never call it while a Complete of the upload may be in flight.
 */
export async function abortUpload(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { tuning } = connection;
  for (let round = 1; round <= tuning.abortRounds; round += 1) {
    const wasGone = await sendAbort(connection, target, uploadId, signal);
    if (wasGone || !(await stillListed(connection, target, uploadId, signal))) return;
    await pause(backoffMs(round, { baseMs: 4 * tuning.retryBaseMs, capMs: tuning.retryCapMs }, null), signal);
  }
  const { endpoint } = attemptedOf(connection, { operation: 'AbortMultipartUpload', ...target });
  throw new AppError(
    'storage_refused',
    `The unfinished upload of ${target.key} in bucket ${target.bucket} at ${endpoint} is still there after ${tuning.abortRounds} requests to remove it.`,
    { details: { ...target, uploadId } },
  );
}

/** True while the storage still knows the unfinished upload. */
export async function uploadExists(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await send(connection, {
      operation: 'ListParts',
      method: 'GET',
      ...target,
      query: { uploadId, 'max-parts': '1' },
      signal,
    });
    return true;
  } catch (error) {
    if (isAppError(error, 'storage_missing')) return false;
    throw error;
  }
}

/** True when the upload was gone before. */
async function sendAbort(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const request = { operation: 'AbortMultipartUpload', method: 'DELETE', ...target } as const;
  const answer = await send(connection, {
    ...request,
    query: { uploadId },
    signal,
    allow: [404],
  });
  if (answer.status === 404 && isFromBetween(answer, request)) {
    throw refusalError(answer, attemptedOf(connection, request), connection.settings);
  }
  return answer.status === 404 && refusalOf(answer).code !== 'NoSuchBucket';
}

/** Keys without the right to list parts can't look: a second Abort that finds nothing is their proof. */
async function stillListed(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return await uploadExists(connection, target, uploadId, signal);
  } catch (error) {
    if (!isAppError(error, 'storage_denied')) throw error;
    return !(await sendAbort(connection, target, uploadId, signal));
  }
}
