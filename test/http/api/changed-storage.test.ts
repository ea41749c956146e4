import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { type Installation, startInstallation } from '../../support/installation.ts';
import { until } from '../../support/until.ts';

const FIRST = { accessKey: 'FIRSTKEY000000000001', secretKey: 'first-secret-first-secret-0001' };
const SECOND = { accessKey: 'SECONDKEY00000000001', secretKey: 'second-secret-second-secret-01' };
const NARROW = { accessKey: 'NARROWKEY00000000001', secretKey: 'narrow-secret-narrow-secret-01' };

let folder: string;
let store: DevBucket;
let app: Installation;
let trusting: Agent;
let environmentId: string;
let databaseId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'changed-'));
  store = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [FIRST, SECOND, { ...NARROW, buckets: ['other'] }],
    buckets: ['backups', 'other'],
  });
  trusting = new Agent({ connect: { ca: store.caPem ?? '' } });
  app = await startInstallation({ env: { STORAGE_CA_FILE: store.caFile ?? '', LOCAL_PATHS: tmpdir() } });
  const source = new Database(join(folder, 'source.db'));
  source.exec("create table t (x); insert into t values ('one')");
  source.close();
  environmentId = await app.create('environment', '/api/environments', { name: 'production' });
  await app.ask('PATCH', `/api/environments/${environmentId}/settings/data`, { allowBackupDownload: true });
  await configure(FIRST);
  await app.ask('PUT', `/api/settings/spaces/environments/${environmentId}`, { enabled: true });
  databaseId = await app.create('database', `/api/environments/${environmentId}/databases`, {
    name: 'appdb',
    type: 'sqlite',
    filePath: join(folder, 'source.db'),
    backupStorageType: 'spaces',
    backupSpacesBucket: 'backups',
  });
});
afterAll(async () => {
  await app?.close();
  await trusting?.close();
  await store?.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => configure(FIRST));

const configure = (change: object) =>
  app.ask('PUT', '/api/settings/spaces', {
    region: store.region,
    endpoint: store.endpoint.replace('https://', ''),
    ...change,
  });
const backUp = async () => {
  const backup = await app.backUp(databaseId);
  expect(backup.error).toBeNull();
  return backup;
};
const download = async (backupId: string): Promise<number> => {
  const { downloadUrl } = await app.ask('GET', `/api/backups/${backupId}/download`);
  const response = await fetch(String(downloadUrl), { dispatcher: trusting });
  expect(response.status).toBe(200);
  return (await response.arrayBuffer()).byteLength;
};
const isStored = async (key: string): Promise<boolean> => {
  const s3 = app.services.openS3({ endpoint: store.endpoint, region: store.region, ...FIRST });
  return (await s3.bucket('backups').head(key)) !== null;
};

describe('a backup from before a change', () => {
  it('is downloaded and removed with the credentials of now', async () => {
    const backup = await backUp();
    await configure(SECOND);
    expect(await download(backup.id)).toBe(backup.size);
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    await until('the object to be removed', 20_000, async () => !(await isStored(backup.storagePath)));
  });

  it('stays where it is when the prefix and the bucket of its database move, and is still downloaded', async () => {
    const before = await backUp();
    expect(before.storagePath).toMatch(/^production\/appdb\/appdb-/);
    const moved = { backupSpacesPrefix: 'moved/to/', backupSpacesBucket: 'other' };
    await app.ask('PATCH', `/api/databases/${databaseId}`, moved);
    const after = await backUp();
    expect(after.storagePath).toMatch(/^moved\/to\/appdb-/);
    expect(await isStored(before.storagePath)).toBe(true);
    expect(await download(before.id)).toBe(before.size);
    expect(await download(after.id)).toBe(after.size);
    const back = { backupSpacesPrefix: 'production/appdb/', backupSpacesBucket: 'backups' };
    await app.ask('PATCH', `/api/databases/${databaseId}`, back);
  });

  it('is not reached from another provider: download and removal say where it lies and what is configured', async () => {
    const backup = await backUp();
    await configure({ ...FIRST, region: 'eu-west-1', endpoint: 's3.amazonaws.com' });
    const { status, body } = await app.call('GET', `/api/backups/${backup.id}/download`);
    expect([status, body['code']]).toEqual([400, 'VALIDATION_ERROR']);
    expect(body['message']).toContain(
      `bucket backups at ${new URL(store.endpoint).host}, but the storage configured now is s3.eu-west-1.amazonaws.com`,
    );
    await app.ask('DELETE', `/api/backups/${backup.id}`);
    await until('the removal to be tried', 20_000, () =>
      app.log.some((line) => line.includes(backup.id) && line.includes('could not be removed')),
    );
    expect(await isStored(backup.storagePath)).toBe(true);
  });

  it('is refused with the reason when the key of now may not use its bucket', async () => {
    const backup = await backUp();
    await configure({ ...NARROW, buckets: ['other'] });
    const { status, body } = await app.call('GET', `/api/backups/${backup.id}/download`);
    expect([status, body['code']]).toEqual([400, 'VALIDATION_ERROR']);
    expect(body['message']).toContain('backups');
  });
});

describe('an environment whose access was taken away', () => {
  it('fails its backups at the first step with the page’s message', async () => {
    const path = `/api/settings/spaces/environments/${environmentId}`;
    await app.ask('PUT', path, { enabled: false });
    const backup = await app.backUp(databaseId);
    await app.ask('PUT', path, { enabled: true });
    expect(backup.status).toBe('failed');
    expect(backup.error?.message).toBe(
      'Spaces not configured for this environment. Go to Settings > Spaces to configure.',
    );
    // Before anything else: the database was not even looked at.
    expect(backup.raw).toMatchObject({ bytesRead: 0, serverVersion: null });
  });
});
