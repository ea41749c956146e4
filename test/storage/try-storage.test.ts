import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { write } from '../../src/db/write.ts';
import { createPartMemory } from '../../src/object-stores/part-memory.ts';
import { createS3 } from '../../src/object-stores/s3/client.ts';
import { createNodePlatform } from '../../src/object-stores/s3/node/platform.ts';
import { send } from '../../src/object-stores/s3/request.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { keptTraits } from '../../src/storage/bucket-traits.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { noteGoodTest } from '../../src/storage/tried-since.ts';
import { tryStorage } from '../../src/storage/try-storage.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import type { Rgw } from '../support/rgw.ts';
import { openTestS3, QUICK } from '../support/s3.ts';
import { sharedRgw } from '../support/shared/rgw.ts';

const PATH = '/api/settings/spaces';
const SCOPED_KEY = 'This appears to be a bucket-scoped key. Please add the bucket names manually.';

let rgw: Rgw;
let app: TestApp;
beforeAll(async () => {
  rgw = await sharedRgw();
});
afterAll(() => rgw?.stop());
beforeEach(async () => {
  app = await openTestApp({ ca: rgw.ca, env: { STORAGE_ALLOW_HTTP: '1' } });
});
afterEach(async () => {
  expect(JSON.stringify(app.log)).not.toMatch(/full-secret|scoped-secret/);
  await app.close();
});

const save = (body: object, query = '') =>
  app.call('PUT', `${PATH}${query}`, {
    body: { region: rgw.region, endpoint: rgw.endpoint.replace('https://', ''), ...body },
  });
const test = () => app.call('POST', `${PATH}/test`, { token: app.tokens.viewer });

/** When the settings were last found good. */
const notedAt = async () => (await readSettings(app.services.db)).storageTestedAt;

async function addDatabase(environmentName: string, bucket = 'mine'): Promise<void> {
  const { environment } = (await app.call('POST', '/api/environments', { body: { name: environmentName } }))
    .body;
  const database = { name: 'ä+b', type: 'postgres', host: 'db', databaseName: 'app' };
  await app.call('POST', `/api/environments/${environment.id}/databases`, {
    body: { ...database, backupStorageType: 'spaces', backupSpacesBucket: bucket },
  });
}

/** A storage that sends a byte of its answer now and then, and never ends it. */
async function startDripping(): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 403 : 200, { 'content-type': 'application/xml' });
    response.write('<ListAllMyBucketsResult>');
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
    if (request.method === 'HEAD') response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

describe('Test Connection at a storage that drips its answers', () => {
  const signal = new AbortController().signal;

  it('ends in time, and says where', async () => {
    await save({ ...rgw.full, endpoint: await startDripping() });
    const result = await tryStorage(app.services, signal, 1_500);
    expect(result).toEqual({
      success: false,
      message:
        'The test took longer than 1.5 seconds and was ended at ListBuckets: the storage, or something between it and this machine, is too slow.',
      buckets: [],
      scopedKey: false,
    });
  });

  it('says so of each bucket', async () => {
    await save({ ...rgw.full, endpoint: await startDripping(), buckets: ['one', 'two'] });
    const result = await tryStorage(app.services, signal, 1_500);
    expect(result).toMatchObject({
      success: false,
      message: 'Cannot access any configured buckets: one, two',
      failures: ['one', 'two'].map((bucket) => ({
        bucket,
        message: expect.stringContaining('was ended at ListObjectsV2: the storage'),
      })),
    });
    expect(result.diagnosis).toBeUndefined();
  });
});

