import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

const FULL = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret-scoped-secret-scoped-00001' };
const SECRETS = /full-secret|scoped-secret/;

let folder: string;
let store: DevBucket;
let app: TestApp;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spaces-'));
  store = await startDevBucket({
    folder,
    keys: [FULL, { ...SCOPED, buckets: ['prod-backups', 'staging-backups'] }],
    buckets: ['prod-backups', 'staging-backups', 'archive'],
  });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  app = await openTestApp({ ca: store.caPem ?? '' });
});
afterEach(async () => {
  // Whatever a test did, the secret keys are nowhere to be read.
  const audit = await app.services.db.selectFrom('audit_logs').selectAll().execute();
  const rows = await app.services.db.selectFrom('spaces_config').selectAll().execute();
  expect(JSON.stringify([app.log, audit, rows])).not.toMatch(SECRETS);
  await app.close();
});

const PATH = '/api/settings/spaces';
const host = () => store.endpoint.replace('https://', '');
const save = (body: object = {}) =>
  app.call('PUT', PATH, { body: { ...FULL, region: store.region, endpoint: host(), ...body } });
const test = (token = app.tokens.viewer) => app.call('POST', `${PATH}/test`, { token });

describe('the storage settings', () => {
  it('tell that nothing is configured', async () => {
    const { body } = await app.call('GET', PATH, { token: app.tokens.viewer });
    expect(body).toEqual({ configured: false, config: null });
  });

  it('are saved by an admin, and never give the secret key back', async () => {
    expect((await app.call('PUT', PATH, { token: app.tokens.operator, body: {} })).status).toBe(403);
    const saved = await app.call('PUT', PATH, { body: { ...FULL, buckets: ['prod-backups'] } });
    const endpoint = 'fra1.digitaloceanspaces.com';
    expect(saved.body).toEqual({
      config: { id: expect.any(String), accessKey: FULL.accessKey, region: 'fra1', endpoint },
    });
    const { body } = await app.call('GET', PATH, { token: app.tokens.viewer });
    expect(body).toEqual({
      configured: true,
      config: {
        ...saved.body.config,
        buckets: ['prod-backups'],
        encryption: 'none',
        encryptionKeyId: null,
        hasSessionToken: false,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
        enabledEnvironments: [],
      },
    });
    expect(JSON.stringify(body)).not.toMatch(SECRETS);
    const row = await app.services.db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
    expect([row.access_key, row.secret_key].every((sealed) => sealed.startsWith('v1.'))).toBe(true);
  });

  it('want a secret key when new, and keep it when left blank', async () => {
    const { secretKey: _, ...withoutSecret } = FULL;
    const refused = await app.call('PUT', PATH, { body: { ...withoutSecret, secretKey: '' } });
    expect([refused.status, refused.body.message]).toEqual([
      400,
      'Secret key is required for new configuration',
    ]);
    const first = await save();
    const second = await save({ secretKey: '' });
    expect(second.body.config.id).toBe(first.body.config.id);
    expect((await test()).body.success).toBe(true);
  });

  it('are replaced: an absent endpoint is derived again, absent buckets are emptied', async () => {
    await save({ buckets: ['prod-backups'] });
    const replaced = await app.call('PUT', PATH, { body: { accessKey: FULL.accessKey, region: 'ams3' } });
    expect(replaced.body.config.endpoint).toBe('ams3.digitaloceanspaces.com');
    expect((await app.call('GET', PATH)).body.config.buckets).toEqual([]);
  });

  it.each([
    ['us-east-1', 's3.amazonaws.com', 's3.us-east-1.amazonaws.com'],
    ['eu-west-1', 'https://s3.amazonaws.com/', 's3.eu-west-1.amazonaws.com'],
    ['us-east-1', 'https://minio.example.com:9000/', 'minio.example.com:9000'],
  ])('in %s with the endpoint %s mean %s', async (region, endpoint, meant) => {
    // It is given back as it was typed, but for what every endpoint has.
    const typed = endpoint.replace('https://', '').replace(/\/$/, '');
    expect((await save({ region, endpoint })).body.config.endpoint).toBe(typed);
    const row = await app.services.db
      .selectFrom('spaces_config')
      .select('endpoint')
      .executeTakeFirstOrThrow();
    expect(row.endpoint).toBe(`https://${meant}`);
  });

  it.each([
    [{ endpoint: 'http://minio.example.com' }],
    [{ endpoint: 'https://host/path' }],
    [{ endpoint: 'a b' }],
    [{ region: 'fra1.evil.com/' }],
    [{ region: '' }],
    [{ accessKey: '' }],
    [{ buckets: 'one' }],
    [{ buckets: ['../x'] }],
  ])('refuse %j', async (change) => {
    expect((await save(change)).status).toBe(400);
    expect((await app.call('GET', PATH)).body.configured).toBe(false);
  });

  it('are deleted with the access of every environment', async () => {
    const environment = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body;
    await save();
    await app.call('PUT', `${PATH}/environments/${environment.environment.id}`, { body: { enabled: true } });
    expect((await app.call('DELETE', PATH)).body).toEqual({ success: true });
    const again = await app.call('DELETE', PATH);
    expect([again.status, again.body.message]).toEqual([404, 'Spaces configuration not found']);
    await save();
    const { body } = await app.call('GET', `${PATH}/environments`);
    expect(body.environments).toMatchObject([{ name: 'production', spacesEnabled: false }]);
  });
});

