import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { repairCounts } from '../../../src/backups/repair-counts.ts';
import { newId } from '../../../src/ids.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { letRunsFollow } from '../../support/backup-row.ts';

const FULL = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret-scoped-secret-scoped-00001' };
const PATH = '/api/settings/spaces';

let folder: string;
let store: DevBucket;
let app: TestApp;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'access-'));
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
afterEach(() => app.close());

const save = (body: object = {}, query = '') => {
  const endpoint = store.endpoint.replace('https://', '');
  return app.call('PUT', `${PATH}${query}`, { body: { ...FULL, region: store.region, endpoint, ...body } });
};
const configured = async () => (await app.call('GET', PATH)).body.config;

describe('saving the storage without ?validate=true', () => {
  it.each(['', '?validate=false'])(
    'sends nothing to it, when it is new and when it changes: %j',
    async (query) => {
      const before = store.requests.length;
      expect((await save({}, query)).status).toBe(200);
      expect((await save({ secretKey: 'wrong-secret', buckets: ['archive'] }, query)).status).toBe(200);
      expect(store.requests).toHaveLength(before);
      // What would have been heard.
      expect((await save({}, '?validate=true')).status).toBe(200);
      expect(store.requests.length).toBeGreaterThan(before);
    },
  );
});

describe('saving the storage with ?validate=true', () => {
  it('saves what works', async () => {
    expect((await save({}, '?validate=true')).status).toBe(200);
    expect((await save({ ...SCOPED, buckets: ['prod-backups', 'archive'] }, '?validate=true')).status).toBe(
      200,
    );
    expect((await configured()).accessKey).toBe(SCOPED.accessKey);
  });

  it.each([
    ['a wrong secret key', { secretKey: 'wrong-secret' }, /.{20}/],
    ['an endpoint where nobody listens', { endpoint: '127.0.0.1:1' }, /127\.0\.0\.1:1/],
    ['a scoped key without buckets', SCOPED, /^This appears to be a bucket-scoped key\./],
    [
      'buckets out of reach',
      { ...SCOPED, buckets: ['archive'] },
      /^Cannot access any configured buckets: archive$/,
    ],
  ])(
    'keeps the working configuration from being replaced by %s, and says why',
    async (_, change, message) => {
      await save();
      const before = await app.services.db.selectFrom('spaces_config').selectAll().execute();
      const { status, body } = await save(change, '?validate=true');
      expect([status, body.code, body.success]).toEqual([400, 'VALIDATION_ERROR', false]);
      expect(body.message).toMatch(message);
      expect(JSON.stringify(body)).not.toMatch(/wrong-secret|full-secret|scoped-secret/);
      expect(await app.services.db.selectFrom('spaces_config').selectAll().execute()).toEqual(before);
      // Saving anyway is the admin's to choose.
      expect((await save(change)).status).toBe(200);
    },
  );

  it('tests the stored secret key where none is given', async () => {
    await save();
    expect((await save({ secretKey: '' }, '?validate=true')).status).toBe(200);
    expect((await save({ secretKey: '', accessKey: SCOPED.accessKey }, '?validate=true')).status).toBe(400);
    expect((await configured()).accessKey).toBe(FULL.accessKey);
  });
});

