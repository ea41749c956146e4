import { isAppError } from '../errors.ts';
import { diagnoseFailure } from '../object-stores/diagnose/diagnose.ts';
import type { Diagnosis } from '../object-stores/diagnose/diagnosis.ts';
import { notKnown, type Tried, tryBucket } from '../object-stores/diagnose/try-bucket.ts';
import { isS3Answer } from '../object-stores/s3/check-bucket.ts';
import { listKeys } from '../object-stores/s3/list-objects.ts';
import { send } from '../object-stores/s3/request.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import type { TimeLimit } from '../object-stores/time-limit.ts';
import { type BucketDetail, storageMessage } from './tried.ts';

/** A bucket in which backups can be stored, as far as that can be tried for nothing. */
export type Reached = BucketDetail & { readonly diagnosis: Diagnosis | null; readonly isTaken: boolean };

export interface Missed {
  readonly bucket: string;
  readonly message: string;
  readonly diagnosis: Diagnosis | null;
}

/** The most prefixes of a bucket that are tried: one that answers proves the key. */
const MOST_PREFIXES = 5;

/** Whether this key reaches a bucket that was named, and may do there what backups do. */
export async function tryNamedBucket(
  s3: Pick<S3, 'connection'>,
  bucket: string,
  prefixes: readonly string[],
  limit: TimeLimit,
): Promise<Reached | Missed> {
  const { connection } = s3;
  const { signal } = limit;
  let refusal: unknown;
  limit.enter('at HeadBucket');
  try {
    const answer = await send(connection, {
      operation: 'HeadBucket',
      method: 'HEAD',
      bucket,
      signal,
      allow: [301, 400, 401, 403, 404],
    });
    if (answer.status < 300 && isS3Answer(answer)) {
      return await use(connection, { bucket, by: 'HeadBucket', prefix: null }, prefixes, limit);
    }
  } catch (error) {
    return miss(connection, bucket, error, '', limit);
  }
  limit.enter('at ListObjectsV2');
  // The refusal of a HEAD has no body: the list tells why, or that the key may work under its prefix all the same.
  for (const prefix of [...new Set([...prefixes.slice(0, MOST_PREFIXES), ''])]) {
    try {
      await listKeys(connection, bucket, { prefix, maxKeys: 1, signal });
      return await use(connection, { bucket, by: 'ListObjectsV2', prefix }, prefixes, limit);
    } catch (error) {
      refusal ??= error;
      if (!isAppError(error, 'storage_denied')) break;
    }
  }
  return miss(connection, bucket, refusal, prefixes[0] ?? '', limit);
}

/** What is reached, if backups can be stored there as far as that can be tried for nothing. */
async function use(
  connection: S3['connection'],
  detail: BucketDetail,
  prefixes: readonly string[],
  limit: TimeLimit,
): Promise<Reached | Missed> {
  const { bucket, by } = detail;
  // A HEAD that worked was not changed on its way.
  const { found, isRefused, upload } = await tryUse(
    connection,
    bucket,
    { prefixes, looks: by !== 'HeadBucket' },
    limit,
  );
  if (isRefused && found !== null) return { bucket, message: found.message, diagnosis: found };
  return { ...detail, diagnosis: found, isTaken: upload === 'taken' };
}

async function miss(
  connection: S3['connection'],
  bucket: string,
  error: unknown,
  prefix: string,
  limit: TimeLimit,
): Promise<Missed> {
  const message = storageMessage(error);
  return { bucket, message, diagnosis: await diagnose(connection, error, { bucket, prefix }, limit) };
}

/** What backups do, as far as it stores nothing. Once the time is up, or where nobody answers, nothing is known. */
export async function tryUse(
  connection: S3['connection'],
  bucket: string,
  options: { readonly prefixes: readonly string[]; readonly looks: boolean },
  limit: TimeLimit,
): Promise<Tried> {
  limit.enter('at CreateMultipartUpload');
  try {
    const prefixes = options.prefixes.slice(0, MOST_PREFIXES);
    return await tryBucket(connection, bucket, { ...options, prefixes, signal: limit.signal });
  } catch (error) {
    const over = limit.over();
    if (over !== null) return notKnown(bucket, over.message);
    if (!isAppError(error)) throw error;
    return notKnown(bucket, storageMessage(error));
  }
}

/** What is wrong behind a failure; null once the time is up: then that is what is wrong. */
export async function diagnose(
  connection: S3['connection'],
  error: unknown,
  about: { readonly bucket: string | null; readonly prefix?: string },
  limit: TimeLimit,
): Promise<Diagnosis | null> {
  try {
    return limit.over() ? null : await diagnoseFailure(connection, error, { ...about, signal: limit.signal });
  } catch (failure) {
    if (limit.over()) return null;
    throw failure;
  }
}