describe('Test Connection at a Ceph gateway', () => {
  it('lists what a full key sees, in the words of the page and no more', async () => {
    await save(rgw.full);
    expect(await notedAt()).toBeNull();
    expect((await test()).body).toEqual({
      success: true,
      message: 'Connection successful (full API access)',
      buckets: [rgw.bucket, rgw.scopedBucket],
      scopedKey: false,
    });
    // Nothing was begun to be stored anywhere: no bucket is in use.
    expect(await notedAt()).toBeNull();
  });

  it('notes the beginning of a test in which each bucket in use took the beginning of an upload', async () => {
    await save(rgw.full);
    await addDatabase('größe + "x" 🐘', rgw.bucket);
    const asked = new Date().toISOString();
    expect((await test()).status).toBe(200);
    const tested = await notedAt();
    expect(String(tested) >= asked).toBe(true);
    await save(rgw.full, '?validate=true');
    const row = () =>
      app.services.db.selectFrom('spaces_config').select('updated_at').executeTakeFirstOrThrow();
    const noted = await readSettings(app.services.db);
    const { updated_at: savedAt } = await row();
    expect(noted.storageTestedSettings).toBe(savedAt);
    // Before it was saved.
    expect([String(tested) < String(noted.storageTestedAt), String(noted.storageTestedAt) < savedAt]).toEqual(
      [true, true],
    );
    await addDatabase('another', 'absent-bucket');
    await test();
    expect(await readSettings(app.services.db)).toEqual(noted);
  });

  it('notes nothing for settings that were changed while they were tested', async () => {
    await save(rgw.full);
    await addDatabase('production', rgw.bucket);
    const { s3, row } = await openStorage(app.services);
    onTestFinished(() => s3.close());
    const { db, now } = app.services;
    await save({ ...rgw.full, secretKey: 'another-full-secret' });
    await write(db, (trx) => noteGoodTest(trx, row, now(), now()));
    expect(await notedAt()).toBeNull();
  });

  it('asks for names with a scoped key, and explains', async () => {
    await save(rgw.scoped);
    const { status, body } = await test();
    expect([status, body.message, body.scopedKey]).toEqual([400, SCOPED_KEY, true]);
    expect(body.diagnosis).toEqual([
      {
        kind: 'denied',
        bucket: null,
        message: expect.stringContaining('tx'),
        requestId: expect.stringMatching(/^tx/),
      },
    ]);
  });

  it('counts what a scoped key reaches, and explains what it does not', async () => {
    await save({ ...rgw.scoped, buckets: [rgw.scopedBucket, rgw.bucket, 'scoped-but-absent'] });
    const { status, body } = await test();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      message: 'Connected. Access to 1/3 buckets.',
      buckets: [rgw.scopedBucket],
      failedBuckets: [rgw.bucket, 'scoped-but-absent'],
    });
    expect(
      body.diagnosis.map(({ kind, bucket }: { kind: string; bucket: string }) => [kind, bucket]),
    ).toEqual([
      ['denied', rgw.bucket],
      ['no_bucket', 'scoped-but-absent'],
    ]);
    for (const one of body.diagnosis) expect(one.requestId).toMatch(/^tx/);
    expect(await notedAt()).toBeNull();
  });

  it('tells a wrong key id from a wrong secret', async () => {
    await save({ ...rgw.full, accessKey: 'NOSUCHKEY00000000001' });
    expect((await test()).body.diagnosis).toMatchObject([{ kind: 'wrong_key_id' }]);
    await save({ ...rgw.full, secretKey: 'not-the-secret' });
    expect((await test()).body.diagnosis).toMatchObject([{ kind: 'wrong_secret' }]);
  });

  it('works with a clock that is off, and tells by how much', async () => {
    await save(rgw.full);
    const now = () => new Date(Date.now() - 3_600_000);
    const platform = createNodePlatform({
      log: app.services.log,
      now,
      ca: rgw.ca,
      partMemory: createPartMemory(2 ** 24),
      publicEndpoint: null,
    });
    onTestFinished(() => platform.close());
    const services = {
      ...app.services,
      openS3: (settings: Parameters<typeof createS3>[0]) => createS3(settings, platform, QUICK),
    };
    const result = await tryStorage(services, AbortSignal.timeout(60_000));
    expect(result.success).toBe(true);
    expect(result.diagnosis).toMatchObject([
      { kind: 'clock', message: expect.stringContaining('60 minutes behind') },
    ]);
  });
});

/** A storage that answers HEAD of a bucket with 403, and lists only under one prefix, as prefix-scoped keys see it. */
const xml = (root: string) =>
  `<?xml version="1.0"?><${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></${root}>`;
const BEGUN = '<InitiateMultipartUploadResult><UploadId>an id</UploadId></InitiateMultipartUploadResult>';
const denied = '<Error><Code>AccessDenied</Code><RequestId>REQ1</RequestId></Error>';