describe('the states of buckets', () => {
  const states = async (query = '') =>
    app.call('GET', `${PATH}/buckets?states=true${query}`, { token: app.tokens.viewer });

  it('merge the manual list with what the key lists', async () => {
    await save({ buckets: ['prod-backups', 'Old_Bucket.of.AWS', 'nothing'] });
    const { body } = await states();
    expect(body).toMatchObject({
      source: 'configured',
      buckets: ['prod-backups', 'Old_Bucket.of.AWS', 'nothing'],
      unchecked: 0,
    });
    expect(body.states).toEqual([
      { name: 'prod-backups', source: 'configured', state: 'reachable', message: null },
      { name: 'Old_Bucket.of.AWS', source: 'configured', state: 'missing', message: expect.any(String) },
      { name: 'nothing', source: 'configured', state: 'missing', message: expect.any(String) },
      { name: 'archive', source: 'discovered', state: 'reachable', message: null },
      { name: 'staging-backups', source: 'discovered', state: 'reachable', message: null },
    ]);
  });

  it('tell what a scoped key may not use', async () => {
    await save({ ...SCOPED, buckets: ['prod-backups', 'archive'] });
    expect((await states()).body.states).toMatchObject([
      { name: 'prod-backups', state: 'reachable' },
      { name: 'archive', state: 'denied', message: expect.stringContaining('archive') },
    ]);
  });

  it('tell that a region is not the one of the storage', async () => {
    await save({ region: 'other-1', buckets: ['prod-backups'] });
    expect((await states()).body.states).toMatchObject([{ name: 'prod-backups', state: 'wrong region' }]);
  });

  it('are told of the first three hundred buckets that a key discovers', async () => {
    const names = Array.from({ length: 303 }, (_, index) => `bucket-${index}`);
    const large = mkdtempSync(join(tmpdir(), 'many-'));
    const many = await startDevBucket({ folder: large, tls: false, keys: [FULL], buckets: names });
    const plain = await openTestApp({ env: { STORAGE_ALLOW_HTTP: '1' } });
    const settings = { ...FULL, region: many.region, endpoint: many.endpoint };
    expect((await plain.call('PUT', PATH, { body: settings })).status).toBe(200);
    const { body } = await plain.call('GET', `${PATH}/buckets?states=true`);
    expect([body.states.length, body.unchecked]).toEqual([300, 3]);
    await plain.close();
    await many.close();
    rmSync(large, { recursive: true });
  });

  it('are refused as the plain list is where there is nothing to try', async () => {
    expect((await states()).body.message).toBe('Spaces not configured');
    await save(SCOPED);
    expect((await states()).body.message).toBe(
      'Cannot list buckets with this key. Add bucket names manually in Spaces settings.',
    );
  });

  it('are kept for a minute, and read again on demand and after a change', async () => {
    const start = new Date('2026-03-01T10:00:00.000Z');
    app.setNow(start);
    await save();
    const names = async (query = '') =>
      (await states(query)).body.states.map((state: { name: string }) => state.name);
    // Past the API, so that the configuration does not count as changed.
    const list = (buckets: readonly string[]) =>
      app.services.db
        .updateTable('spaces_config')
        .set({ buckets: JSON.stringify(buckets) })
        .execute();
    const before = await names();
    await list(['added']);
    expect(await names()).toEqual(before);
    expect(await names('&refresh=true')).toEqual(['added', ...before]);
    await list(['added', 'later']);
    app.setNow(new Date(start.getTime() + 59_000));
    expect(await names()).toEqual(['added', ...before]);
    app.setNow(new Date(start.getTime() + 60_000));
    expect(await names()).toEqual(['added', 'later', ...before]);
    await save({ ...SCOPED, buckets: ['prod-backups'] });
    expect(await names()).toEqual(['prod-backups']);
  });
});

describe('what depends on the storage', () => {
  it('is told before an environment loses it, and before it is deleted', async () => {
    await save();
    const environments: Record<string, string> = {};
    for (const name of ['production', 'staging']) {
      const { body } = await app.call('POST', '/api/environments', { body: { name } });
      environments[name] = body.environment.id;
      await app.call('PUT', `${PATH}/environments/${body.environment.id}`, {
        body: { enabled: name === 'production' },
      });
    }
    const database = async (environment: string, name: string, backupStorageType: string) =>
      (
        await app.call('POST', `/api/environments/${environments[environment]}/databases`, {
          body: { name, type: 'postgres', backupStorageType, backupSpacesBucket: 'prod-backups' },
        })
      ).body.database.id;
    const orders = await database('production', 'orders', 'spaces');
    await database('production', 'accounts', 'spaces');
    await database('production', 'scratch', 'local');
    await database('staging', 'trial', 'spaces');
    await storedBackup(orders, 'completed');
    await storedBackup(orders, 'failed');

    const impact = `${PATH}/environments/${environments['production']}/impact`;
    expect((await app.call('GET', impact, { token: app.tokens.viewer })).body).toEqual({
      enabled: true,
      count: 2,
      names: ['accounts', 'orders'],
      backups: 1,
    });
    expect((await app.call('GET', `${PATH}/environments/unknown/impact`)).status).toBe(404);
    expect((await app.call('GET', `${PATH}/impact`, { token: app.tokens.viewer })).body).toEqual({
      databases: {
        count: 3,
        list: [
          { id: expect.any(String), name: 'accounts', environment: 'production' },
          { id: orders, name: 'orders', environment: 'production' },
          { id: expect.any(String), name: 'trial', environment: 'staging' },
        ],
      },
      environments: { count: 1, names: ['production'] },
      backups: {
        count: 1,
        bytes: 4096,
        places: [{ endpoint: store.endpoint, bucket: 'prod-backups', count: 1, bytes: 4096 }],
      },
    });
    expect((await app.call('DELETE', PATH)).body).toEqual({ success: true });
  });

  async function storedBackup(databaseId: string, status: 'completed' | 'failed'): Promise<void> {
    const started = await app.call('POST', `/api/databases/${databaseId}/backups`);
    const backupId = started.body.backupId;
    await app.services.db.updateTable('backups').set({ status }).where('id', '=', backupId).execute();
    await letRunsFollow(app.services.db);
    const object = { endpoint: store.endpoint, region: store.region, bucket: 'prod-backups', key: backupId };
    await app.services.db
      .insertInto('backup_objects')
      .values({ ...object, id: newId(), backup_id: backupId, kind: 'dump', number: 1, bytes: 4096 })
      .execute();
    await repairCounts(app.services);
  }
});
