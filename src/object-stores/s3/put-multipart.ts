import { isAppError } from '../../errors.ts';
import type { PutOptions, StoredObject } from '../object-store.ts';
import { abortUpload } from './abort-upload.ts';
import { completeUpload } from './complete-upload.ts';
import type { S3Connection } from './connection.ts';
import { createUpload } from './create-upload.ts';
import { cancelledError } from './errors.ts';
import { withGrace } from './grace.ts';
import { withLeftover } from './outcome.ts';
import type { PartPlan } from './part-plan.ts';
import type { PartReader } from './part-reader.ts';
import type { PartBuffer } from './platform.ts';
import type { Target } from './target.ts';
import { uploadParts } from './upload-parts.ts';

/** A body whose first part is full already. */
export interface StartedBody {
  readonly plan: PartPlan;
  readonly reader: PartReader;
  readonly first: PartBuffer;
}

/**
 * Stores a body in parts. Whatever fails before the Complete removes the upload; after it, the upload is removed only
 * when it is certain that the storage refused (see `completeUpload`).
 */
export async function putMultipart(
  connection: S3Connection,
  target: Target,
  body: StartedBody,
  options: PutOptions,
): Promise<StoredObject> {
  const uploadId = await createOrRelease(connection, target, body, options);
  try {
    const sent = await sendParts(connection, target, uploadId, body, options);
    const bytes = sent.reduce((total, part) => total + part.bytes, 0);
    await options.beforeSeal?.({ bytes });
    if (options.signal.aborted) throw cancelledError(options.signal);
    return await completeUpload(connection, { ...target, uploadId, parts: sent, bytes }, options);
  } catch (error) {
    if (isAppError(error, 'storage_uncertain')) throw error;
    throw await removeUpload(connection, target, uploadId, error, options.signal);
  }
}

async function createOrRelease(
  connection: S3Connection,
  target: Target,
  body: StartedBody,
  options: PutOptions,
): Promise<string> {
  try {
    return await createUpload(connection, target, options);
  } catch (error) {
    body.first.release();
    throw error;
  }
}

async function sendParts(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  body: StartedBody,
  options: PutOptions,
) {
  try {
    await options.onUploadCreated?.(uploadId);
  } catch (error) {
    body.first.release();
    throw error;
  }
  return uploadParts(connection, { ...target, uploadId }, body, options);
}

/** The error to throw after the upload was removed, or could not be. */
async function removeUpload(
  connection: S3Connection,
  target: Target,
  uploadId: string,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    await withGrace(connection, signal, (late) => abortUpload(connection, target, uploadId, late));
    return error;
  } catch (why) {
    return withLeftover(error, { kind: 'upload', key: target.key, uploadId, versionId: null }, why);
  }
}
