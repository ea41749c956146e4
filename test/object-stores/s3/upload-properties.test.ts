import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, type Fault, startDevBucket } from '../../../dev/bucket/server.ts';
import { isAppError } from '../../../src/errors.ts';
import type { S3Bucket } from '../../../src/object-stores/s3/s3.ts';
import { leftoverOf } from '../../../src/object-stores/store-failure.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const MIB = 2 ** 20;
const BUCKET = 'backups';
const ACCESS = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };
/** Five times smaller than S3 allows, so that five times as many cases are tried in the same time. */
const PART = MIB;

let folder: string;
let server: DevBucket;
let opened: OpenedS3;
let bucket: S3Bucket;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'properties-'));
  server = await startDevBucket({
    folder,
    tls: false,
    keys: [ACCESS],
    buckets: [BUCKET],
    limits: { smallestPartBytes: PART },
  });
  const { endpoint, region } = server;
  opened = openTestS3({
    endpoint,
    region,
    ...ACCESS,
    memoryBytes: 10 * MIB,
    tuning: { usualPartBytes: PART },
  });
  bucket = opened.s3.bucket(BUCKET);
});
afterAll(async () => {
  await opened?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Repeatable bytes: the same seed gives the same content. */
function bytesOf(length: number, seed: number): Buffer {
  const content = Buffer.alloc(length);
  let state = seed | 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    content.writeInt32LE(state, at);
  }
  return content;
}

/** Sizes around the borders of parts, where mistakes live. */
const SIZE = fc.oneof(
  fc.constantFrom(0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1),
  fc.integer({ min: 0, max: 3 * PART }),
);

describe('an upload', () => {
  it('stores the same object, however its stream is chunked', async () => {
    await fc.assert(
      fc.asyncProperty(
        SIZE,
        fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 2 * PART })), {
          maxLength: 12,
        }),
        fc.integer(),
        async (length, cuts, seed) => {
          const key = `chunking/${crypto.randomUUID()}`;
          const content = bytesOf(length, seed);
          async function* body() {
            let at = 0;
            for (const cut of cuts) {
              yield content.subarray(at, at + cut);
              at = Math.min(length, at + cut);
            }
            yield content.subarray(at);
          }
          const stored = await bucket.put(key, body(), options());
          expect(stored.bytes).toBe(length);
          expect(content.equals(await collect(await bucket.get(key)))).toBe(true);
          expect(server.uploads(BUCKET)).toEqual([]);
          await bucket.remove(key);
        },
      ),
      { numRuns: 25, interruptAfterTimeLimit: 25_000, markInterruptAsFailure: false },
    );
  });

  it('is sealed or absent, whatever a single request meets', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1_000, PART + 77, 2 * PART + 77),
        fc.integer({ min: 0, max: 9 }),
        fc.constantFrom<Fault>(
          { kind: 'reset' },
          { kind: 'reset-after' },
          { kind: 'status', status: 500, code: 'InternalError' },
          { kind: 'status', status: 503, code: 'SlowDown' },
          { kind: 'status', status: 403, code: 'AccessDenied' },
          { kind: 'status', status: 400, code: 'InvalidPart' },
          { kind: 'status', status: 400, code: 'RequestRateLimitExceeded' },
          { kind: 'status', status: 404, code: 'NoSuchUpload' },
          { kind: 'status-after', status: 500, code: 'InternalError' },
          { kind: 'status-after', status: 503, code: 'SlowDown' },
          { kind: 'error-in-200', code: 'InternalError' },
          { kind: 'garbage' },
          { kind: 'truncate', bytes: 20 },
          { kind: 'lose-upload' },
          { kind: 'skew', ms: 3_600_000 },
        ),
        async (length, skip, fault) => {
          const key = `faults/${crypto.randomUUID()}`;
          const content = bytesOf(length, length + skip);
          server.faults.add({ match: { key }, skip, fault });
          const error = await bucket.put(key, chunked(content), options()).then(
            () => null,
            (caught: unknown) => caught,
          );
          server.faults.clear();
          const objects = server.objects(BUCKET).filter((object) => object.key === key);
          if (objects.length > 0) {
            expect(content.equals(await collect(await bucket.get(key)))).toBe(true);
          }
          const uploads = server.uploads(BUCKET).filter((upload) => upload.key === key);
          if (error === null) {
            expect([objects.length, uploads]).toEqual([1, []]);
          } else {
            await expectAbsentOrTold(error, { objects: objects.length, uploads: uploads.length });
          }
          await bucket.remove(key);
          for (const { uploadId } of uploads) await bucket.abortUpload(key, uploadId);
        },
      ),
      { numRuns: 120, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
    );
  });

  it('takes one request for each part and at most five others, so at most 64 + 5 for a GiB in 16 MiB parts', async () => {
    const from = server.requests.length;
    const parts = 20;
    await bucket.put('requests', chunked(bytesOf(parts * PART, 1)), options());
    // A property that ran out of time may still be at its last case.
    const own = server.requests.slice(from).filter(({ key }) => key === 'requests');
    const operations = own.map(({ operation }) => operation);
    const uploads = operations.filter((operation) => operation === 'UploadPart').length;
    expect(uploads).toBe(parts);
    expect(operations.length - uploads).toBeLessThanOrEqual(5);
    await bucket.remove('requests');
  });
});

/** A failure leaves nothing, or says what it may have left. */
async function expectAbsentOrTold(
  error: unknown,
  left: { readonly objects: number; readonly uploads: number },
): Promise<void> {
  if (!isAppError(error)) throw error;
  const isTold = error.code === 'storage_uncertain' || leftoverOf(error) !== undefined;
  if (!isTold) expect(left).toEqual({ objects: 0, uploads: 0 });
}
