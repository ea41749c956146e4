import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { createWorker } from '../../src/runs/worker.ts';
import { askDeepTest, deepTestAgain, deepTestIfDue, runningDeepTest } from '../../src/storage/deep-test.ts';
import { createDeepTestKind, type DeepTestLimits } from '../../src/storage/deep-test-kind.ts';
import { lastDeepTest } from '../../src/storage/deep-test-results.ts';
import { chunked, options } from '../contracts/object-store.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { until } from '../support/until.ts';

const FULL = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret-scoped-secret-scoped-00001' };
const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => `${name}-bucket`);
const DAY_MS = 86_400_000;

let folder: string;
let store: DevBucket;
let app: TestApp;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'probe-'));
  const keys = [FULL, { ...SCOPED, buckets: ['one-bucket', 'two-bucket'] }];
  store = await startDevBucket({ folder, keys, buckets: NAMES });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});
const open = async (probeLimits: DeepTestLimits = {}) => {
  app = await openTestApp({ ca: store.caPem ?? '', probeLimits });
};
beforeEach(() => open());
afterEach(async () => {
  store.faults.clear();
  const rows = await app.services.db.selectFrom('storage_probes').selectAll().execute();
  expect(JSON.stringify([app.log, rows])).not.toMatch(
    /full-secret|scoped-secret|FULLKEY|SCOPEDKEY|X-Amz-Signature/,
  );
  expect(NAMES.flatMap((name) => [...store.objects(name), ...store.uploads(name)])).toEqual([]);
  await app.close();
});

const PATH = '/api/settings/spaces';
const save = (body: object = {}) =>
  app.call('PUT', PATH, {
    body: { ...FULL, region: store.region, endpoint: store.endpoint.replace('https://', ''), ...body },
  });
const deep = (token = app.tokens.admin) => app.call('POST', `${PATH}/test`, { token, body: { deep: true } });
const last = () => app.call('GET', `${PATH}/probe`, { token: app.tokens.viewer });
const named = (body: { probe: { buckets: { bucket: string }[] } }) =>
  body.probe.buckets.map(({ bucket }) => bucket);

async function useBucket(bucket: string, prefix: string): Promise<void> {
  const made = await app.call('POST', '/api/environments', { body: { name: `for ${bucket}` } });
  const database = {
    name: 'app',
    type: 'postgres',
    host: 'db',
    databaseName: 'app',
    backupStorageType: 'spaces',
    backupSpacesBucket: bucket,
    backupSpacesPrefix: prefix,
  };
  const { status } = await app.call('POST', `/api/environments/${made.body.environment.id}/databases`, {
    body: database,
  });
  expect(status).toBe(200);
}

