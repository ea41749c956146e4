import { AppError, isAppError } from '../../errors.ts';
import type { ByteRange, GetOptions, ObjectBody } from '../object-store.ts';
import { versionQuery } from './address.ts';
import type { S3Connection } from './connection.ts';
import { type Attempted, attemptedOf, badAnswer, endedError, networkError } from './errors.ts';
import { isAbsent } from './head.ts';
import { open, type S3Request } from './request.ts';

/**
 * The object's bytes, or an inclusive range. The iteration throws when fewer or more bytes come than were promised, and
 * an encoded answer is refused, because it would not be the bytes that were stored.
 */
export async function getObject(
  connection: S3Connection,
  bucket: string,
  key: string,
  options: GetOptions = {},
): Promise<ObjectBody> {
  const request = { operation: 'GetObject', method: 'GET', bucket, key } as const;
  const { range, signal, ifMatch } = options;
  const attempted = attemptedOf(connection, request);
  const response = await openObject(connection, {
    ...request,
    query: versionQuery(options.versionId),
    headers: rangeHeaders(range, ifMatch),
    signal,
    ...(options.isPatient ? { isPatient: true } : {}),
  }).catch((error: unknown) => {
    if (ifMatch && isAppError(error) && error.details.status === 412) throw changed(attempted);
    throw error;
  });
  return bodyOf(response, options, attempted);
}

/** Of a request for a part of an object. */
export function rangeHeaders(
  range: ByteRange | undefined,
  ifMatch: string | null | undefined,
): Readonly<Record<string, string>> {
  return {
    ...(range ? { range: `bytes=${range.start}-${range.end}` } : {}),
    ...(ifMatch ? { 'if-match': ifMatch } : {}),
  };
}

/** The body in a 2xx answer; throws for one that is not what was asked for, as some answer what they do not understand. */
export async function bodyOf(
  response: Response,
  { range, ifMatch, signal }: GetOptions,
  attempted: Attempted,
): Promise<ObjectBody> {
  try {
    const etag = strongTag(response);
    if (ifMatch && etag !== null && etag !== ifMatch) throw changed(attempted);
    const size = sizesOf(response, range, attempted);
    return { ...size, etag, [Symbol.asyncIterator]: () => read(response, size.bytes, attempted, signal) };
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
}

/** A weak one tells nothing of the bytes, and matches none (RFC 9110, 13.1.1). */
function strongTag(response: Response): string | null {
  const etag = response.headers.get('etag');
  return etag === null || etag.startsWith('W/') ? null : etag;
}

export function changed({ bucket, key }: Attempted): AppError {
  const place = bucket === undefined ? '' : ` in bucket ${bucket}`;
  return new AppError(
    'storage_mismatch',
    `The object changed while it was read: another one lies at ${key}${place} by now.`,
  );
}

/** Opens the object; a 403 for one that isn't there (B2, AWS) becomes `storage_missing` where the key may list. */
async function openObject(
  connection: S3Connection,
  request: S3Request & { readonly bucket: string; readonly key: string },
): Promise<Response> {
  const { bucket, key, signal } = request;
  try {
    return await open(connection, request);
  } catch (error) {
    if (!isAppError(error, 'storage_denied') || request.query?.['versionId'] !== undefined) throw error;
    if (!(await isAbsent(connection, bucket, key, signal))) throw error;
    const message = `${attemptedOf(connection, request).operation}: there is no object ${key} in bucket ${bucket} (any more).`;
    throw new AppError('storage_missing', message, { details: error.details, cause: error });
  }
}

function sizesOf(
  response: Response,
  range: ByteRange | undefined,
  attempted: Attempted,
): { totalBytes: number; bytes: number } {
  const encoding = response.headers.get('content-encoding');
  if (encoding && encoding !== 'identity' && encoding !== 'aws-chunked') {
    throw badAnswer(attempted, `the object came encoded (${encoding}), so it is not what was stored`);
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  if (!range) {
    if (response.status !== 200 || !Number.isSafeInteger(length)) {
      throw badAnswer(attempted, `${response.status} without the object's length`);
    }
    return { totalBytes: length, bytes: length };
  }
  const [, first, last, total] =
    /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  if (response.status !== 206 || Number(first) !== range.start || Number(last) > range.end) {
    throw badAnswer(
      attempted,
      `asked for bytes ${range.start}-${range.end}, got ${response.status} and other bytes`,
    );
  }
  return { totalBytes: Number(total), bytes: Number(last) - Number(first) + 1 };
}

async function* read(
  response: Response,
  expected: number,
  attempted: Attempted,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let received = 0;
  try {
    for await (const chunk of response.body ?? []) {
      received += chunk.byteLength;
      // A storage that never stops would never be found out at its end.
      if (received > expected) break;
      yield chunk;
    }
  } catch (error) {
    if (signal?.aborted) throw endedError(signal, attempted);
    throw error instanceof AppError ? error : networkError(error, attempted);
  }
  if (received !== expected) {
    const came =
      received > expected
        ? `more than ${expected} bytes came`
        : `${received} bytes came instead of ${expected}`;
    throw badAnswer(attempted, came);
  }
}
