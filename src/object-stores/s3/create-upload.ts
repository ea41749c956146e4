import type { Leftover, PutOptions } from '../object-store.ts';
import { abortUpload } from './abort-upload.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer } from './errors.ts';
import { withGrace } from './grace.ts';
import { uploadsOf } from './list-uploads.ts';
import { isOutcomeUnknown, mayAppear, withLeftover } from './outcome.ts';
import { send } from './request.ts';
import { objectHeaders, type Target } from './target.ts';
import { parseXml, textOf } from './xml.ts';

/**
 * Begins a multipart upload and gives its id. An answer that was lost may have left an upload without a known id: then
 * the key's other uploads are looked up and removed. The key belongs to one run only, so they can't be another's. One
 * that appears only later is for the caller to look for: `onMayAppear`.
 */
export async function createUpload(
  connection: S3Connection,
  target: Target,
  options: PutOptions,
): Promise<string> {
  const lost: Leftover = { kind: 'upload', key: target.key, uploadId: null, versionId: null };
  let isLost = false;
  try {
    const uploadId = await create(connection, target, options, async () => {
      if (!isLost) await options.onMayAppear?.(lost);
      isLost = true;
    });
    if (isLost) await removeNow(connection, target, uploadId, options);
    return uploadId;
  } catch (error) {
    if (!isLost && !isOutcomeUnknown(error)) throw error;
    throw await afterRemoval(connection, target, error, options.signal);
  }
}

/** What is there already. Where it can't be looked up, the caller looks later; without one, this fails. */
async function removeNow(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  { signal, onMayAppear }: PutOptions,
): Promise<void> {
  try {
    await removeStrays(connection, target, uploadId, signal);
  } catch (error) {
    if (onMayAppear === undefined || signal.aborted) throw error;
    connection.platform.log.warn('an upload that may have been begun twice could not be looked up yet', {
      ...target,
      error,
    });
  }
}

async function create(
  connection: S3Connection,
  target: Target,
  options: PutOptions,
  onRetry: () => Promise<void>,
): Promise<string> {
  const request = { operation: 'CreateMultipartUpload', method: 'POST', ...target } as const;
  const answer = await send(connection, {
    ...request,
    query: { uploads: '' },
    headers: objectHeaders(options, connection.settings),
    signal: options.signal,
    isPatient: true,
    async beforeRetry() {
      await onRetry();
      return null;
    },
  });
  const document = parseXml(answer.text);
  const uploadId = textOf(document?.content, 'UploadId');
  if (document?.root !== 'InitiateMultipartUploadResult' || !uploadId) {
    throw badAnswer(attemptedOf(connection, request), 'the answer holds no upload id');
  }
  return uploadId;
}

async function removeStrays(
  connection: S3Connection,
  target: Target,
  keep: string | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const uploadId of await uploadsOf(connection, target, signal)) {
    if (uploadId !== keep) await abortUpload(connection, target, uploadId, signal);
  }
}

/** The error to throw. A request that was given up may still be at work, so that the key is looked at again later. */
async function afterRemoval(
  connection: S3Connection,
  target: Target,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    await withGrace(connection, signal, (late) => removeStrays(connection, target, null, late));
    return mayAppear(error, 'upload', target);
  } catch (why) {
    return withLeftover(error, { kind: 'upload', key: target.key, uploadId: null, versionId: null }, why);
  }
}