describe('the deep test', () => {
  it('is for admins alone, while any role may run the plain one', async () => {
    await save();
    for (const role of ['viewer', 'operator'] as const) {
      const { status, body } = await deep(app.tokens[role]);
      expect([status, body.message]).toEqual([403, 'Admin access required']);
      const plain = await app.call('POST', `${PATH}/test`, {
        token: app.tokens[role],
        body: { deep: false },
      });
      expect(plain.body.success).toBe(true);
    }
    expect((await last()).body).toEqual({ running: null, probe: null });
  });

  it('says that nothing is configured', async () => {
    expect((await deep()).body.message).toBe('Spaces not configured');
    await save();
    expect((await deep()).status).toBe(200);
  });

  it('tries at most five buckets of a full key, and keeps what it found', async () => {
    await save();
    const { status, body } = await deep();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      message: 'Deep test: 5/5 buckets do all that backups need.',
      probe: { source: 'discovered', cause: 'asked', problems: [], lost: [] },
    });
    expect(named(body)).toHaveLength(5);
    expect((await last()).body).toEqual({ running: null, probe: body.probe });
  });

  it('tries the buckets in use, where there are some', async () => {
    await save();
    await useBucket('six-bucket', 'production/app/');
    const { body } = await deep();
    expect([body.probe.source, named(body)]).toEqual(['in use', ['six-bucket']]);
  });

  it('tries the named buckets with a scoped key, and says which it can not use', async () => {
    await save({ ...SCOPED, buckets: ['one-bucket', 'three-bucket'] });
    const { status, body } = await deep();
    expect(status).toBe(400);
    expect(body).toMatchObject({
      success: false,
      message: 'Deep test: 1/2 buckets do all that backups need.',
      buckets: ['one-bucket'],
    });
    expect(body.probe.buckets[1].checks[0]).toMatchObject({ id: 'put', outcome: 'failed' });
  });

  it('asks for names where the key may not list and nothing is in use', async () => {
    await save(SCOPED);
    const { status, body } = await deep();
    expect(status).toBe(400);
    expect(body.message).toContain('This appears to be a bucket-scoped key.');
    await useBucket('two-bucket', 'production/app/');
    expect(named((await deep()).body)).toEqual(['two-bucket']);
  });

  it('runs once at a time, and tells how far it is', async () => {
    await save({ buckets: ['one-bucket'] });
    let release = () => {};
    const until_ = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.faults.add({
      match: { operation: 'CreateMultipartUpload' },
      fault: { kind: 'hold', until: until_ },
    });
    const first = deep();
    await until(
      'the deep test to upload',
      60_000,
      async () => (await runningDeepTest(app.services.db))?.done === 2,
    );
    expect((await last()).body.running).toMatchObject({ bucket: 'one-bucket', done: 2, steps: 5 });
    const second = await deep();
    expect([second.status, second.body.message]).toEqual([409, expect.stringContaining('running already')]);
    release();
    expect((await first).status).toBe(200);
    expect((await last()).body.running).toBeNull();
  });

  it('warns of what worked before and does not any more', async () => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    store.faults.add({
      match: { operation: 'CreateMultipartUpload' },
      fault: { kind: 'lose-metadata' },
      times: Number.POSITIVE_INFINITY,
    });
    const { body } = await deep();
    expect(body.probe.lost).toEqual([
      expect.stringMatching(/^Bucket one-bucket: "Keep the token" worked at 2/),
    ]);
    expect(app.log.filter((entry) => entry.includes('has lost a capability'))).toHaveLength(1);
    store.faults.clear();
    expect((await deep()).body.probe.lost).toEqual([]);
  });

  it('keeps the last ten results', async () => {
    await save({ buckets: ['one-bucket'] });
    const { body } = await deep();
    const [row] = await app.services.db.selectFrom('storage_probes').selectAll().execute();
    if (row === undefined) throw new Error('nothing is stored');
    const older = Array.from({ length: 12 }, (_, index) => ({
      ...row,
      id: `old-${index}`,
      finished_at: `2020-01-01T00:00:${10 + index}.000Z`,
    }));
    await app.services.db.insertInto('storage_probes').values(older).execute();
    await deep();
    const kept = await app.services.db.selectFrom('storage_probes').select('id').execute();
    expect(kept).toHaveLength(10);
    expect(kept.map(({ id }) => id)).toContain(body.probe.id);
  });
});

describe('an upload', () => {
  /** An object that somebody else stores while our PUT is on its way. */
  async function putBeside(): Promise<unknown> {
    const place = { endpoint: store.endpoint, region: store.region, bucket: 'one-bucket' };
    const opened = await app.services.openPlace(place);
    const other = await app.services.openPlace(place);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = store.faults.hits().length;
    store.faults.add({ match: { operation: 'PutObject' }, fault: { kind: 'hold', until: released } });
    const ours = opened.store
      .put('taken', chunked(new Uint8Array(10)), options())
      .catch((error: unknown) => error);
    await until('our PUT', 60_000, () => store.faults.hits().length > before);
    await other.store.put('taken', chunked(new Uint8Array(20)), options());
    release();
    const outcome = await ours;
    const [kept] = store.objects('one-bucket');
    await other.store.remove('taken');
    expect(kept?.bytes).toBe(outcome instanceof Error ? 20 : 10);
    return outcome;
  }

  it('refuses to overwrite where a deep test has proven that the storage can', async () => {
    await save({ buckets: ['one-bucket'] });
    expect(await putBeside()).not.toBeInstanceOf(Error);
    await deep();
    expect(await putBeside()).toMatchObject({ code: 'storage_exists' });
  });
});

describe('a storage that is too slow', () => {
  it('does not hold the test for ever while it looks for buckets', async () => {
    await app.close();
    await open({ findingMs: 1_500 });
    await save();
    store.faults.add({ match: { operation: 'ListBuckets' }, fault: { kind: 'slow', bytesPerSecond: 1 } });
    const { body } = await deep();
    expect(body.probe).toMatchObject({
      buckets: [],
      problems: [
        expect.stringMatching(/^Finding the buckets took longer than 1\.5 seconds .* at ListBuckets/),
      ],
    });
  });

  it('is kept as a result, with what was found before the time was up', async () => {
    await app.close();
    await open({ limitMs: 10_000 });
    await save({ buckets: ['one-bucket', 'two-bucket'] });
    store.faults.add({
      match: { operation: 'UploadPart', bucket: 'one-bucket' },
      fault: { kind: 'slow', bytesPerSecond: 1 },
    });
    await deep();
    const kept = await lastDeepTest(app.services.db);
    const outcomes = kept?.buckets.map(({ checks }) => checks.find(({ id }) => id === 'multipart')?.outcome);
    expect(outcomes).toEqual(['failed', 'ok']);
    expect(kept?.problems).toEqual([]);
  });
});

