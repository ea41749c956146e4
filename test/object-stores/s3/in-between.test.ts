import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DevBucket,
  type Fault,
  type FaultRule,
  type OperationName,
  startDevBucket,
} from '../../../dev/bucket/server.ts';
import type { S3Bucket } from '../../../src/object-stores/s3/s3.ts';
import { chunked, options } from '../../contracts/object-store.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const MIB = 2 ** 20;
const LARGE = 12 * MIB + 77;
const BUCKET = 'backups';
const KEY = "prod/ä+b 😀 'q'/dump.sql";
const ACCESS = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };

let folder: string;
let server: DevBucket;
let opened: OpenedS3;
let bucket: S3Bucket;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'between-'));
  server = await startDevBucket({ folder, keys: [ACCESS], buckets: [BUCKET] });
  const { endpoint, region, caPem } = server;
  opened = openTestS3({ endpoint, region, ca: caPem ?? undefined, ...ACCESS, memoryBytes: 10 * MIB });
  bucket = opened.s3.bucket(BUCKET);
});
afterEach(async () => {
  server.faults.clear();
  for (const { key } of server.objects(BUCKET)) await bucket.remove(key);
  for (const { key, uploadId } of server.uploads(BUCKET)) await bucket.abortUpload(key, uploadId);
});
afterAll(async () => {
  await opened?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const put = (bytes: number) => bucket.put(KEY, chunked(randomBytes(bytes)), options());
const always = (rule: Pick<FaultRule, 'match' | 'fault'>) =>
  server.faults.add({ ...rule, times: Number.POSITIVE_INFINITY });

describe('an answer that has no S3 error code', () => {
  it.each([
    ['PutObject', 2 * MIB, '2 MiB'],
    ['UploadPart', LARGE, '5 MiB'],
  ] as const)(
    'is called a proxy’s limit at %s, with the size that was sent',
    async (operation, bytes, size) => {
      always({ match: { operation }, fault: { kind: 'proxy-page', status: 413, overBytes: MIB } });
      await expect(put(bytes)).rejects.toMatchObject({
        code: 'storage_proxy',
        message: expect.stringMatching(
          new RegExp(`413.*proxy.*nginx/1\\.24\\.0.*${size}.*client_max_body_size`),
        ),
      });
      expect([server.objects(BUCKET), server.uploads(BUCKET)]).toEqual([[], []]);
    },
  );

  it.each([
    [403, 'storage_proxy', /firewall.*Nothing is known of the key's rights/],
    [401, 'storage_proxy', /Nothing is known of the key's rights/],
    [421, 'storage_proxy', /not the storage's/],
    [502, 'storage_unreachable', /proxy or load balancer in front of the storage/],
    [503, 'storage_unreachable', /proxy or load balancer in front of the storage/],
  ])('%i says nothing of keys and permissions', async (status, code, message) => {
    always({ match: { operation: 'PutObject' }, fault: { kind: 'proxy-page', status } });
    const error = await put(1000).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(String(error)).not.toMatch(/The key is valid|Check the access key/);
  });

  it('is the storage’s own where it has a request id', async () => {
    always({
      match: { operation: 'PutObject' },
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    await expect(put(1000)).rejects.toMatchObject({ code: 'storage_denied' });
  });

  const NOT_FOUND: Fault = { kind: 'proxy-page', status: 404 };
  it.each<[OperationName, () => Promise<unknown>]>([
    ['DeleteObject', () => bucket.remove(KEY)],
    ['GetObject', () => bucket.get(KEY)],
    ['AbortMultipartUpload', () => bucket.abortUpload(KEY, 'an-upload')],
    ['ListParts', () => bucket.uploadExists(KEY, 'an-upload')],
  ])('404 at %s proves nothing of what is stored', async (operation, ask) => {
    await put(1000);
    always({ match: { operation }, fault: NOT_FOUND });
    await expect(ask()).rejects.toMatchObject({ code: 'storage_proxy' });
    server.faults.clear();
    expect(server.objects(BUCKET)).toHaveLength(1);
  });

  it('does not have an upload removed that may have been completed', async () => {
    always({
      match: { operation: 'CompleteMultipartUpload' },
      fault: { kind: 'proxy-page', status: 403 },
    });
    const before = server.requests.length;
    await expect(put(LARGE)).rejects.toMatchObject({ code: 'storage_proxy' });
    const looked = server.requests.slice(before).map(({ operation }) => operation);
    // It is looked up first, and repeated.
    expect(looked.filter((operation) => operation === 'CompleteMultipartUpload').length).toBeGreaterThan(1);
    expect([server.objects(BUCKET), server.uploads(BUCKET)]).toEqual([[], []]);
  });
});

describe('a proxy that changes HEAD', () => {
  it('is named where GET reads what HEAD is refused', async () => {
    await put(1000);
    always({
      match: { operation: 'HeadObject' },
      fault: { kind: 'status', status: 403, code: 'SignatureDoesNotMatch' },
    });
    await expect(bucket.head(KEY)).rejects.toMatchObject({
      code: 'storage_proxy',
      message: expect.stringMatching(/HEAD is answered 403, and GET of the same works.*CDN/),
    });
  });
});
