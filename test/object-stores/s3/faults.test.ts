import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type DevBucket,
  type Fault,
  type OperationName,
  startDevBucket,
} from '../../../dev/bucket/server.ts';
import { isAppError } from '../../../src/errors.ts';
import type { PutOptions } from '../../../src/object-stores/object-store.ts';
import { send } from '../../../src/object-stores/s3/request.ts';
import type { S3Bucket } from '../../../src/object-stores/s3/s3.ts';
import { chunked, collect, objectStoreContract, options } from '../../contracts/object-store.ts';
import { freePort } from '../../support/free-port.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const MIB = 2 ** 20;
const LARGE = 12 * MIB + 77;
const BUCKET = 'backups';
const KEY = "prod/ä+b 😀 'q'/dump.sql.gz";
const ACCESS = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };

let folder: string;
let server: DevBucket;
let opened: OpenedS3;
let bucket: S3Bucket;

/** A memory of 10 MiB makes parts of 5 MiB, so that 12 MiB are three parts. */
function open(overrides: Partial<Parameters<typeof openTestS3>[0]> = {}): OpenedS3 {
  const { endpoint, region, caPem } = server;
  return openTestS3({
    endpoint,
    region,
    ca: caPem ?? undefined,
    ...ACCESS,
    memoryBytes: 10 * MIB,
    ...overrides,
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-bucket-'));
  server = await startDevBucket({
    folder,
    keys: [ACCESS],
    buckets: [BUCKET, 'versions', 'later'],
    versioned: ['versions'],
    // As Ceph's gateway lists what was begun and never ended.
    limits: { encodesSilently: true },
  });
  opened = open();
  bucket = opened.s3.bucket(BUCKET);
});
let hitsBefore = 0;
const newHits = () => server.faults.hits().slice(hitsBefore);

beforeEach(() => {
  hitsBefore = server.faults.hits().length;
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

const put = (bytes: number, overrides: Partial<PutOptions> = {}) =>
  bucket.put(KEY, chunked(randomBytes(bytes)), options(overrides));

function expectNothing(): void {
  expect(server.objects(BUCKET)).toEqual([]);
  expect(server.uploads(BUCKET)).toEqual([]);
}

async function expectStored(content: Buffer): Promise<void> {
  expect(content.equals(await collect(await bucket.get(KEY)))).toBe(true);
  expect(server.uploads(BUCKET)).toEqual([]);
}

objectStoreContract('the development bucket', async () => ({
  store: bucket,
  key: (file) => `contract/${crypto.randomUUID()}/${file}`,
  unfinished: async (key) =>
    server
      .uploads(BUCKET)
      .filter((upload) => upload.key === key)
      .map((u) => u.uploadId),
  keepsToken: true,
  largeBytes: LARGE,
  close: async () => {},
}));

const OPERATIONS = {
  large: ['HeadObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'],
  small: ['HeadObject', 'PutObject'],
} as const satisfies Record<string, readonly OperationName[]>;

const PASSING: readonly (readonly [string, Fault])[] = [
  ['500', { kind: 'status', status: 500, code: 'InternalError' }],
  ['503', { kind: 'status', status: 503, code: 'SlowDown' }],
  ['429', { kind: 'status', status: 429, code: 'TooManyRequests' }],
  ['a reset connection', { kind: 'reset' }],
  ['a reset connection after the work was done', { kind: 'reset-after' }],
  ['500 after the work was done', { kind: 'status-after', status: 500, code: 'InternalError' }],
];

describe('a storage that fails for a moment', () => {
  for (const [size, bytes] of [
    ['large', LARGE],
    ['small', 1000],
  ] as const) {
    for (const operation of OPERATIONS[size]) {
      it.each(PASSING)(
        `stores a ${size} object in spite of %s on ${operation}, exactly once`,
        async (_, fault) => {
          server.faults.add({ match: { operation, key: KEY }, fault });
          const content = randomBytes(bytes);
          await bucket.put(KEY, chunked(content), options());
          expect(newHits()).toHaveLength(1);
          await expectStored(content);
          server.faults.clear();
        },
      );
    }
  }

  it('takes an error inside a 200 of Complete for an error, and completes again', async () => {
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      fault: { kind: 'error-in-200', code: 'InternalError' },
    });
    const content = randomBytes(LARGE);
    await bucket.put(KEY, chunked(content), options());
    await expectStored(content);
  });

  it.each([
    ['an error', { kind: 'error-in-200', code: 'InternalError' }],
    ['a web page', { kind: 'garbage' }],
  ] as const)('does not take %s inside the 200 of a PUT for a stored object', async (_, fault) => {
    server.faults.add({ match: { operation: 'PutObject' }, fault });
    await expect(put(1000)).rejects.toMatchObject({ code: 'storage_bad_answer' });
    expectNothing();
  });

  it('waits for a Complete that sends blanks to keep the connection', async () => {
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      fault: { kind: 'keep-alive-blanks', delayMs: 300 },
    });
    const content = randomBytes(LARGE);
    await bucket.put(KEY, chunked(content), options());
    await expectStored(content);
  });

  it('never sends a part again that the storage has acknowledged', async () => {
    const from = server.requests.length;
    server.faults.add({
      match: { operation: 'UploadPart', partNumber: 2 },
      fault: { kind: 'status', status: 503, code: 'SlowDown' },
    });
    await put(LARGE);
    const parts = server.requests.slice(from).filter((request) => request.operation === 'UploadPart');
    expect(parts).toHaveLength(4);
  });

  it('sends a part again that was changed on the way', async () => {
    server.faults.add({
      match: { operation: 'UploadPart' },
      fault: { kind: 'status', status: 400, code: 'XAmzContentSHA256Mismatch' },
    });
    const content = randomBytes(LARGE);
    await bucket.put(KEY, chunked(content), options());
    await expectStored(content);
  });
});

