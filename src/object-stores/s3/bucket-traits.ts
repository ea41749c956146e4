import { isAppError } from '../../errors.ts';
import { refusalOf, type S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { send } from './request.ts';
import { childrenOf, parseXml, textOf, type XmlNode } from './xml.ts';

/** What a bucket says of itself. `unknown`: this key may not see it, or the provider does not know of such a thing. */
export interface BucketTraits {
  /** Whether what is deleted stays as an older version. */
  readonly versioning: 'on' | 'suspended' | 'off' | 'unknown';
  readonly lock: BucketLock | 'none' | 'unknown';
}

/** Object lock is on; each new object is held by this mode for so long, where there is a default. */
export interface BucketLock {
  /** Such as `COMPLIANCE`; `enabled` without a default. */
  readonly mode: string;
  /** Such as `30 days`. */
  readonly retention: string | null;
}

/** Asks each once. What can't be asked is unknown, too: a test that looks beside its own business fails of nothing here. */
export async function readBucketTraits(
  connection: S3Connection,
  bucket: string,
  signal: AbortSignal,
): Promise<BucketTraits> {
  const ask = async (operation: keyof typeof QUERIES) => {
    try {
      return await askOf(connection, bucket, operation, signal);
    } catch (error) {
      if (isAppError(error)) return null;
      throw error;
    }
  };
  const [versioning, lock] = await Promise.all([
    ask('GetBucketVersioning'),
    ask('GetObjectLockConfiguration'),
  ]);
  return { versioning: versioningIn(versioning), lock: lockIn(lock) };
}

const QUERIES = {
  GetBucketVersioning: { versioning: '' },
  GetObjectLockConfiguration: { 'object-lock': '' },
} as const;

/** The answer, a refusal too. Throws `storage_*` where there is none. */
function askOf(
  connection: S3Connection,
  bucket: string,
  operation: keyof typeof QUERIES,
  signal: AbortSignal,
): Promise<S3Answer> {
  const query = QUERIES[operation];
  const allow = [400, 401, 403, 404, 405, 409, 501];
  return send(connection, { operation, method: 'GET', bucket, query, signal, allow, attempts: 1 });
}

function versioningIn(answer: S3Answer | null): BucketTraits['versioning'] {
  const document = answer?.status === 200 ? parseXml(answer.text) : null;
  if (document?.root !== 'VersioningConfiguration') return 'unknown';
  const status = textOf(document.content, 'Status');
  if (status === 'Enabled') return 'on';
  return status === 'Suspended' ? 'suspended' : 'off';
}

/** Of `GetObjectLockConfiguration`. */
export function lockIn(answer: S3Answer | null): BucketTraits['lock'] {
  if (answer === null) return 'unknown';
  if (answer.status === 404) return refusalOf(answer).code === NOT_CONFIGURED ? 'none' : 'unknown';
  const document = answer.status === 200 ? parseXml(answer.text) : null;
  if (document?.root !== 'ObjectLockConfiguration') return 'unknown';
  if (textOf(document.content, 'ObjectLockEnabled') !== 'Enabled') return 'none';
  const [retention] = childrenOf(childrenOf(document.content, 'Rule')[0], 'DefaultRetention');
  const mode = textOf(retention, 'Mode');
  if (mode === null || !/^[A-Za-z]{1,20}$/.test(mode)) return { mode: 'enabled', retention: null };
  return { mode, retention: lengthOf('day', retention) ?? lengthOf('year', retention) };
}

/** AWS, MinIO, Ceph and B2 say so of a bucket without it; another 404 is of the bucket itself. */
const NOT_CONFIGURED = 'ObjectLockConfigurationNotFoundError';

function lengthOf(unit: 'day' | 'year', retention: XmlNode | undefined): string | null {
  const count = textOf(retention, unit === 'day' ? 'Days' : 'Years');
  if (count === null || !/^\d{1,6}$/.test(count)) return null;
  return `${Number(count)} ${unit}${Number(count) === 1 ? '' : 's'}`;
}
