import { isAppError } from '../../errors.ts';
import type { ObjectHead, ObjectLock, ReadOptions } from '../object-store.ts';
import { versionQuery } from './address.ts';
import type { S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer, headChanged, refusalError } from './errors.ts';
import { isFromBetween } from './in-between.ts';
import { listKeys } from './list-objects.ts';
import { send } from './request.ts';

export const TOKEN_HEADER = 'x-amz-meta-bridgeport-token';

/**
 * What is stored under the key, or null. Keys without the right to list get 403 for an absent object; a list under the
 * key tells then. A refusal to HEAD has no body, so other refusals are asked again with GET to learn their code.
 */
export async function headObject(
  connection: S3Connection,
  bucket: string,
  key: string,
  options: ReadOptions & { readonly attempts?: number } = {},
): Promise<ObjectHead | null> {
  const request = { operation: 'HeadObject', method: 'HEAD', bucket, key } as const;
  const common = {
    query: versionQuery(options.versionId),
    signal: options.signal,
    ...(options.attempts ? { attempts: options.attempts } : {}),
    ...(options.isPatient ? { isPatient: true } : {}),
  };
  try {
    const answer = await send(connection, { ...request, ...common, allow: [404, 405] });
    if (answer.status === 404) return await confirmBucket(connection, bucket, options.signal);
    // 405 for the version id of a delete marker: nothing is stored there.
    return answer.status === 405 ? null : readHead(connection, request, answer);
  } catch (error) {
    if (!isAppError(error) || typeof error.details.status !== 'number') throw error;
    // It was waited for in vain: GET is not waited for as long again.
    if (options.isPatient && error.code === 'storage_unreachable') throw error;
    if (error.details.status === 403 && (await isAbsent(connection, bucket, key, options.signal)))
      return null;
    const read = { ...request, operation: 'GetObject', method: 'GET' } as const;
    const asked = await send(connection, {
      ...read,
      ...common,
      headers: { range: 'bytes=0-0' },
      allow: [404],
    });
    if (asked.status === 404) {
      if (!isFromBetween(asked, read)) return confirmBucket(connection, bucket, options.signal);
      throw refusalError(asked, attemptedOf(connection, read), connection.settings);
    }
    // GET works, so the refusal has passed, or HEAD is changed on its way.
    const again = await send(connection, { ...request, ...common, allow: [400, 401, 403] });
    if (again.status >= 400) throw headChanged(again.status, attemptedOf(connection, request));
    return readHead(connection, request, again);
  }
}

/** A 404 may also mean that the bucket is gone: that must not read as "no object". */
async function confirmBucket(
  connection: S3Connection,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<null> {
  const answer = await send(connection, {
    operation: 'HeadBucket',
    method: 'HEAD',
    bucket,
    signal,
    allow: [400, 401, 403, 404],
  });
  if (answer.status === 404) await listKeys(connection, bucket, { prefix: '', maxKeys: 1, signal });
  return null;
}

/** True when a list shows that nothing has this key: the storage may answer 403 for what isn't there. */
export async function isAbsent(
  connection: S3Connection,
  bucket: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return !(await listKeys(connection, bucket, { prefix: key, maxKeys: 1, signal })).includes(key);
  } catch (error) {
    if (isAppError(error, 'storage_denied')) return false;
    throw error;
  }
}

function readHead(
  connection: S3Connection,
  request: { readonly operation: string; readonly bucket: string; readonly key: string },
  { headers }: S3Answer,
): ObjectHead {
  const length = headers.get('content-length');
  if (length === null || !/^\d+$/.test(length)) {
    throw badAnswer(attemptedOf(connection, request), 'the answer has no Content-Length');
  }
  return {
    bytes: Number(length),
    etag: headers.get('etag'),
    token: headers.get(TOKEN_HEADER),
    versionId: versionIdOf(headers),
    ...archiveOf(headers),
    ...lockOf(headers),
  };
}

const ARCHIVES = ['GLACIER', 'DEEP_ARCHIVE'];

/**
 * Where a lifecycle rule took the object: GET is answered InvalidObjectState until somebody has it restored. HEAD tells by
 * the class, or by the tier of INTELLIGENT_TIERING; `ongoing-request="false"` is a copy that can be read.
 */
function archiveOf(headers: Headers): { readonly archive?: string } {
  const storageClass = headers.get('x-amz-storage-class') ?? '';
  const archive =
    headers.get('x-amz-archive-status') ?? (ARCHIVES.includes(storageClass) ? storageClass : null);
  const isRestored = (headers.get('x-amz-restore') ?? '').includes('ongoing-request="false"');
  return archive === null || isRestored ? {} : { archive };
}

/** HEAD tells of a lock only who may see it (s3:GetObjectRetention); others learn of it when they try to remove the object. */
function lockOf(headers: Headers): { readonly lock?: ObjectLock } {
  if (headers.get('x-amz-object-lock-legal-hold')?.toUpperCase() === 'ON') {
    return { lock: { until: null, why: 'a legal hold lies on it' } };
  }
  const until = Date.parse(headers.get('x-amz-object-lock-retain-until-date') ?? '');
  if (Number.isNaN(until)) return {};
  const mode = headers.get('x-amz-object-lock-mode');
  return {
    lock: {
      until: new Date(until).toISOString(),
      why: `object lock of its bucket${mode === null ? '' : ` (${mode.toLowerCase()})`}`,
    },
  };
}

/** The version that a bucket with versions gave; "null" is what S3 calls none. */
export function versionIdOf(headers: Headers): string | null {
  const versionId = headers.get('x-amz-version-id');
  return versionId === 'null' ? null : versionId;
}