describe('a storage that keeps failing', () => {
  const LASTING: readonly (readonly [string, Fault, string])[] = [
    ['503', { kind: 'status', status: 503, code: 'SlowDown' }, 'storage_unreachable'],
    ['AccessDenied', { kind: 'status', status: 403, code: 'AccessDenied' }, 'storage_denied'],
    ['QuotaExceeded', { kind: 'status', status: 403, code: 'QuotaExceeded' }, 'storage_full'],
    ['NoSuchBucket', { kind: 'status', status: 404, code: 'NoSuchBucket' }, 'storage_no_bucket'],
    ['a reset connection', { kind: 'reset' }, 'storage_unreachable'],
  ];
  for (const operation of ['CreateMultipartUpload', 'UploadPart'] as const) {
    it.each(LASTING)(`leaves nothing when ${operation} always gets %s`, async (_, fault, code) => {
      server.faults.add({ match: { operation }, times: Number.POSITIVE_INFINITY, fault });
      await expect(put(LARGE)).rejects.toMatchObject({ code });
      expectNothing();
    });
  }
  it.each(LASTING)('leaves nothing when PutObject always gets %s', async (_, fault, code) => {
    server.faults.add({ match: { operation: 'PutObject' }, times: Number.POSITIVE_INFINITY, fault });
    await expect(put(1000)).rejects.toMatchObject({ code });
    expectNothing();
  });

  it('removes the upload when Complete is refused for good', async () => {
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      fault: { kind: 'status', status: 400, code: 'InvalidPart' },
    });
    await expect(put(LARGE)).rejects.toMatchObject({ code: 'storage_refused' });
    expectNothing();
  });

  it('removes the upload when Complete is answered 500 again and again and no object appears', async () => {
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 500, code: 'InternalError' },
    });
    await expect(put(LARGE)).rejects.toMatchObject({ code: 'storage_unreachable' });
    expectNothing();
  });

  it('calls a Complete uncertain, and removes nothing, when nobody answers it', async () => {
    const from = server.requests.length;
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'reset' },
    });
    const error = await put(LARGE).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'storage_uncertain' });
    expect(isAppError(error) && error.details.uploadId).toBe(server.uploads(BUCKET)[0]?.uploadId);
    expect(server.requests.slice(from).map((request) => request.operation)).not.toContain(
      'AbortMultipartUpload',
    );
  });

  it('calls a Complete uncertain when it was done but can not be looked up', async () => {
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset-after' } });
    server.faults.add({
      match: { operation: 'HeadObject' },
      skip: 1,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 503, code: 'SlowDown' },
    });
    await expect(put(LARGE)).rejects.toMatchObject({ code: 'storage_uncertain' });
    expect(server.objects(BUCKET)).toHaveLength(1);
  });

  it('never takes a foreign object under its key for its own', async () => {
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset-after' } });
    server.faults.add({ match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'lose-metadata' } });
    await expect(put(LARGE)).rejects.toMatchObject({ code: 'storage_uncertain' });
  });

  it('tells of an upload that may appear before it asks for another, and goes on where none can be looked for', async () => {
    server.faults.add({ match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'reset-after' } });
    server.faults.add({
      match: { operation: 'ListMultipartUploads' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    const before = server.requests.length;
    const asked = () =>
      server.requests.slice(before).filter(({ operation }) => operation === 'CreateMultipartUpload').length;
    const told: unknown[] = [];
    await put(LARGE, { onMayAppear: async (item) => void told.push([asked(), item]) });
    expect(told).toEqual([[1, { kind: 'upload', key: KEY, uploadId: null, versionId: null }]]);
    expect([asked(), server.objects(BUCKET).length, server.uploads(BUCKET).length]).toEqual([2, 1, 1]);
  });

  it('reports the upload as left over when removing it is refused', async () => {
    server.faults.add({
      match: { operation: 'UploadPart' },
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    server.faults.add({
      match: { operation: 'AbortMultipartUpload' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    const error = await put(LARGE).catch((caught: unknown) => caught);
    const [upload] = server.uploads(BUCKET);
    expect(error).toMatchObject({
      code: 'storage_denied',
      leftover: { kind: 'upload', key: KEY, uploadId: upload?.uploadId, versionId: null },
    });
  });

  it('says that the storage removed the upload when it vanishes half-way', async () => {
    server.faults.add({ match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'lose-upload' } });
    const error = await put(LARGE).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'storage_missing', details: { s3Code: 'NoSuchUpload' } });
    expectNothing();
  });

  it('is not fooled by a web page that answers 200', async () => {
    server.faults.add({ match: {}, times: 3, fault: { kind: 'garbage' } });
    await expect(opened.s3.listBuckets()).rejects.toMatchObject({ code: 'storage_bad_answer' });
  });
});

describe('a cancelled upload', () => {
  it.each(['UploadPart', 'CreateMultipartUpload'] as const)(
    'ends soon and leaves nothing while %s hangs',
    async (operation) => {
      server.faults.add({ match: { operation }, fault: { kind: 'hang' } });
      const cancel = new AbortController();
      const storing = put(LARGE, { signal: cancel.signal });
      const outcome = expect(storing).rejects.toMatchObject({ code: 'cancelled' });
      await expect.poll(() => newHits().length).toBe(1);
      cancel.abort();
      await outcome;
      expectNothing();
    },
  );

  it('lets a Complete that is on its way end, because its outcome would be unknown', async () => {
    const cancel = new AbortController();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.faults.add({
      match: { operation: 'CompleteMultipartUpload' },
      fault: { kind: 'hold', until: held },
    });
    const storing = put(LARGE, { signal: cancel.signal });
    await expect.poll(() => newHits().length).toBe(1);
    cancel.abort();
    release();
    expect(await storing).toMatchObject({ bytes: LARGE });
  });
});

describe('reading', () => {
  const content = randomBytes(3 * MIB);

  it.each(['truncate', 'stall'] as const)('throws when the answer stops early (%s)', async (kind) => {
    await bucket.put(KEY, chunked(content), options());
    server.faults.add({ match: { operation: 'GetObject' }, fault: { kind, bytes: 100_000 } });
    const cancel = new AbortController();
    const body = await bucket.get(KEY, { signal: cancel.signal });
    const reading = collect(body);
    if (kind === 'stall') setTimeout(() => cancel.abort(), 200);
    await expect(reading).rejects.toMatchObject({
      code: kind === 'stall' ? 'cancelled' : 'storage_unreachable',
    });
  });

  it('refuses bytes that were not asked for', async () => {
    await bucket.put(KEY, chunked(content), options());
    server.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'ignore-range' } });
    await expect(bucket.get(KEY, { range: { start: 5, end: 9 } })).rejects.toMatchObject({
      code: 'storage_bad_answer',
    });
  });

  it('refuses an encoded answer', async () => {
    await bucket.put(KEY, chunked(content), options());
    server.faults.add({
      match: { operation: 'GetObject' },
      fault: { kind: 'headers', headers: { 'content-encoding': 'gzip' } },
    });
    await expect(bucket.get(KEY)).rejects.toMatchObject({ code: 'storage_bad_answer' });
  });
});

