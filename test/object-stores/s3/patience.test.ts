import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type DevBucket,
  type Fault,
  type OperationName,
  startDevBucket,
} from '../../../dev/bucket/server.ts';
import { readBack } from '../../../src/backups/read-back.ts';
import { createLog } from '../../../src/log.ts';
import { readConfig } from '../../../src/node/read-config.ts';
import type { PutOptions } from '../../../src/object-stores/object-store.ts';
import type { MeteredRequest } from '../../../src/object-stores/storage-meter.ts';
import { createServices } from '../../../src/services.ts';
import { chunked, options } from '../../contracts/object-store.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const MIB = 2 ** 20;
const LARGE = 12 * MIB + 77;
const BUCKET = 'backups';
const KEY = "prod/ä+b 😀 'q'/dump.sql";
const ACCESS = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };
const SLOW_DOWN: Fault = { kind: 'status', status: 503, code: 'SlowDown' };
/** Many more than the tries of a request that somebody waits for. */
const MANY = 30;

let folder: string;
let server: DevBucket;
const opened: OpenedS3[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patience-'));
  server = await startDevBucket({ folder, keys: [ACCESS], buckets: [BUCKET] });
});
afterEach(async () => {
  server.faults.clear();
  const bucket = open(0).s3.bucket(BUCKET);
  for (const { key } of server.objects(BUCKET)) await bucket.remove(key);
  for (const { key, uploadId } of server.uploads(BUCKET)) await bucket.abortUpload(key, uploadId);
  for (const one of opened.splice(0)) await one.close();
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

function open(patienceMs: number): OpenedS3 {
  const one = openTestS3({
    endpoint: server.endpoint,
    region: server.region,
    ca: server.caPem ?? undefined,
    ...ACCESS,
    memoryBytes: 10 * MIB,
    tuning: { patienceMs, retryCapMs: 10, settleBaseMs: 5, settleCapMs: 10 },
  });
  opened.push(one);
  return one;
}

const put = (patienceMs: number, bytes: number, overrides: Partial<PutOptions> = {}) =>
  open(patienceMs)
    .s3.bucket(BUCKET)
    .put(KEY, chunked(randomBytes(bytes)), options(overrides));

const BY_SIZE: readonly (readonly [OperationName, number])[] = [
  ['CreateMultipartUpload', LARGE],
  ['UploadPart', LARGE],
  ['CompleteMultipartUpload', LARGE],
  ['PutObject', 1000],
];

describe('a storage that sheds load for longer than a few tries', () => {
  for (const [operation, bytes] of BY_SIZE) {
    it.each<Fault>([SLOW_DOWN, { kind: 'status', status: 500, code: 'InternalError' }, { kind: 'reset' }])(
      `is waited for at ${operation} while a dump waits: %j`,
      async (fault) => {
        server.faults.add({ match: { operation, key: KEY }, times: MANY, fault });
        const stored = await put(600_000, bytes);
        expect(stored.bytes).toBe(bytes);
        expect(server.objects(BUCKET).map((object) => object.bytes)).toEqual([bytes]);
        expect(server.uploads(BUCKET)).toEqual([]);
      },
    );

    it(`is given up at ${operation} when the patience is over, which is said, and nothing stays`, async () => {
      server.faults.add({ match: { operation }, times: Number.POSITIVE_INFINITY, fault: SLOW_DOWN });
      await expect(put(100, bytes)).rejects.toMatchObject({
        code: 'storage_unreachable',
        message: expect.stringMatching(/503 SlowDown.*STORAGE_PATIENCE/),
      });
      expect(server.objects(BUCKET)).toEqual([]);
      expect(server.uploads(BUCKET)).toEqual([]);
    });
  }

  it.each([1000, LARGE])('is waited for before anything of a dump of %i bytes is stored', async (bytes) => {
    const before = server.faults.hits().length;
    server.faults.add({ match: {}, times: MANY, fault: SLOW_DOWN });
    expect(await put(600_000, bytes)).toMatchObject({ bytes });
    expect(server.faults.hits()).toHaveLength(before + MANY);
  });

  it('is given up when the patience is over before anything is stored, which is said', async () => {
    server.faults.add({ match: {}, times: Number.POSITIVE_INFINITY, fault: SLOW_DOWN });
    await expect(put(100, 1000)).rejects.toMatchObject({
      code: 'storage_unreachable',
      details: { operation: 'HeadObject' },
      message: expect.stringMatching(/503.*STORAGE_PATIENCE/),
    });
  });

  it.each(BY_SIZE)('is left at once at %s when the run is cancelled', async (operation, bytes) => {
    server.faults.add({ match: { operation }, times: Number.POSITIVE_INFINITY, fault: SLOW_DOWN });
    const cancel = new AbortController();
    const before = server.faults.hits().length;
    const one = openTestS3({
      endpoint: server.endpoint,
      region: server.region,
      ca: server.caPem ?? undefined,
      ...ACCESS,
      memoryBytes: 10 * MIB,
      // As in production: a pause would outlast the test.
      tuning: {
        patienceMs: 600_000,
        retryBaseMs: 600_000,
        retryCapMs: 600_000,
        settleBaseMs: operation === 'CompleteMultipartUpload' ? 60_000 : 5,
        settleCapMs: 60_000,
      },
    });
    opened.push(one);
    const storing = one.s3
      .bucket(BUCKET)
      .put(KEY, chunked(randomBytes(bytes)), options({ signal: cancel.signal }));
    const outcome = storing.then(
      () => null,
      (error: unknown) => error,
    );
    await expect.poll(() => server.faults.hits().length).toBeGreaterThan(before);
    cancel.abort();
    const error = await outcome;
    // A Complete that failed may have been done: it is asked about later, never removed blindly.
    const code = operation === 'CompleteMultipartUpload' ? 'storage_uncertain' : 'cancelled';
    expect(error).toMatchObject({ code });
  });

  it.each(['HeadObject', 'GetObject'] as const)(
    'is waited for at %s when the whole backup is stored and read back',
    async (operation) => {
      const content = randomBytes(1000);
      const bucket = open(600_000).s3.bucket(BUCKET);
      const { token, ...rest } = options({});
      await bucket.put(KEY, chunked(content), { token, ...rest });
      server.faults.add({ match: { operation }, times: MANY, fault: SLOW_DOWN });
      const expected = { bytes: 1000, token, versionId: null, firstByte: content[0] ?? null };
      await readBack(bucket, KEY, expected, new AbortController().signal, { isPatient: true });
    },
  );

  it('is not waited for where somebody waits for an answer', async () => {
    server.faults.add({ match: {}, times: Number.POSITIVE_INFINITY, fault: SLOW_DOWN });
    const before = server.requests.length;
    await expect(open(600_000).s3.listBuckets()).rejects.toMatchObject({ code: 'storage_unreachable' });
    expect(server.requests.length - before).toBe(4);
  });
});

it('is read back again where the connection breaks within the answer', async () => {
  const bucket = open(1000).s3.bucket(BUCKET);
  await bucket.put(KEY, chunked(randomBytes(1000)), options());
  server.faults.add({ match: { operation: 'GetObject' }, times: 1, fault: { kind: 'truncate', bytes: 0 } });
  const expected = { bytes: 1000, token: options().token, versionId: null };
  await readBack(bucket, KEY, expected, new AbortController().signal, { isPatient: true });
});

describe('a request whose caller gave it a time', () => {
  const isUnanswered = (networkCode: string) =>
    expect.objectContaining({
      code: 'storage_unreachable',
      message: expect.stringContaining(
        `in bucket ${BUCKET} at ${new URL(server.endpoint).host}: no answer from`,
      ),
      details: expect.objectContaining({ networkCode }),
    });

  it('says what was asked and that nobody answered, not that it was cancelled', async () => {
    server.faults.add({ match: { operation: 'DeleteObject' }, fault: { kind: 'hang' } });
    const removed = open(0)
      .s3.bucket(BUCKET)
      .remove(KEY, { signal: AbortSignal.timeout(200) });
    await expect(removed).rejects.toEqual(isUnanswered('timeout'));
  });

  it('says what the storage answered last, where the time ends between two tries', async () => {
    server.faults.add({ match: { operation: 'DeleteObject' }, times: MANY ** 3, fault: SLOW_DOWN });
    const time = new AbortController();
    const timeUp = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    const one = openTestS3({
      ...{ endpoint: server.endpoint, region: server.region, ca: server.caPem ?? undefined },
      ...ACCESS,
      memoryBytes: 10 * MIB,
      tuning: { attempts: MANY ** 3, retryBaseMs: 60_000, retryCapMs: 60_000 },
      // As `AbortSignal.timeout` ends it, once there was an answer: told right before the pause.
      meter: { sent: () => {}, retried: () => void setImmediate(() => time.abort(timeUp)) },
    });
    opened.push(one);
    const removed = one.s3.bucket(BUCKET).remove(KEY, { signal: time.signal });
    await expect(removed).rejects.toMatchObject({ code: 'storage_unreachable', details: { status: 503 } });
  });

  it('is cancelled where its caller goes', async () => {
    server.faults.add({ match: { operation: 'DeleteObject' }, fault: { kind: 'hang' } });
    const gone = new AbortController();
    const removed = open(0).s3.bucket(BUCKET).remove(KEY, { signal: gone.signal });
    gone.abort();
    await expect(removed).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a meter', () => {
  it('is told of every try by its status, and of what is sent again', async () => {
    const sent: MeteredRequest[] = [];
    const retried: MeteredRequest[] = [];
    const one = openTestS3({
      ...{ endpoint: server.endpoint, region: server.region, ca: server.caPem ?? undefined, ...ACCESS },
      meter: {
        sent: (request, seconds) => {
          expect(seconds).toBeGreaterThan(0);
          sent.push(request);
        },
        retried: (request) => retried.push(request),
      },
    });
    opened.push(one);
    server.faults.add({ match: { operation: 'PutObject', key: KEY }, times: 2, fault: SLOW_DOWN });
    await one.s3.bucket(BUCKET).put(KEY, chunked(randomBytes(1000)), options({}));
    const request = (status: string) => ({ provider: 'other', operation: 'PutObject', status });
    expect(sent.filter(({ operation }) => operation === 'PutObject')).toEqual(
      ['503', '503', '200'].map(request),
    );
    expect(retried).toEqual(['503', '503'].map(request));
  });
});

it.each([
  ['10s', 10_000],
  ['12h', 12 * 3_600_000],
  [undefined, 600_000],
])('STORAGE_PATIENCE %j sets the patience of every storage that is opened', async (text, patienceMs) => {
  const env = { DATA_DIR: join(folder, `data ${text}`), ...(text && { STORAGE_PATIENCE: text }) };
  const log = createLog(
    'error',
    () => {},
    () => new Date(),
  );
  const services = await createServices(readConfig(env), { log, version: 'test' });
  try {
    const settings = { endpoint: server.endpoint, region: server.region, ...ACCESS };
    expect(services.openS3(settings).connection.tuning.patienceMs).toBe(patienceMs);
  } finally {
    await services.close();
  }
});
