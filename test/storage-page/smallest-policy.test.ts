import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Bucket } from '../../src/object-stores/s3/s3.ts';
import type { Rgw } from '../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../support/s3.ts';
import { sharedRgwWithoutTenant } from '../support/shared/rgw.ts';

/** The policy of docs/providers/ceph.md, put on a bucket as the page says, and used by a user who owns nothing. */

const run = promisify(execFile);
const MIB = 2 ** 20;
const BUCKET = 'prod-backups';

let rgw: Rgw;
let folder: string;
let opened: OpenedS3;
let bucket: S3Bucket;

beforeAll(async () => {
  [rgw, folder] = await Promise.all([sharedRgwWithoutTenant(), mkdtemp(join(tmpdir(), 'policy-'))]);
  const key = await rgw.createUser('bridgeport');
  const policy = join(folder, 'policy.json');
  await writeFile(policy, await policyOf('ceph.md'));
  await rgw.createBucket(BUCKET);
  await asOwner('put-bucket-policy', '--bucket', BUCKET, '--policy', `file://${policy}`);
  opened = openTestS3({ ...rgw, ...key, memoryBytes: 32 * MIB });
  bucket = opened.s3.bucket(BUCKET);
});
afterAll(async () => {
  await opened.close();
  await rgw.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the smallest policy for Ceph', () => {
  it('lets the bucket be tested', async () => {
    await expect(opened.s3.checkBucket(BUCKET, {})).resolves.toBeUndefined();
    expect(await opened.s3.listBuckets()).toEqual([]);
  });

  it.each([
    ['one PUT', 1000],
    ['a multipart upload', 20 * MIB],
  ])('is enough to store, read back, link and remove what is stored by %s', async (_, bytes) => {
    const key = `production/appdb/${bytes}.sql`;
    const stored = await bucket.put(key, chunksOf(bytes), {
      signal: new AbortController().signal,
      token: 'token-1',
      contentType: 'application/sql',
      fileName: 'appdb.sql',
    });
    expect(stored.bytes).toBe(bytes);
    expect(await bucket.head(key)).toMatchObject({ bytes, token: 'token-1' });
    const url = await bucket.presignDownload(key, {
      fileName: 'appdb.sql',
      expiresInSeconds: 60,
      versionId: null,
    });
    const { stdout } = await run('curl', ['-sS', '--fail', '--cacert', rgw.caFile, '-r', '0-3', url]);
    expect(stdout).toBe('aaaa');
    await bucket.remove(key);
    expect(await bucket.head(key)).toBeNull();
  });

  it('is enough to leave nothing behind of an upload that fails', async () => {
    const failing = async function* () {
      yield* chunksOf(20 * MIB);
      throw new Error('the dump broke');
    };
    const options = {
      signal: new AbortController().signal,
      token: 'token-2',
      contentType: 'application/sql',
    };
    await expect(bucket.put('broken.sql', failing(), { ...options, fileName: 'broken.sql' })).rejects.toThrow(
      'the dump broke',
    );
    expect(await bucket.listUploads('broken.sql', { token: '' })).toEqual([]);
    expect(await asOwner('list-multipart-uploads', '--bucket', BUCKET)).not.toContain('UploadId');
  });

  it('opens no other bucket', async () => {
    await rgw.createBucket('somebody-elses');
    await expect(opened.s3.checkBucket('somebody-elses', {})).rejects.toMatchObject({
      code: 'storage_denied',
    });
  });
});

async function policyOf(page: string): Promise<string> {
  const text = await readFile(new URL(`../../docs/providers/${page}`, import.meta.url), 'utf8');
  const policy = /## The smallest policy\n[\s\S]*?```json\n([\s\S]*?)```/.exec(text)?.[1];
  if (policy === undefined) throw new Error(`${page} has no policy`);
  return policy;
}

describe('the lifecycle rule of the docs', () => {
  it('is taken by the gateway as it stands, and gives back what it says', async () => {
    const page = await readFile(new URL('../../docs/providers/hetzner.md', import.meta.url), 'utf8');
    const rule = /--lifecycle-configuration '(.+)'/.exec(page)?.[1] ?? '';
    await asOwner(
      ...['put-bucket-lifecycle-configuration', '--bucket', BUCKET, '--lifecycle-configuration', rule],
    );
    const { Rules } = JSON.parse(await asOwner('get-bucket-lifecycle-configuration', '--bucket', BUCKET));
    expect(Rules).toMatchObject([
      { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    ]);
  });
});

/** By aws, so that what prepares the test is not what is tested. */
async function asOwner(...args: string[]): Promise<string> {
  const { stdout } = await run('aws', ['--endpoint-url', rgw.endpoint, 's3api', ...args], {
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: rgw.full.accessKey,
      AWS_SECRET_ACCESS_KEY: rgw.full.secretKey,
      AWS_DEFAULT_REGION: rgw.region,
      AWS_CA_BUNDLE: rgw.caFile,
    },
  });
  return stdout;
}

async function* chunksOf(bytes: number): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(256 * 1024).fill('a'.charCodeAt(0));
  for (let left = bytes; left > 0; left -= chunk.byteLength) yield chunk.subarray(0, left);
}
