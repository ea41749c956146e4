import { AppError, isAppError, toAppError, wasStopped } from '../../errors.ts';
import type { Leftover, StoredObject } from '../object-store.ts';
import { leaving, type StoreFailure } from '../store-failure.ts';
import type { S3Connection } from './connection.ts';
import { headObject } from './head.ts';
import type { Target } from './target.ts';

/**
 * The object that a request made visible although its answer was lost, or null where it is not there. Where a provider
 * loses metadata, the size tells: the key is this run's own, and nothing was there before.
 */
export async function findOwn(
  connection: S3Connection,
  target: Target,
  expected: { readonly bytes: number; readonly token: string },
  signal?: AbortSignal,
): Promise<StoredObject | null> {
  const head = await headObject(connection, target.bucket, target.key, {
    attempts: 2,
    ...(signal ? { signal } : {}),
  });
  if (!head) return null;
  const { keepsMetadata } = connection.addressOf(target.bucket).provider;
  const isOwn = head.token === expected.token || (head.token === null && !keepsMetadata);
  if (isOwn && head.bytes === expected.bytes) {
    return { bytes: head.bytes, etag: head.etag, versionId: head.versionId };
  }
  throw new AppError(
    'storage_uncertain',
    `The outcome of writing ${target.key} to bucket ${target.bucket} is unknown: an object is there, but not with the size and token that were sent.`,
    { details: { ...target, uploadId: null } },
  );
}

/** True when the storage may have done what it was asked to, although it did not say so. */
export function isOutcomeUnknown(error: unknown): boolean {
  if (!isAppError(error)) return false;
  if (wasStopped(error)) return true;
  const { status, networkCode } = error.details;
  // What answers in the storage's place may have let the request through; a body that it does not take never arrived.
  if (error.code === 'storage_proxy') return typeof status === 'number' && status !== 413;
  if (typeof status === 'number') return status >= 500 || status === 408 || status === 429 || status === 412;
  return typeof networkCode === 'string' || error.code === 'storage_bad_answer';
}

/** An unknown outcome as an error that tells the caller to settle it later, and never to clean up blindly. */
export function uncertain(target: Target, uploadId: string | null, cause: unknown): AppError {
  return new AppError(
    'storage_uncertain',
    `The outcome of the last request for ${target.key} in bucket ${target.bucket} is unknown: the storage did not answer, and looking it up failed too. It is checked again later.`,
    { details: { ...target, uploadId }, cause },
  );
}

/** The error of a request that was given up, with what it may still bring about at the storage. */
export function mayAppear(error: unknown, kind: 'object' | 'upload', target: Target): StoreFailure {
  return leaving(error, { kind, key: target.key, uploadId: null, versionId: null });
}

/** The error, with what could not be removed after it. */
export function withLeftover(error: unknown, leftover: Leftover, why: unknown): StoreFailure {
  const { message } = toAppError(error);
  const reason = why instanceof Error ? ` (${why.message})` : '';
  return leaving(
    error,
    leftover,
    `${message} What was uploaded so far could not be removed${reason}; it is tried again later.`,
  );
}