describe('an account', () => {
  it('works with a clock that is an hour off, and signs links by the clock of the storage', async () => {
    const late = open({ now: () => new Date(Date.now() - 3_600_000) });
    const target = late.s3.bucket(BUCKET);
    await target.put(KEY, chunked(Buffer.from('content')), options());
    const url = new URL(await target.presignDownload(KEY, { fileName: 'a.sql', expiresInSeconds: 60 }));
    const signedAt = url.searchParams.get('X-Amz-Date') ?? '';
    const iso = signedAt.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
    expect(Math.abs(Date.parse(iso) - Date.now())).toBeLessThan(120_000);
    await late.close();
  });

  it('names the clock when correcting it does not help', async () => {
    server.faults.add({
      match: {},
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' },
    });
    await expect(opened.s3.listBuckets()).rejects.toMatchObject({ code: 'storage_clock_skew' });
  });

  it('names the region that the storage expects', async () => {
    const elsewhere = open({ region: 'eu-west-9' });
    const error = await elsewhere.s3.listBuckets().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'storage_wrong_region' });
    expect(String(error)).toContain(server.region);
    await elsewhere.close();
  });

  it('names wrong keys, a missing bucket and a closed port', async () => {
    const wrong = open({ secretKey: 'another-secret' });
    await expect(wrong.s3.checkBucket(BUCKET)).rejects.toMatchObject({ code: 'storage_bad_credentials' });
    await expect(opened.s3.checkBucket('absent')).rejects.toMatchObject({ code: 'storage_no_bucket' });
    const closed = open({ endpoint: `https://127.0.0.1:${await freePort()}` });
    await expect(closed.s3.listBuckets()).rejects.toMatchObject({
      code: 'storage_unreachable',
      details: { networkCode: 'ECONNREFUSED' },
    });
    await wrong.close();
    await closed.close();
  });

  it('does not call an object absent when its bucket is', async () => {
    await expect(opened.s3.bucket('absent').head(KEY)).rejects.toMatchObject({ code: 'storage_no_bucket' });
  });

  it('removes the version that it stored', async () => {
    const versions = opened.s3.bucket('versions');
    const stored = await versions.put(KEY, chunked(randomBytes(1000)), options());
    expect(stored.versionId).not.toBeNull();
    await versions.remove(KEY, { versionId: stored.versionId });
    expect(await versions.head(KEY)).toBeNull();
    expect(await versions.head(KEY, { versionId: stored.versionId })).toBeNull();
  });
});