describe('Test Connection', () => {
  it('is open to every role and says that nothing is configured', async () => {
    const { status, body } = await test();
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'VALIDATION_ERROR',
      success: false,
      message: 'Spaces not configured',
    });
  });

  it('lists the buckets of a full-access key', async () => {
    await save();
    const { status, body } = await test();
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      message: 'Connection successful (full API access)',
      buckets: ['archive', 'prod-backups', 'staging-backups'],
      scopedKey: false,
    });
  });

  it('asks for bucket names with a scoped key', async () => {
    await save(SCOPED);
    const { status, body } = await test();
    expect(status).toBe(400);
    expect(body).toMatchObject({
      success: false,
      scopedKey: true,
      message: 'This appears to be a bucket-scoped key. Please add the bucket names manually.',
    });
  });

  it('counts the named buckets that it reaches', async () => {
    await save({ ...SCOPED, buckets: ['prod-backups', 'staging-backups'] });
    expect((await test()).body).toEqual({
      success: true,
      message: 'Connected. Access to 2/2 buckets.',
      buckets: ['prod-backups', 'staging-backups'],
      scopedKey: true,
    });
  });

  it('names the buckets that it does not reach, and why', async () => {
    await save({ ...SCOPED, buckets: ['prod-backups', 'archive', 'staging-backups'] });
    const { status, body } = await test();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      message: 'Connected. Access to 2/3 buckets.',
      buckets: ['prod-backups', 'staging-backups'],
      failedBuckets: ['archive'],
      failures: [{ bucket: 'archive', message: expect.any(String) }],
    });
  });

  it('fails when it reaches none of them', async () => {
    await save({ ...SCOPED, buckets: ['archive', 'nothing'] });
    const { status, body } = await test();
    expect(status).toBe(400);
    expect(body).toMatchObject({
      success: false,
      message: 'Cannot access any configured buckets: archive, nothing',
      failedBuckets: ['archive', 'nothing'],
    });
  });

  it.each([
    ['a wrong secret key', { secretKey: 'wrong-secret' }],
    ['an unknown access key', { accessKey: 'NOSUCHKEY00000000001' }],
    ['nobody listening', { endpoint: '127.0.0.1:1' }],
  ])('gives the message of the storage for %s', async (_, change) => {
    await save(change);
    const { status, body } = await test();
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'VALIDATION_ERROR', success: false, scopedKey: false });
    expect(body.message.length).toBeGreaterThan(20);
    expect(JSON.stringify(body)).not.toMatch(/wrong-secret|full-secret/);
  });
});

describe('the buckets of the storage', () => {
  const buckets = () => app.call('GET', `${PATH}/buckets`, { token: app.tokens.viewer });

  it('are the configured ones, else those that the key may list', async () => {
    expect((await buckets()).body.message).toBe('Spaces not configured');
    await save();
    expect((await buckets()).body).toEqual({
      buckets: ['archive', 'prod-backups', 'staging-backups'],
      source: 'discovered',
    });
    await save({ buckets: ['mine'] });
    expect((await buckets()).body).toEqual({ buckets: ['mine'], source: 'configured' });
    await save(SCOPED);
    const { status, body } = await buckets();
    expect([status, body.message]).toEqual([
      400,
      'Cannot list buckets with this key. Add bucket names manually in Spaces settings.',
    ]);
  });
});

describe('the access of environments', () => {
  it('is told also while nothing is configured, and set by an admin', async () => {
    for (const name of ['staging', 'production'])
      await app.call('POST', '/api/environments', { body: { name } });
    const list = () => app.call('GET', `${PATH}/environments`, { token: app.tokens.viewer });
    const { environments } = (await list()).body;
    expect(environments).toEqual([
      { id: expect.any(String), name: 'production', spacesEnabled: false },
      { id: expect.any(String), name: 'staging', spacesEnabled: false },
    ]);
    const path = `${PATH}/environments/${environments[0].id}`;
    const early = await app.call('PUT', path, { body: { enabled: true } });
    expect([early.status, early.body.message]).toEqual([400, 'Spaces not configured']);
    await save();
    expect((await app.call('PUT', path, { body: { enabled: true } })).body).toEqual({
      success: true,
      enabled: true,
    });
    expect((await list()).body.environments[0].spacesEnabled).toBe(true);
    expect((await app.call('PUT', path, { body: { enabled: false } })).body).toEqual({
      success: true,
      enabled: false,
    });
    expect((await list()).body.environments[0].spacesEnabled).toBe(false);
    const unknown = await app.call('PUT', `${PATH}/environments/unknown`, { body: { enabled: true } });
    expect([unknown.status, unknown.body.message]).toEqual([404, 'Environment not found']);
    expect((await app.call('PUT', path, { body: { enabled: 'yes' } })).status).toBe(400);
  });

  it('opens the aliases of the database form', async () => {
    const { id } = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body
      .environment;
    await save();
    const refused = await app.call('GET', `/api/environments/${id}/spaces/buckets`);
    expect([refused.status, refused.body.message]).toEqual([
      400,
      'Spaces is not configured for this environment',
    ]);
    await app.call('PUT', `${PATH}/environments/${id}`, { body: { enabled: true } });
    const { body } = await app.call('GET', `/api/environments/${id}/spaces/buckets`);
    expect(body.source).toBe('discovered');
    expect((await app.call('POST', `/api/environments/${id}/spaces/test`)).body.success).toBe(true);
  });
});
