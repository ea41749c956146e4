import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import {
  type EndedBackup,
  type Installation,
  type Json,
  startInstallation,
} from '../support/installation.ts';

/** Sentences of the storage page about backups, tried with SQLite files of this machine and a bucket. */

const run = promisify(execFile);
const FULL = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret-scoped-secret-scoped-00001' };
const NOT_CONFIGURED = 'Spaces not configured for this environment. Go to Settings > Spaces to configure.';

let folder: string;
let store: DevBucket;
let app: Installation;
let production: string;
let staging: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-page-'));
  await mkdir(join(folder, 'files'));
  store = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [FULL, { ...SCOPED, buckets: ['prod-backups'] }],
    buckets: ['prod-backups', 'staging-backups'],
  });
  app = await startInstallation({
    env: { STORAGE_CA_FILE: String(store.caFile), LOCAL_PATHS: join(folder, 'files') },
  });
  production = await app.create('environment', '/api/environments', { name: 'production' });
  staging = await app.create('environment', '/api/environments', { name: 'staging' });
  await app.ask('PATCH', `/api/environments/${production}/settings/data`, { allowBackupDownload: true });
  await run('sqlite3', [join(folder, 'files', 'app.db'), 'create table t (a); insert into t values (1);']);
});
afterEach(() => store.faults.clear());
afterAll(async () => {
  await app.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const configure = (change: Json = {}) =>
  app.ask('PUT', '/api/settings/spaces', {
    ...FULL,
    region: store.region,
    endpoint: new URL(store.endpoint).host,
    ...change,
  });
const enable = (environment: string, enabled = true) =>
  app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled });

let count = 0;
async function backUp(settings: Json, environment = production): Promise<EndedBackup> {
  count += 1;
  const path = `/api/environments/${environment}/databases`;
  const sqlite = { type: 'sqlite', filePath: join(folder, 'files', 'app.db') };
  return app.backUp(await app.create('database', path, { name: `db${count}`, ...sqlite, ...settings }));
}
const keysIn = (bucket: string) => store.objects(bucket).map(({ key }) => key);

describe('before the storage is ready', () => {
  it('a backup fails while no storage is configured, then while it is not enabled, and then completes', async () => {
    const settings = { backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' };
    expect((await backUp(settings)).error?.message).toBe(NOT_CONFIGURED);
    await configure();
    expect((await backUp(settings)).error?.message).toBe(NOT_CONFIGURED);
    await enable(production);
    expect((await backUp(settings)).error).toBeNull();
  });
});

describe('where backups go', () => {
  it('each database chooses a bucket or the local filesystem, also side by side', async () => {
    await configure();
    await enable(production);
    const toBucket = await backUp({ backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' });
    const toFile = await backUp({
      backupStorageType: 'local',
      backupLocalPath: join(folder, 'files', 'kept'),
    });
    expect([toBucket.error, toFile.error]).toEqual([null, null]);
    expect(keysIn('prod-backups')).toContain(toBucket.storagePath);
    expect(await readdir(join(folder, 'files', 'kept'))).toEqual([toFile.filename]);
    expect(keysIn('prod-backups')).not.toContain(toFile.filename);
  });

  it('environments use buckets of their own, or one bucket with different prefixes', async () => {
    await configure();
    await Promise.all([enable(production), enable(staging)]);
    const bucket = (backupSpacesBucket: string) => ({ backupStorageType: 'spaces', backupSpacesBucket });
    const prod = await backUp({ ...bucket('prod-backups'), name: 'shared' });
    const stage = await backUp({ ...bucket('prod-backups'), name: 'shared' }, staging);
    const own = await backUp({ ...bucket('staging-backups'), name: 'own' }, staging);
    expect(prod.storagePath).toBe(`production/shared/${prod.filename}`);
    expect(stage.storagePath).toBe(`staging/shared/${stage.filename}`);
    expect(keysIn('prod-backups')).toEqual(expect.arrayContaining([prod.storagePath, stage.storagePath]));
    expect(keysIn('staging-backups')).toEqual([own.storagePath]);
  });

  it('the prefix of a database can be overridden', async () => {
    await configure();
    await enable(production);
    const backup = await backUp({
      backupStorageType: 'spaces',
      backupSpacesBucket: 'prod-backups',
      backupSpacesPrefix: 'nightly/appdb/',
    });
    expect(keysIn('prod-backups')).toContain(`nightly/appdb/${backup.filename}`);
  });

  it('where storage is disabled the storage is not even asked', async () => {
    await configure();
    await enable(production, false);
    const before = store.requests.length;
    const backup = await backUp({ backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' });
    expect(backup.error?.message).toBe(NOT_CONFIGURED);
    expect(store.requests.slice(before)).toEqual([]);
  });
});

describe('with a scoped key', () => {
  it('and no bucket names there is none to choose, and the backup fails at the upload step', async () => {
    await configure(SCOPED);
    await enable(production);
    const choices = await app.call('GET', `/api/environments/${production}/spaces/buckets`);
    expect([choices.status, choices.body['message']]).toEqual([
      400,
      'Cannot list buckets with this key. Add bucket names manually in Spaces settings.',
    ]);
    const backup = await backUp({ backupStorageType: 'spaces' });
    expect(backup.error).toMatchObject({
      step: 'upload',
      message: 'No Spaces bucket configured for this database',
    });
  });

  it('and its bucket named, the backup goes to the bucket of the database', async () => {
    await configure({ ...SCOPED, buckets: ['prod-backups'] });
    await enable(production);
    const backup = await backUp({ backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' });
    expect(backup.error).toBeNull();
    expect(keysIn('prod-backups')).toContain(backup.storagePath);
  });

  it('a backup to a bucket that the key can not access fails at the upload step, naming it', async () => {
    await configure({ ...SCOPED, buckets: ['prod-backups', 'staging-backups'] });
    await enable(production);
    const backup = await backUp({ backupStorageType: 'spaces', backupSpacesBucket: 'staging-backups' });
    expect(backup.error).toMatchObject({ step: 'upload', code: 'storage_denied' });
    expect(backup.error?.message).toContain('staging-backups');
  });
});

describe('a download link', () => {
  it('works for an hour; after it the storage refuses, and a new download works', async () => {
    await configure();
    await enable(production);
    const { id } = await backUp({ backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' });
    const link = async () => String((await app.ask('GET', `/api/backups/${id}/download`))['downloadUrl']);
    const old = await link();
    expect(await fetchStatus(old)).toBe('200');
    passOnTheStorage(59);
    expect(await fetchStatus(old)).toBe('200');
    passOnTheStorage(61);
    expect(await fetchStatus(old)).toBe('403');
    expect(await fetchStatus(await link())).toBe('200');
  });
});

/** The storage's clock goes ahead by so many minutes. */
function passOnTheStorage(minutes: number): void {
  store.faults.clear();
  store.faults.add({
    match: {},
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'skew', ms: minutes * 60_000 },
  });
}

/** By curl, as a person with the link would. */
async function fetchStatus(url: string): Promise<string> {
  const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', String(store.caFile), url];
  return (await run('curl', args)).stdout;
}
