import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, type Fault, type FaultMatch, startDevBucket } from '../../../dev/bucket/server.ts';
import { deepTestBucket } from '../../../src/object-stores/deep-test/deep-test.ts';
import { type CheckId, isSound, type TestedBucket } from '../../../src/object-stores/deep-test/result.ts';
import { chunked, options } from '../../contracts/object-store.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';
import { until } from '../../support/until.ts';

const OWNER = { accessKey: 'owner', secretKey: 'owner-secret' };
const SCOPED = { accessKey: 'scoped', secretKey: 'scoped-secret', buckets: ['plain'] };

let folder: string;
let store: DevBucket;
let opened: OpenedS3;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'probe-'));
  store = await startDevBucket({
    folder,
    keys: [OWNER, SCOPED],
    buckets: ['plain', 'versioned'],
    versioned: ['versioned'],
  });
  opened = openTestS3({ ...store, ...OWNER, ca: store.caPem ?? '' });
});
afterEach(() => store.faults.clear());
afterAll(async () => {
  await opened.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const probe = (bucket: string, more: Partial<Parameters<typeof deepTestBucket>[2]> = {}) =>
  deepTestBucket(opened.s3.connection, bucket, {
    prefixes: [],
    signal: AbortSignal.timeout(60_000),
    ...more,
  });

/** Objects with every version and delete marker, and unfinished uploads. */
async function stored(bucket: string): Promise<readonly string[]> {
  const { listVersions } = await import('../../../src/object-stores/deep-test/list-page.ts');
  const place = { connection: opened.s3.connection, bucket };
  const versions = await listVersions(place, AbortSignal.timeout(60_000), '');
  return [...versions.map(({ key }) => key), ...store.uploads(bucket).map(({ key }) => key)];
}

/** An upload that somebody else began. */
async function begin(key: string): Promise<string> {
  const { createUpload } = await import('../../../src/object-stores/s3/create-upload.ts');
  return createUpload(opened.s3.connection, { bucket: 'plain', key }, options());
}

const outcomes = (result: TestedBucket) =>
  Object.fromEntries(result.checks.map(({ id, outcome }) => [id, outcome]));
const said = (result: TestedBucket, id: CheckId) =>
  result.checks.find((check) => check.id === id)?.message ?? '';

const ALL_OK = {
  ...{ put: 'ok', head: 'ok', range: 'ok', conditional: 'ok', list: 'ok', presign: 'ok', delete: 'ok' },
  ...{ multipart: 'ok', readBack: 'ok', metadata: 'ok', abort: 'ok' },
};

describe('the deep test of a bucket', () => {
  it.each(['plain', 'versioned'])(
    'tries everything in a %s bucket, quickly, and leaves nothing',
    async (name) => {
      const steps: string[] = [];
      const result = await probe(name, { onStep: (step) => steps.push(step) });
      expect(outcomes(result)).toEqual(ALL_OK);
      expect(isSound(result)).toBe(true);
      expect(result).toMatchObject({
        versioning: name === 'plain' ? 'off' : 'kept',
        objectLock: null,
        left: [],
      });
      // The clock is this machine's own: none, unless an answer took four seconds, of which half would count.
      const offsetMs = Math.abs(result.clockOffsetMs ?? Number.NaN);
      expect(offsetMs).toSatisfy((ms: number) => ms === 0 || (ms >= 2_000 && ms < 15_000));
      expect(result.uploadBytesPerSecond).toBeGreaterThan(0);
      expect(result.downloadBytesPerSecond).toBeGreaterThan(0);
      expect(result.writtenBytes).toBeLessThanOrEqual(17 * 2 ** 20);
      expect(result.durationMs).toBeLessThan(60_000);
      expect(steps).toHaveLength(5);
      expect(await stored(name)).toEqual([]);
    },
  );

  it('writes no more than it says', async () => {
    const before = store.requests.length;
    const result = await probe('plain');
    const puts = store.requests.slice(before).filter(({ method }) => method === 'PUT');
    expect(puts.length).toBeGreaterThan(4);
    expect(result.writtenBytes).toBeGreaterThan(16 * 2 ** 20);
    expect(puts.every(({ key }) => key?.startsWith('.bridgeport-probe/'))).toBe(true);
  });

  const faults: readonly (readonly [string, CheckId, 'failed' | 'absent', FaultMatch, Fault, RegExp])[] = [
    [
      'a denied PUT',
      'put',
      'failed',
      { operation: 'PutObject' },
      status(403, 'AccessDenied'),
      /403 AccessDenied/,
    ],
    [
      'a wrong size',
      'head',
      'failed',
      { operation: 'HeadObject' },
      headers({ 'content-length': '7' }),
      /HEAD says 7/,
    ],
    [
      'ignored ranges',
      'range',
      'failed',
      { operation: 'GetObject' },
      { kind: 'ignore-range' },
      /asked for bytes/,
    ],
    [
      'a denied list',
      'list',
      'absent',
      { operation: 'ListObjectsV2' },
      status(403, 'AccessDenied'),
      /may not list/,
    ],
    [
      'no parts',
      'multipart',
      'failed',
      { operation: 'CreateMultipartUpload' },
      status(501, 'NotImplemented'),
      /501/,
    ],
    [
      'a lost part',
      'readBack',
      'failed',
      { operation: 'CompleteMultipartUpload' },
      { kind: 'lose-part' },
      /instead of/,
    ],
    [
      'a corrupted part',
      'readBack',
      'failed',
      { operation: 'UploadPart', partNumber: 1 },
      { kind: 'corrupt' },
      /Byte 0/,
    ],
    [
      'a corrupted last part',
      'readBack',
      'failed',
      { operation: 'UploadPart', partNumber: 2 },
      { kind: 'corrupt' },
      /Byte 16777216 /,
    ],
    [
      'a ghost object',
      'readBack',
      'failed',
      { operation: 'CompleteMultipartUpload' },
      { kind: 'ghost' },
      /404/,
    ],
    [
      'an error in a 200',
      'multipart',
      'failed',
      { operation: 'CompleteMultipartUpload' },
      errorIn200(),
      /InternalError/,
    ],
    [
      'lost metadata',
      'metadata',
      'failed',
      { operation: 'CreateMultipartUpload' },
      { kind: 'lose-metadata' },
      /loses/,
    ],
  ];

  it.each(faults)('tells of %s and leaves nothing', async (_, id, outcome, match, fault, message) => {
    store.faults.add({ match, fault, times: Number.POSITIVE_INFINITY });
    const result = await probe('versioned');
    expect(outcomes(result)[id]).toBe(outcome);
    expect(said(result, id)).toMatch(message);
    expect(isSound(result)).toBe(outcome !== 'failed');
    store.faults.clear();
    expect(await stored('versioned')).toEqual([]);
  });

  it('tries a part as large as backups send, so that a proxy’s limit shows', async () => {
    const fault: Fault = { kind: 'proxy-page', status: 413, overBytes: 10 * 2 ** 20 };
    store.faults.add({ match: { operation: 'UploadPart' }, fault, times: Number.POSITIVE_INFINITY });
    const usual = await probe('plain');
    expect(outcomes(usual)['multipart']).toBe('failed');
    expect(said(usual, 'multipart')).toMatch(/413.*proxy.*16 MiB.*client_max_body_size/);
    const large = await probe('plain', { estimatedBytes: 100 * 2 ** 30 });
    expect(said(large, 'multipart')).toMatch(/request body of 21 MiB/);
    expect(await stored('plain')).toEqual([]);
  });

  it('tells of a proxy that changes HEAD', async () => {
    store.faults.add({
      match: { operation: 'HeadObject' },
      fault: status(403, 'SignatureDoesNotMatch'),
      times: Number.POSITIVE_INFINITY,
    });
    const result = await probe('plain');
    expect(said(result, 'head')).toMatch(/HEAD is answered 403, and GET of the same works/);
  });

  it('names the request of the storage that was refused', async () => {
    store.faults.add({ match: { operation: 'PutObject' }, fault: status(403, 'AccessDenied') });
    const [put] = (await probe('plain')).checks;
    expect(put?.requestId).toMatch(/^[0-9A-F]{16}$/);
  });

  it('finds out that If-None-Match is ignored', async () => {
    store.faults.add({
      match: { operation: 'PutObject' },
      skip: 2,
      fault: status(501, 'NotImplemented'),
    });
    const result = await probe('plain');
    expect(outcomes(result)['conditional']).toBe('absent');
    expect(isSound(result)).toBe(true);
  });

  it('tries again what a busy storage refused', async () => {
    store.faults.add({ match: { operation: 'UploadPart' }, fault: status(503, 'SlowDown') });
    store.faults.add({ match: { operation: 'PutObject' }, fault: status(503, 'SlowDown') });
    const result = await probe('plain');
    expect(outcomes(result)).toEqual(ALL_OK);
    expect(await stored('plain')).toEqual([]);
  });

  it('tries a part again whose connection was closed', async () => {
    store.faults.add({ match: { operation: 'UploadPart' }, fault: { kind: 'reset' } });
    const result = await probe('plain');
    expect(outcomes(result)).toEqual(ALL_OK);
    expect(await stored('plain')).toEqual([]);
  });

  it('measures how far the clock of the storage is off, and works all the same', async () => {
    store.faults.add({ match: {}, fault: { kind: 'skew', ms: 3_600_000 }, times: Number.POSITIVE_INFINITY });
    const result = await probe('plain');
    expect(outcomes(result)).toEqual(ALL_OK);
    expect(Math.round((result.clockOffsetMs ?? 0) / 60_000)).toBe(60);
  });

  it('says what stays when nothing may be deleted', async () => {
    for (const operation of ['DeleteObject', 'AbortMultipartUpload'] as const) {
      store.faults.add({
        match: { operation },
        fault: status(403, 'AccessDenied'),
        times: Number.POSITIVE_INFINITY,
      });
    }
    const result = await probe('plain');
    expect(outcomes(result)).toMatchObject({ delete: 'failed', abort: 'failed' });
    expect(result.left.map(({ kind }) => kind).sort()).toEqual([
      'object',
      'object',
      'object',
      'object',
      'upload',
    ]);
    expect(result.left.every(({ reason }) => reason.includes('AccessDenied'))).toBe(true);
    store.faults.clear();
    // An hour later, the next deep test removes it.
    expect((await probe('plain', { leftoverAgeMs: 0 })).removedFromEarlier).toBe(5);
    expect(await stored('plain')).toEqual([]);
  });

  it('does not believe a DELETE and an abort that had no effect', async () => {
    for (const operation of ['DeleteObject', 'AbortMultipartUpload'] as const) {
      store.faults.add({ match: { operation }, fault: { kind: 'pretend' }, times: Number.POSITIVE_INFINITY });
    }
    const result = await probe('plain');
    expect(outcomes(result)).toMatchObject({ delete: 'failed', abort: 'failed' });
    expect(result.left.some(({ reason }) => reason.includes('still lists it'))).toBe(true);
    store.faults.clear();
    await probe('plain', { leftoverAgeMs: 0 });
    expect(await stored('plain')).toEqual([]);
  });

  it('leaves alone what is not an hour old, and everything that is not a deep test’s', async () => {
    const bucket = opened.s3.bucket('versioned');
    const left = `.bridgeport-probe/${crypto.randomUUID()}/a.bin`;
    // Nobody keeps an environment from being called so.
    const backups = ['.bridgeport-probe/app/app.dump', 'production/app.dump'];
    const keys = [left, ...backups].sort();
    for (const key of keys) await bucket.put(key, chunked(new Uint8Array(10)), options());
    expect((await probe('versioned')).removedFromEarlier).toBe(0);
    expect(await stored('versioned')).toEqual(keys);
    expect((await probe('versioned', { leftoverAgeMs: 0 })).removedFromEarlier).toBe(1);
    expect(await stored('versioned')).toEqual(backups);
    const key = backups[0] ?? '';
    await bucket.remove(key, { versionId: (await bucket.head(key))?.versionId ?? null });
  });

  it('removes nothing but its own where a list ignores the prefix, and says that it does', async () => {
    const bucket = opened.s3.bucket('plain');
    await bucket.put('a/backup.sql', chunked(Buffer.from('of others')), options());
    const unfinished = await begin('z/running.sql');
    store.faults.add({
      match: { operation: ['ListObjectVersions', 'ListObjectsV2', 'ListMultipartUploads'] },
      fault: { kind: 'ignore-prefix' },
      times: Number.POSITIVE_INFINITY,
    });
    const result = await probe('plain', { leftoverAgeMs: 0 });
    expect(result.checks.find(({ id }) => id === 'list')).toMatchObject({
      outcome: 'failed',
      message: 'The list ignores the prefix: it holds what does not lie under it.',
    });
    expect(await bucket.head('a/backup.sql')).not.toBeNull();
    expect(await bucket.uploadExists('z/running.sql', unfinished)).toBe(true);
    expect(result.left).toEqual([]);
    await bucket.remove('a/backup.sql');
    await bucket.abortUpload('z/running.sql', unfinished);
    expect(await stored('plain')).toEqual([]);
  });

  it('cleans up when it is cancelled', async () => {
    const abort = new AbortController();
    const reached = store.faults.hits().length;
    store.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang' } });
    const cancelled = probe('versioned', { signal: abort.signal });
    cancelled.catch(() => undefined);
    await until('the Complete', 60_000, () => store.faults.hits().length > reached);
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect((await stored('versioned')).filter((key) => key.startsWith('.bridgeport-probe'))).toEqual([]);
  });

  it('ends in time where the storage drips bytes, says at which step, and leaves nothing', async () => {
    store.faults.add({
      match: { operation: 'GetObject' },
      fault: { kind: 'slow', bytesPerSecond: 1 },
      times: Number.POSITIVE_INFINITY,
    });
    const result = await probe('versioned', { limitMs: 4_000 });
    expect(outcomes(result)).toMatchObject({ put: 'ok', head: 'ok', range: 'failed', presign: 'skipped' });
    expect(result.checks).toHaveLength(Object.keys(ALL_OK).length);
    expect(said(result, 'range')).toBe(
      '"Read a range" did not end. The test of this bucket took longer than 4 seconds and was ended while reading, listing and deleting it: the storage, or something between it and this machine, is too slow.',
    );
    expect(result.durationMs).toBeLessThan(60_000);
    expect(result.left).toEqual([]);
    expect((await stored('versioned')).filter((key) => key.startsWith('.bridgeport-probe'))).toEqual([]);
  });

  it('removes also the first object where its answer never came', async () => {
    store.faults.add({ match: { operation: 'PutObject' }, fault: { kind: 'hang-after' } });
    const result = await probe('plain', { limitMs: 1_500 });
    expect(outcomes(result)).toMatchObject({ put: 'failed', head: 'skipped', abort: 'skipped' });
    expect(said(result, 'put')).toContain('was ended while storing an object');
    expect(await stored('plain')).toEqual([]);
  });

  it('tells what it could not remove in time, and the next one removes it', async () => {
    store.faults.add({
      match: { operation: ['DeleteObject', 'ListObjectVersions', 'ListObjectsV2', 'HeadObject'] },
      skip: 1,
      fault: { kind: 'hang' },
      times: Number.POSITIVE_INFINITY,
    });
    const result = await probe('plain', { limitMs: 4_000, cleanUpMs: 2_000 });
    expect(result.durationMs).toBeLessThan(60_000);
    expect(result.left).toEqual([
      {
        kind: 'object',
        key: `${result.prefix}a.bin`,
        versionId: null,
        reason: expect.stringContaining('Cleaning up took longer than 2 seconds'),
        until: null,
      },
    ]);
    store.faults.clear();
    await probe('plain', { leftoverAgeMs: 0 });
    expect(await stored('plain')).toEqual([]);
  });

  it('is not fooled by a bucket that another key may use', async () => {
    const scoped = openTestS3({ ...store, ...SCOPED, ca: store.caPem ?? '' });
    const [put] = (
      await deepTestBucket(scoped.s3.connection, 'versioned', {
        prefixes: [],
        signal: AbortSignal.timeout(60_000),
      })
    ).checks;
    expect(put).toMatchObject({ id: 'put', outcome: 'failed' });
    await scoped.close();
  });
});

function status(code: number, s3Code: string): Fault {
  return { kind: 'status', status: code, code: s3Code };
}

function headers(values: Readonly<Record<string, string>>): Fault {
  return { kind: 'headers', headers: values };
}

function errorIn200(): Fault {
  return { kind: 'error-in-200', code: 'InternalError' };
}