async function answering(answer: (method: string, url: URL) => readonly [number, string]): Promise<string> {
  const server: Server = createServer((request, response) => {
    const [status, body] = answer(request.method ?? '', new URL(request.url ?? '/', 'http://localhost'));
    response
      .writeHead(status, { 'content-type': 'application/xml' })
      .end(request.method === 'HEAD' ? '' : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

describe('a bucket', () => {
  it('counts as accessible when it lists under the prefix in use, and the details say so', async () => {
    const endpoint = await answering((method, url) => {
      if (method === 'GET' && url.searchParams.get('prefix') === 'production/app/')
        return [200, xml('ListBucketResult')];
      if (!url.pathname.startsWith('/mine/production/app/') || method === 'HEAD') return [403, denied];
      if (method === 'POST') return [200, BEGUN];
      if (method === 'DELETE') return [204, ''];
      return url.searchParams.has('uploadId')
        ? [404, '<Error><Code>NoSuchUpload</Code></Error>']
        : [403, denied];
    });
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    expect((await test()).body).toMatchObject({ message: 'Cannot access any configured buckets: mine' });
    const { environment } = (await app.call('POST', '/api/environments', { body: { name: 'production' } }))
      .body;
    const database = {
      name: 'app',
      type: 'postgres',
      host: 'db',
      databaseName: 'app',
      backupStorageType: 'spaces',
    };
    await app.call('POST', `/api/environments/${environment.id}/databases`, {
      body: { ...database, backupSpacesBucket: 'mine' },
    });
    const { status, body } = await test();
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      message: 'Connected. Access to 1/1 buckets.',
      buckets: ['mine'],
      scopedKey: true,
      details: [{ bucket: 'mine', by: 'ListObjectsV2', prefix: 'production/app/' }],
    });
  });

  it('does not count as accessible where HEAD is changed on its way and a list is not', async () => {
    const endpoint = await answering((method, url) => {
      if (method === 'HEAD') return [403, denied];
      return url.searchParams.has('list-type')
        ? [200, xml('ListBucketResult')]
        : [404, '<Error><Code>NoSuchKey</Code></Error>'];
    });
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    const { status, body } = await test();
    expect([status, body.message]).toEqual([400, 'Cannot access any configured buckets: mine']);
    expect(body.diagnosis).toMatchObject([
      { kind: 'proxy', bucket: 'mine', message: expect.stringMatching(/403 to HEAD and 404 to GET.*CDN/) },
    ]);
  });

  it('counts as accessible where only the first HEAD is refused, as one is that learns the clock', async () => {
    let heads = 0;
    const endpoint = await answering((method, url) => {
      if (method === 'HEAD' && url.pathname.includes('.bridgeport-probe')) {
        heads += 1;
        return heads === 1 ? [403, ''] : [404, ''];
      }
      if (method === 'HEAD') return [403, ''];
      if (method === 'POST') return [200, BEGUN];
      if (method === 'DELETE') return [204, ''];
      const query = url.searchParams;
      if (query.has('list-type')) return [200, xml('ListBucketResult')];
      return [404, `<Error><Code>${query.has('uploadId') ? 'NoSuchUpload' : 'NoSuchKey'}</Code></Error>`];
    });
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    expect(await test()).toMatchObject({ status: 200, body: { success: true } });
    expect(heads).toBe(2);
  });

  it('does not count as accessible because a web page answers', async () => {
    const server = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<html>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await save({ ...rgw.full, endpoint: `http://127.0.0.1:${port}`, buckets: ['mine'] });
    const { status, body } = await test();
    expect([status, body.success, body.diagnosis[0].kind]).toEqual([400, false, 'not_s3']);
  });
});

describe('a key that may look and not store', () => {
  /** A policy as those have that demand something of every PUT. */
  const begins = (allowed: string) => (method: string, url: URL) => {
    if (method === 'HEAD') return [200, ''] as const;
    if (method === 'POST') {
      return url.pathname.startsWith(allowed) ? ([200, BEGUN] as const) : ([403, denied] as const);
    }
    return method === 'DELETE'
      ? ([204, ''] as const)
      : ([404, '<Error><Code>NoSuchUpload</Code></Error>'] as const);
  };

  it('is told so, and counts while no database says where it would have to', async () => {
    await save({ ...rgw.full, endpoint: await answering(begins('/nowhere')), buckets: ['mine'] });
    const { status, body } = await test();
    expect([status, body.message]).toEqual([200, 'Connected. Access to 1/1 buckets.']);
    expect(body.diagnosis).toMatchObject([
      {
        kind: 'denied',
        bucket: 'mine',
        message: expect.stringMatching(/^Backups can't be stored: .*limited to a prefix/),
      },
    ]);
    const { shownTest } = await import('../../src/http/ui/try-storage.ts');
    expect(shownTest(body).isPartial).toBe(true);
  });

  it('does not count where databases could not back up', async () => {
    await save({ ...rgw.full, endpoint: await answering(begins('/nowhere')), buckets: ['mine'] });
    await addDatabase('production');
    const { status, body } = await test();
    expect([status, body.message]).toEqual([400, 'Cannot access any configured buckets: mine']);
    expect(body.failures[0].message).toMatch(/CreateMultipartUpload in bucket mine.*403 AccessDenied/);
  });

  it.each([
    ['an error of its own', [500, '<Error><Code>InternalError</Code></Error>']],
    ['something that is no answer to it', [200, '<html></html>']],
  ] as const)('does not count as good where it answers the upload with %s', async (_, answer) => {
    const endpoint = await answering((method, url) =>
      method === 'POST' ? answer : begins('/')(method, url),
    );
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    await addDatabase('production');
    const { status, body } = await test();
    expect([status, body.message]).toEqual([200, 'Connected. Access to 1/1 buckets.']);
    expect(body.diagnosis).toMatchObject([
      {
        kind: 'other',
        bucket: 'mine',
        message: expect.stringMatching(/^Whether .* is not known: .*deep test/),
      },
    ]);
    expect(await notedAt()).toBeNull();
  });

  it('counts where one of the databases can', async () => {
    await save({ ...rgw.full, endpoint: await answering(begins('/mine/staging/')), buckets: ['mine'] });
    await addDatabase('production');
    await addDatabase('staging');
    expect((await test()).body).toEqual({
      success: true,
      message: 'Connected. Access to 1/1 buckets.',
      buckets: ['mine'],
      scopedKey: true,
    });
  });
});

describe('a key that is limited to a prefix', () => {
  const limited = (method: string, url: URL) => {
    if (method === 'HEAD') return [403, ''] as const;
    const prefix = url.searchParams.get('prefix');
    if (method === 'GET' && prefix !== null && !prefix.startsWith('staging/')) return [403, denied] as const;
    if (method === 'GET' && prefix !== null) return [200, '<ListBucketResult></ListBucketResult>'] as const;
    if (method === 'POST') return [200, BEGUN] as const;
    return method === 'DELETE' ? ([204, ''] as const) : ([404, NO_SUCH_KEY] as const);
  };
  const NO_SUCH_KEY = '<Error><Code>NoSuchKey</Code></Error>';

  it('is told what that looks like before a database lies under it, and what will end it', async () => {
    const endpoint = await answering(limited);
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    const { status, body } = await test();
    expect([status, body.message]).toEqual([400, 'Cannot access any configured buckets: mine']);
    expect(body.diagnosis[0]).toMatchObject({
      kind: 'denied',
      message: expect.stringMatching(/limited to a prefix .* works once one backs up there/),
    });
    const validated = await app.call('PUT', '/api/settings/spaces?validate=true', {
      body: { ...rgw.full, region: 'us-east-1', endpoint, buckets: ['mine'] },
    });
    expect(validated.status).toBe(400);
    expect(JSON.stringify(validated.body)).toContain('limited to a prefix');
  });
});

describe('a key that sees no bucket', () => {
  it('is told what to do', async () => {
    const endpoint = await answering(() => [200, xml('ListAllMyBucketsResult')]);
    await save({ ...rgw.full, endpoint });
    const { status, body } = await test();
    expect([status, body.message]).toEqual([
      400,
      'This key sees no bucket. Create one or add bucket names manually.',
    ]);
  });
});

describe('Cloudflare R2', () => {
  it.each([
    [401, 'Unauthorized'],
    [403, 'AccessDenied'],
  ])('with a token limited to buckets (%i %s) gets the text of the page', async (status, code) => {
    const endpoint = await answering(() => [status, `<Error><Code>${code}</Code></Error>`]);
    await save({ ...rgw.full, region: 'auto', endpoint: 'account.r2.cloudflarestorage.com' });
    const platform = createNodePlatform({
      log: app.services.log,
      now: () => new Date(),
      partMemory: createPartMemory(2 ** 24),
      publicEndpoint: null,
    });
    onTestFinished(() => platform.close());
    // The name leads to the server of the test.
    const toServer: typeof fetch = (input, init) =>
      platform.fetch(String(input).replace('https://account.r2.cloudflarestorage.com', endpoint), init);
    const openS3 = (settings: Parameters<typeof createS3>[0]) =>
      createS3(settings, { ...platform, fetch: toServer }, QUICK);
    const result = await tryStorage({ ...app.services, openS3 }, AbortSignal.timeout(60_000));
    expect(result).toMatchObject({ success: false, message: SCOPED_KEY, scopedKey: true });
    expect(result.diagnosis?.[0]?.message).toMatch(status === 401 ? /also when it is wrong/ : /may not list/);
  });
});

// Last: the buckets that it makes would be listed by the others.
describe('what a bucket says of itself', () => {
  const kept = async (endpoint: string) => Object.fromEntries(await keptTraits(app.services.db, endpoint));
  const traits = { versioning: 'off', lock: 'none', seenAt: expect.stringMatching(/^20.*Z$/) } as const;

  it('is kept by each test of the storage: whether it keeps versions, and how long it locks', async () => {
    const opened = openTestS3({ ...rgw, ...rgw.full });
    onTestFinished(() => opened.close());
    const put = async (bucket: string, query: Readonly<Record<string, string>>, xml = '') => {
      const body = new TextEncoder().encode(xml);
      const sha256 = createHash('sha256').update(body).digest('hex');
      const headers = {
        'content-md5': createHash('md5').update(body).digest('base64'),
        ...(xml === '' ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {}),
      };
      const request = { operation: 'Test', method: 'PUT', headers, sha256, body } as const;
      await send(opened.s3.connection, { ...request, bucket, query, signal: AbortSignal.timeout(60_000) });
    };
    for (const bucket of ['says-locked', 'says-open']) await put(bucket, {});
    const rule = '<DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention>';
    const lock = `<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>${rule}</Rule>`;
    await put(
      'says-locked',
      { 'object-lock': '' },
      `<ObjectLockConfiguration>${lock}</ObjectLockConfiguration>`,
    );
    await save({ ...rgw.full, buckets: ['says-locked', 'says-open', rgw.bucket] });
    expect((await test()).status).toBe(200);
    expect(await kept(rgw.endpoint)).toEqual({
      'says-locked': { ...traits, versioning: 'on', lock: { mode: 'GOVERNANCE', retention: '1 day' } },
      'says-open': { ...traits, versioning: 'on', lock: { mode: 'enabled', retention: null } },
      [rgw.bucket]: traits,
    });
  });

  it('stays as it was known where a later key may not see it, and goes with another endpoint', async () => {
    let isSeen = true;
    const endpoint = await answering((method, { searchParams }) => {
      if (method === 'HEAD') return [200, ''];
      if (method === 'POST') return [200, BEGUN];
      if (method === 'DELETE') return [204, ''];
      if (searchParams.has('uploadId')) return [404, '<Error><Code>NoSuchUpload</Code></Error>'];
      if (!isSeen) return [403, denied];
      return searchParams.has('versioning')
        ? [200, '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>']
        : [501, '<Error><Code>NotImplemented</Code></Error>'];
    });
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    await test();
    expect(await kept(endpoint)).toEqual({ mine: { ...traits, versioning: 'suspended', lock: 'unknown' } });
    const first = await kept(endpoint);
    isSeen = false;
    await test();
    // With the time at which it was seen.
    expect(await kept(endpoint)).toEqual(first);
    await save({ ...rgw.full, accessKey: 'ANOTHERACCOUNT000001', endpoint, buckets: ['mine'] });
    expect(await kept(endpoint)).toEqual({});
    await save({ ...rgw.full, endpoint, buckets: ['mine'] });
    isSeen = true;
    await test();
    await app.call('DELETE', PATH);
    expect([first['mine']?.versioning, await kept(endpoint)]).toEqual(['suspended', {}]);
    await save({ ...rgw.full, buckets: [rgw.bucket] });
    await test();
    expect(await kept(endpoint)).toEqual({});
  });
});
