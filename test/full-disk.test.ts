import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../dev/bucket/server.ts';
import { createDiskShim, type DiskShim } from './support/disk-shim.ts';
import { ADMIN, type MainProcess, mainProgram, startMain } from './support/main-process.ts';
import { until } from './support/until.ts';

type Json = Record<string, unknown>;

const KEY = { accessKey: 'FULL-ACCESS-KEY', secretKey: 'full-secret-key-full-secret-key' };
const FULL =
  /^Nothing can be saved: the disk of the database .*bridgeport\.sqlite \(\S+ at \/.*\) is full\. Free some space/;

let folder: string;
let shim: DiskShim;
let bucket: DevBucket;
let program: string;
let app: MainProcess;
let token = '';
let environment = '';
let database = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'full „ü+🗄" '));
  mkdirSync(join(folder, 'files'));
  shim = await createDiskShim(join(folder, 'data'));
  program = await mainProgram();
  bucket = await startDevBucket({ folder: join(folder, 'bucket'), keys: [KEY], buckets: ['backups'] });
  app = await startMain(program, join(folder, 'data'), {
    env: { ...shim.env, LOCAL_PATHS: join(folder, 'files'), STORAGE_CA_FILE: String(bucket.caFile) },
  });
  await app.untilListening();
  token = String((await ask('POST', '/api/auth/login', ADMIN))['token']);
  await prepare();
});
beforeEach(() => shim.end());
afterAll(async () => {
  await app.kill();
  await bucket.close();
  shim.remove();
  rmSync(folder, { recursive: true });
});

/** A database whose dump takes several parts. */
async function prepare(): Promise<void> {
  const file = join(folder, 'files', 'größe +1 "🗄".sqlite');
  const large = new Database(file);
  large.exec(`create table noise (bytes blob);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
    insert into noise select randomblob(50000) from n`);
  large.close();
  environment = idOf(await ask('POST', '/api/environments', { name: 'production' }), 'environment');
  await ask('PUT', '/api/settings/spaces', {
    ...KEY,
    region: bucket.region,
    endpoint: new URL(bucket.endpoint).host,
    buckets: [],
  });
  await ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  const added = await ask('POST', `/api/environments/${environment}/databases`, {
    ...{ name: 'größe +1 "🗄"', type: 'sqlite', filePath: file, backupCompression: 'none' },
    ...{ backupStorageType: 'spaces', backupSpacesBucket: 'backups' },
  });
  database = idOf(added, 'database');
}

async function call(method: string, path: string, body?: Json): Promise<{ status: number; body: Json }> {
  const response = await fetch(app.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

async function ask(method: string, path: string, body?: Json): Promise<Json> {
  const answer = await call(method, path, body);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer.body;
}

const idOf = (answer: Json, name: string) => String((answer[name] as Json)['id']);

function postForm(path: string, form: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(app.url + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: app.url },
    body: new URLSearchParams(form),
  });
}

/** Nobody was there for a while: the next request would write when. */
function ageActivity(): void {
  const other = new Database(join(folder, 'data', 'bridgeport.sqlite'), { timeout: 5000 });
  other.prepare('update users set last_active_at = ?').run('2001-01-01T00:00:00.000Z');
  other.close();
}

async function heldBackup(
  operation: 'CreateMultipartUpload' | 'CompleteMultipartUpload',
): Promise<{ backupId: string; release: () => void }> {
  let release = () => {};
  const untilReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  const before = bucket.faults.hits().length;
  bucket.faults.add({ match: { operation }, fault: { kind: 'hold', until: untilReleased } });
  const backupId = String((await ask('POST', `/api/databases/${database}/backups`, {}))['backupId']);
  await until(`${operation} to be held`, 30_000, () => bucket.faults.hits().length > before);
  return { backupId, release };
}

const backup = async (id: string) => (await ask('GET', `/api/backups/${id}`))['backup'] as Json;