describe('an object without a version, in a bucket that keeps them', () => {
  const denied = (skip: number) =>
    server.faults.add({
      match: { bucket: 'later', operation: 'DeleteObject' },
      skip,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
  const keepVersions = async (status: 'Enabled' | 'Suspended') => {
    const body = new TextEncoder().encode(
      `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
    );
    const request = { operation: 'PutBucketVersioning', method: 'PUT', bucket: 'later' } as const;
    const sha256 = createHash('sha256').update(body).digest('hex');
    await send(opened.s3.connection, { ...request, query: { versioning: '' }, body, sha256 });
  };
  let later: S3Bucket;
  beforeEach(async () => {
    later = opened.s3.bucket('later');
    await keepVersions('Suspended');
    await later.put(KEY, chunked(randomBytes(1000)), options());
    await keepVersions('Enabled');
  });

  it('is removed, and not just hidden', async () => {
    await later.remove(KEY);
    expect(await later.head(KEY)).toBeNull();
    expect(await later.head(KEY, { versionId: 'null' })).toBeNull();
  });

  it('is told of where the key may only hide it', async () => {
    denied(1);
    await expect(later.remove(KEY)).rejects.toMatchObject({ code: 'storage_denied' });
    expect(await later.head(KEY, { versionId: 'null' })).toMatchObject({ bytes: 1000 });
  });

  it('is removed with such a key, too, where it is there no more', async () => {
    await later.remove(KEY, { versionId: 'null' });
    denied(1);
    await later.remove(KEY);
    expect(newHits()).toHaveLength(1);
  });

  it('is removed where it is there no more, and the storage has no version of that name', async () => {
    await later.remove(KEY, { versionId: 'null' });
    const unknown = { kind: 'status', status: 400, code: 'InvalidArgument' } as const;
    for (const [operation, skip] of [
      ['DeleteObject', 1],
      ['HeadObject', 0],
      ['GetObject', 0],
    ] as const) {
      server.faults.add({ match: { bucket: 'later', operation }, skip, fault: unknown });
    }
    await later.remove(KEY);
    expect(newHits()).toHaveLength(3);
  });

  it('is not taken for removed while nobody can look', async () => {
    await later.remove(KEY, { versionId: 'null' });
    denied(1);
    const down = { kind: 'status', status: 503, code: 'SlowDown' } as const;
    server.faults.add({ match: { bucket: 'later', operation: 'HeadObject' }, fault: down, times: 100 });
    server.faults.add({ match: { bucket: 'later', operation: 'GetObject' }, fault: down, times: 100 });
    await expect(later.remove(KEY)).rejects.toMatchObject({ code: 'storage_unreachable' });
  });
});

describe('several uploads on one memory', () => {
  it('all end, though there is room for two parts only', async () => {
    const keys = Array.from({ length: 5 }, (_, index) => `parallel/${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, chunked(randomBytes(LARGE)), options())));
    expect(server.objects(BUCKET).map((object) => object.bytes)).toEqual(keys.map(() => LARGE));
  });

  it('go on after one of them failed', async () => {
    server.faults.add({
      match: { key: 'parallel/0', operation: 'UploadPart' },
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    const outcomes = await Promise.allSettled(
      [0, 1, 2].map((index) => bucket.put(`parallel/${index}`, chunked(randomBytes(LARGE)), options())),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(server.uploads(BUCKET)).toEqual([]);
  });
});
