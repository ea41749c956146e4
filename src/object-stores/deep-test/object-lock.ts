import { lockIn } from '../s3/bucket-traits.ts';
import type { ObjectLock } from './result.ts';
import { ask, type BucketTest } from './run.ts';

export interface BucketTraits {
  readonly objectLock: ObjectLock | null;
  readonly storageClass: string | null;
}

/** The bucket's default retention and storage class, as far as this key may see them. */
export async function readTraits(run: BucketTest, key: string): Promise<BucketTraits> {
  const { headers } = await ask(run, {
    operation: 'HeadObject',
    method: 'HEAD',
    key,
    allow: [400, 403, 404, 405],
  });
  const mode = headers.get('x-amz-object-lock-mode');
  const until = headers.get('x-amz-object-lock-retain-until-date');
  const byObject = mode === null ? null : { mode, retention: until === null ? null : `until ${until}` };
  return {
    objectLock: (await readDefaultRetention(run)) ?? byObject,
    storageClass: headers.get('x-amz-storage-class'),
  };
}

async function readDefaultRetention(run: BucketTest): Promise<ObjectLock | null> {
  const answer = await ask(run, {
    operation: 'GetObjectLockConfiguration',
    method: 'GET',
    query: { 'object-lock': '' },
    allow: [400, 401, 403, 404, 405, 409, 501],
  });
  const lock = lockIn(answer);
  return typeof lock === 'string' ? null : lock;
}