describe('while the disk of the data is full', () => {
  it('what has to be saved is refused with the reason, and what is only read is answered', async () => {
    ageActivity();
    shim.begin('full');
    expect((await call('GET', '/api/environments')).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/api/environments', { name: 'another' }],
      ['POST', `/api/databases/${database}/backups`, {}],
      ['PATCH', `/api/environments/${environment}/settings/data`, { allowBackupDownload: true }],
      ['POST', '/api/auth/login', ADMIN],
    ] as const) {
      const answer = await call(method, path, body);
      expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
      expect(answer.body['message']).toMatch(FULL);
    }
    const page = await postForm('/login', ADMIN);
    expect(page.status).toBe(503);
    expect(await page.text()).toMatch(/Nothing can be saved: the disk of the database .* is full\./);
    shim.end();
    await ask('POST', '/api/environments', { name: 'another' });
    expect(app.output()).not.toMatch(/cannot rollback|unhandled|uncaught/);
    // A full disk is no defect of ours.
    expect(app.output()).not.toMatch(/"level":"error"/);
  });

  it('/health is 503 with the reason, until there is room', async () => {
    shim.begin('full');
    const sick = await until('/health to see it', 15_000, async () => {
      const answer = await call('GET', '/health');
      return answer.status === 503 && answer;
    });
    expect(sick.body).toMatchObject({ status: 'unavailable', code: 'SERVICE_UNAVAILABLE' });
    expect(sick.body['message']).toMatch(FULL);
    shim.end();
    await until(
      '/health to be well again',
      15_000,
      async () => (await call('GET', '/health')).status === 200,
    );
  });

  it('a run that could not be recorded fails with that reason, which is saved once there is room', async () => {
    const { backupId, release } = await heldBackup('CreateMultipartUpload');
    shim.begin('full');
    release();
    await until('the run to fail', 20_000, () => app.output().includes('"message":"backup failed"'));
    expect(await backup(backupId)).toMatchObject({ status: 'in_progress' });
    shim.end();
    const ended = await until('the run to be settled', 30_000, async () => {
      const found = await backup(backupId);
      return found['status'] === 'failed' && found;
    });
    expect(ended).toMatchObject({ outcome: 'failed' });
    expect(JSON.parse(String(ended['error']))).toMatchObject({ code: 'unavailable', step: 'upload' });
    expect(JSON.parse(String(ended['error'])).message).toMatch(FULL);
    await until('the upload to be gone', 20_000, () => bucket.uploads('backups').length === 0);
    expect(bucket.objects('backups')).toEqual([]);
  });

  it('a run whose object is whole is completed once there is room', async () => {
    const { backupId, release } = await heldBackup('CompleteMultipartUpload');
    shim.begin('full');
    release();
    await until('the object to be there', 20_000, () => bucket.objects('backups').length > 0);
    shim.end();
    const ended = await until('the run to be settled', 30_000, async () => {
      const found = await backup(backupId);
      return found['status'] !== 'in_progress' && found;
    });
    expect(ended).toMatchObject({ status: 'completed', verification: 'stored' });
  });
});

describe('while another program holds the database', () => {
  it('people read, /health says so in time, and what is to be saved is saved afterwards', async () => {
    ageActivity();
    const other = new Database(join(folder, 'data', 'bridgeport.sqlite'), { timeout: 5000 });
    other.exec('BEGIN EXCLUSIVE');
    const saving = call('POST', '/api/environments', { name: 'afterwards' });
    expect((await call('GET', '/api/environments')).status).toBe(200);
    const sick = await until('/health to see it', 15_000, async () => {
      const answer = await call('GET', '/health');
      return answer.status === 503 && answer;
    });
    expect(sick.body['message']).toMatch(
      /^Another program (\(.+, process \d+\) )?holds a lock on the database .*bridgeport\.sqlite/,
    );
    other.exec('COMMIT');
    other.close();
    expect((await saving).status).toBe(200);
    await until(
      '/health to be well again',
      15_000,
      async () => (await call('GET', '/health')).status === 200,
    );
  });
});
