import { isAppError } from '../../errors.ts';
import type { PutOptions, StoredObject } from '../object-store.ts';
import type { S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer, cancelledError } from './errors.ts';
import { withGrace } from './grace.ts';
import { versionIdOf } from './head.ts';
import { findOwn, isOutcomeUnknown, mayAppear, uncertain } from './outcome.ts';
import { send } from './request.ts';
import { pause } from './retry.ts';
import { objectHeaders, type Target } from './target.ts';

/**
 * Stores bytes as an object with one PUT. A cancellation does not end a PUT that is on its way, because its outcome
 * would be unknown, unless it goes on for long; it keeps it from being sent again.
 */
export async function putWhole(
  connection: S3Connection,
  target: Target,
  bytes: Uint8Array,
  options: PutOptions,
): Promise<StoredObject> {
  const { signal, token } = options;
  const expected = { bytes: bytes.byteLength, token };
  const sha256 = await connection.platform.sha256(bytes);
  await options.beforeSeal?.({ bytes: bytes.byteLength });
  if (signal.aborted) throw cancelledError(signal);
  const stored = await sendWhole(connection, target, { bytes, sha256, expected }, options);
  options.onProgress?.(bytes.byteLength);
  return stored;
}

async function sendWhole(
  connection: S3Connection,
  target: Target,
  content: {
    readonly bytes: Uint8Array;
    readonly sha256: string;
    readonly expected: { readonly bytes: number; readonly token: string };
  },
  options: PutOptions,
): Promise<StoredObject> {
  const { bytes, sha256, expected } = content;
  const { provider } = connection.addressOf(target.bucket);
  let found: StoredObject | null = null;
  try {
    const answer = await withGrace(connection, options.signal, (late) =>
      send(connection, {
        operation: 'PutObject',
        method: 'PUT',
        ...target,
        headers: {
          ...objectHeaders(options, connection.settings),
          ...(provider.ifNoneMatch ? { 'if-none-match': '*' } : {}),
        },
        body: bytes,
        sha256,
        signal: late,
        retrySignal: options.signal,
        isPatient: true,
        async beforeRetry() {
          // Where versions are kept, a second PUT would leave the first one behind, unseen.
          found = await findOwn(connection, target, expected, late).catch(() => null);
          return found ? NOT_SENT_AGAIN : null;
        },
      }),
    );
    if (found) return found;
    const etag = answer.headers.get('etag');
    // A 200 of something in between, or with an error inside, stored nothing.
    if (!etag) {
      const attempted = attemptedOf(connection, { operation: 'PutObject', ...target });
      throw badAnswer(attempted, 'the answer has no ETag');
    }
    return { bytes: expected.bytes, etag, versionId: versionIdOf(answer.headers) };
  } catch (error) {
    if (!isOutcomeUnknown(error)) throw error;
    return await withGrace(connection, options.signal, (late) =>
      settle(connection, target, expected, error, late),
    );
  }
}

const NOT_SENT_AGAIN: S3Answer = { status: 200, headers: new Headers(), text: '' };

/**
 * Looks twice: a PUT whose answer was lost may still be at work. Where nothing is found, it may even appear later, so
 * that the key is to be looked at again.
 */
async function settle(
  connection: S3Connection,
  target: Target,
  expected: { readonly bytes: number; readonly token: string },
  error: unknown,
  signal: AbortSignal,
): Promise<StoredObject> {
  try {
    for (let look = 1; look <= 2; look += 1) {
      const stored = await findOwn(connection, target, expected, signal);
      if (stored) return stored;
      if (isAppError(error, 'storage_exists')) break;
      await pause(connection.tuning.settleBaseMs, signal);
    }
  } catch (cause) {
    if (isAppError(cause, 'storage_uncertain') && isAppError(error, 'storage_exists')) throw error;
    throw uncertain(target, null, cause);
  }
  throw isAppError(error, 'storage_exists') ? error : mayAppear(error, 'object', target);
}