describe('a deep test that nobody asked for', () => {
  it('runs again after a change of the settings, once there was one', async () => {
    await save({ buckets: ['one-bucket'] });
    expect(await runningDeepTest(app.services.db)).toBeNull();
    await deep();
    await save({ buckets: ['two-bucket'] });
    const found = await until('the deep test', 60_000, async () => {
      const found = await lastDeepTest(app.services.db);
      return found?.cause === 'credentials' ? found : undefined;
    });
    expect(found.buckets.map(({ bucket }) => bucket)).toEqual(['two-bucket']);
  });

  it('runs after a change of credentials, and again for a change made meanwhile', async () => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = store.faults.hits().length;
    store.faults.add({ match: { operation: 'PutObject' }, fault: { kind: 'hold', until: held } });
    await deepTestAgain(app.services);
    await until('the deep test to wait', 60_000, () => store.faults.hits().length > reached);
    // Two changes meanwhile are tried once.
    await deepTestAgain(app.services);
    await deepTestAgain(app.services);
    release();
    const count = async () =>
      (await app.services.db.selectFrom('storage_probes').selectAll().execute()).length;
    await until('two more deep tests', 60_000, async () => (await count()) === 3);
    await until('nothing to wait', 60_000, async () => (await runningDeepTest(app.services.db)) === null);
    expect(await count()).toBe(3);
    expect((await lastDeepTest(app.services.db))?.cause).toBe('credentials');
  });

  it('is ended by a stop, removes what it made, and is begun again by the next start', async () => {
    await save({ buckets: ['one-bucket'] });
    const reached = store.faults.hits().length;
    store.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang' } });
    await askDeepTest(app.services, 'asked');
    await until('the deep test to hang', 60_000, () => store.faults.hits().length > reached);
    await app.worker.stop(10_000);
    expect(await runningDeepTest(app.services.db)).toMatchObject({ bucket: null, done: 0 });
    expect(await lastDeepTest(app.services.db)).toBeNull();
    expect([...store.objects('one-bucket'), ...store.uploads('one-bucket')]).toEqual([]);
    store.faults.clear();
    const next = anotherWorker();
    next.start();
    await until('its result', 60_000, async () => (await lastDeepTest(app.services.db)) !== null);
    await next.stop(10_000);
  });

  it('does not hold up a stop while the storage is silent', async () => {
    await save({ buckets: ['one-bucket'] });
    const reached = store.faults.hits().length;
    let release = () => {};
    const until_ = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.faults.add({
      match: { operation: ['CreateMultipartUpload', 'ListObjectVersions'] },
      fault: { kind: 'hold', until: until_ },
      times: Number.POSITIVE_INFINITY,
    });
    await askDeepTest(app.services, 'asked');
    await until('the deep test to wait', 60_000, () => store.faults.hits().length > reached);
    await app.worker.stop(50);
    const { state } = await onlyRun();
    expect(state).toBe('running');
    release();
    await until('the deep test to end', 60_000, async () => (await onlyRun()).state === 'pending');
  });

  it('that its app did not survive is begun again, twice at most', async () => {
    await save({ buckets: ['one-bucket'] });
    const { db } = app.services;
    await app.worker.stop(1_000);
    await askDeepTest(app.services, 'asked');
    const over = new Date(Date.now() - 1_000).toISOString();
    const killed = { state: 'running', claimed_by: 'a process that is gone', lease_until: over } as const;
    await db
      .updateTable('runs')
      .set({ ...killed, attempts: 2 })
      .execute();
    const second = anotherWorker();
    second.start();
    await until('its result', 60_000, async () => (await lastDeepTest(db)) !== null);
    await second.stop(10_000);
    expect(await onlyRun()).toMatchObject({ state: 'completed', attempts: 3, progress: 100 });

    await db.updateTable('runs').set(killed).execute();
    const third = anotherWorker();
    third.start();
    await until('it to be given up', 60_000, async () => (await onlyRun()).state === 'interrupted');
    await third.stop(10_000);
  });

  it('that was cancelled where its app is gone is not begun again', async () => {
    await save({ buckets: ['one-bucket'] });
    const { db } = app.services;
    await app.worker.stop(1_000);
    await askDeepTest(app.services, 'asked');
    const over = new Date(Date.now() - 1_000).toISOString();
    await db
      .updateTable('runs')
      .set({
        state: 'running',
        claimed_by: 'gone',
        lease_until: over,
        attempts: 1,
        cancel_requested_at: over,
      })
      .execute();
    const next = anotherWorker();
    next.start();
    await until('it to be ended', 60_000, async () => (await onlyRun()).state !== 'running');
    await next.stop(10_000);
    expect(await onlyRun()).toMatchObject({
      state: 'cancelled',
      error: expect.stringContaining('cancelled'),
    });
    expect(await lastDeepTest(db)).toBeNull();
  });

  it('forgets a result that another version has written', async () => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    await app.services.db.updateTable('storage_probes').set({ result: '{"buckets":"other"}' }).execute();
    expect(await lastDeepTest(app.services.db)).toBeNull();
    const place = { endpoint: store.endpoint, region: store.region, bucket: 'one-bucket' };
    expect(await (await app.services.openPlace(place)).store.head('nothing')).toBeNull();
    expect((await deep()).body.probe.lost).toEqual([]);
  });

  /** One that is due then, to its result. */
  async function weekly(now: () => Date): Promise<void> {
    expect(await deepTestIfDue({ ...app.services, now })).not.toBeNull();
    await until('the result', 60_000, async () => (await lastDeepTest(app.services.db))?.cause === 'weekly');
  }

  const onlyRun = () => app.services.db.selectFrom('runs').selectAll().executeTakeFirstOrThrow();

  function anotherWorker() {
    const kinds = { deep_test: createDeepTestKind(app.services) };
    return createWorker(app.services, kinds, {
      limits: async () => ({ total: 1, perServer: 1 }),
      isAlone: true,
    });
  }

  it('runs a week after the last one, of the same storage', async () => {
    await save({ buckets: ['one-bucket'] });
    expect(await deepTestIfDue(app.services)).toBeNull();
    await deep();
    expect(await deepTestIfDue(app.services)).toBeNull();
    const now = new Date(Date.now() + 7 * DAY_MS + 1000);
    await weekly(() => now);
    await app.services.db
      .updateTable('spaces_config')
      .set({ endpoint: 'https://elsewhere.example.com' })
      .execute();
    const later = new Date(now.getTime() + 8 * DAY_MS);
    expect(await deepTestIfDue({ ...app.services, now: () => later })).toBeNull();
  });

  it('runs where the last one is of a clock that was ahead, whose place its result takes', async () => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    const { db } = app.services;
    const ahead = new Date(Date.now() + 400 * DAY_MS).toISOString();
    await db.updateTable('storage_probes').set({ started_at: ahead, finished_at: ahead }).execute();
    await weekly(() => new Date());
    expect(await deepTestIfDue(app.services)).toBeNull();
    expect(await db.selectFrom('storage_probes').select('cause').execute()).toEqual([{ cause: 'weekly' }]);
  });

  it('waits until object lock lets go of what the last one stored', async () => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    const { db } = app.services;
    const row = await db.selectFrom('storage_probes').selectAll().executeTakeFirstOrThrow();
    const result = JSON.parse(row.result);
    const until = new Date(Date.now() + 30 * DAY_MS).toISOString();
    result.buckets[0].left = [{ kind: 'object', key: 'a', versionId: 'v', reason: 'locked', until }];
    await db
      .updateTable('storage_probes')
      .set({ result: JSON.stringify(result) })
      .execute();
    const inDays = (days: number) => () => new Date(Date.now() + days * DAY_MS);
    expect(await deepTestIfDue({ ...app.services, now: inDays(8) })).toBeNull();
    await weekly(inDays(31));
  });

  it.each([
    ['Wasabi, which charges for 90 days', 'https://s3.eu-central-1.wasabisys.com', null],
    ['a class for rare access', null, 'STANDARD_IA'],
  ])('does not run by itself with %s', async (_, endpoint, storageClass) => {
    await save({ buckets: ['one-bucket'] });
    await deep();
    const { db } = app.services;
    const row = await db.selectFrom('storage_probes').selectAll().executeTakeFirstOrThrow();
    const result = JSON.parse(row.result);
    if (storageClass !== null) result.buckets[0].storageClass = storageClass;
    const place = endpoint ?? row.endpoint;
    await db
      .updateTable('storage_probes')
      .set({ endpoint: place, result: JSON.stringify({ ...result, endpoint: place }) })
      .execute();
    await db.updateTable('spaces_config').set({ endpoint: place }).execute();
    const now = new Date(Date.now() + 8 * DAY_MS);
    expect(await deepTestIfDue({ ...app.services, now: () => now })).toBeNull();
  });
});
