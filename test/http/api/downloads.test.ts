import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { type EndedBackup, type Installation, startInstallation } from '../../support/installation.ts';
import type { Rgw } from '../../support/rgw.ts';
import { sharedRgw } from '../../support/shared/rgw.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);
const NAME = 'Größe "A" 備份 (1)';

let rgw: Rgw;
let app: Installation;
let server: ReturnType<typeof serve>;
let url: string;
let token: string;
let environmentId: string;
let databaseId: string;

beforeAll(async () => {
  rgw = await sharedRgw();
  app = await startInstallation({ env: { STORAGE_CA_FILE: rgw.caFile, LOCAL_PATHS: tmpdir() } });
  const source = new Database(join(app.folder, 'source.db'));
  source.exec("create table t (x); insert into t values ('one'), ('two'), ('three')");
  source.close();
  environmentId = await app.create('environment', '/api/environments', { name: 'production' });
  await app.ask('PATCH', `/api/environments/${environmentId}/settings/data`, { allowBackupDownload: true });
  const address = { region: rgw.region, endpoint: new URL(rgw.endpoint).host };
  await app.ask('PUT', '/api/settings/spaces', { ...rgw.full, ...address });
  await app.ask('PUT', `/api/settings/spaces/environments/${environmentId}`, { enabled: true });
  databaseId = await app.create('database', `/api/environments/${environmentId}/databases`, {
    name: NAME,
    type: 'sqlite',
    filePath: join(app.folder, 'source.db'),
    backupStorageType: 'spaces',
    backupSpacesBucket: rgw.bucket,
    backupLocalPath: join(app.folder, 'backups'),
    backupCompression: 'none',
  });
  const login = { email: 'admin@example.com', password: 'correct horse battery' };
  token = String((await app.ask('POST', '/api/auth/login', login))['token']);
  server = serve({ fetch: (await createApp(app.services)).fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.close();
  if (server && 'closeAllConnections' in server) server.closeAllConnections();
  await app?.close();
  await rgw?.stop();
});

const backUpTo = async (storage: 'local' | 'spaces'): Promise<EndedBackup> => {
  await app.ask('PATCH', `/api/databases/${databaseId}`, { backupStorageType: storage });
  const backup = await app.backUp(databaseId);
  expect(backup.error).toBeNull();
  return backup;
};
const link = async (backupId: string) => {
  const { downloadUrl, expiresAt } = await app.ask('GET', `/api/backups/${backupId}/download`);
  return { downloadUrl: String(downloadUrl), expiresAt: String(expiresAt) };
};
const auditOf = (backupId: string) =>
  app.services.db
    .selectFrom('audit_logs')
    .selectAll()
    .where('resource_id', '=', backupId)
    .where('action', '=', 'download')
    .orderBy('created_at', 'desc')
    .execute();
const file = (backupId: string, init: RequestInit = {}) =>
  fetch(`${url}/api/backups/${backupId}/download`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });

describe('the download of a backup in a bucket', () => {
  let backup: EndedBackup;
  beforeAll(async () => {
    backup = await backUpTo('spaces');
  });

  it('is a link for an hour that curl opens, with the exact file name and the type of the dump', async () => {
    const before = Date.now();
    const { downloadUrl, expiresAt } = await link(backup.id);
    expect(Date.parse(expiresAt)).toBeGreaterThanOrEqual(before + 3_600_000 - 1000);
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(new URL(downloadUrl).searchParams.get('X-Amz-Expires')).toBe('3600');
    const { stdout } = await run('curl', ['-sS', '-f', '-i', '--cacert', rgw.caFile, downloadUrl]);
    const [head = '', body = ''] = stdout.split('\r\n\r\n');
    const exact = /content-disposition: attachment;.*filename\*=UTF-8''(\S+)/i.exec(head)?.[1] ?? '';
    expect(decodeURIComponent(exact)).toBe(backup.filename);
    expect(backup.filename.startsWith(NAME)).toBe(true);
    expect(head).toMatch(/content-type: application\/sql/i);
    expect(body).toContain('CREATE TABLE t');
  });

  it('is in the audit with who asked for it, from where, and until when the link works', async () => {
    const { expiresAt } = await link(backup.id);
    const [log] = await auditOf(backup.id);
    expect(log).toMatchObject({ resource_name: backup.filename, environment_id: environmentId, success: 1 });
    expect([log?.user_id === null, log?.request_id === null]).toEqual([false, false]);
    expect(JSON.parse(log?.details ?? '')).toEqual({ by: 'link', until: expiresAt });
  });

  it('answers ranges, as programs that resume a download ask for them', async () => {
    const { downloadUrl } = await link(backup.id);
    const { stdout } = await run('curl', ['-sS', '-f', '-r', '0-5', '--cacert', rgw.caFile, downloadUrl]);
    expect(stdout.length).toBe(6);
  });

  it('is refused where the storage no longer has the object, with its key', async () => {
    const gone = await backUpTo('spaces');
    const { key } = await app.services.db
      .selectFrom('backup_objects')
      .select('key')
      .where('backup_id', '=', gone.id)
      .executeTakeFirstOrThrow();
    const s3 = app.services.openS3({ endpoint: rgw.endpoint, region: rgw.region, ...rgw.full });
    await s3.bucket(rgw.bucket).remove(key);
    await s3.close();
    const { status, body } = await app.call('GET', `/api/backups/${gone.id}/download`);
    expect([status, body['code']]).toEqual([400, 'VALIDATION_ERROR']);
    expect(body['message']).toContain(`${key} is no longer in bucket ${rgw.bucket}`);
  });
});

describe('the download of a backup on a host', () => {
  let backup: EndedBackup;
  let bytes: Buffer;
  beforeAll(async () => {
    backup = await backUpTo('local');
    bytes = await readFile(backup.storagePath);
    expect(bytes.length).toBe(backup.size);
  });

  it('is the file, under its exact name, with what a client needs to resume', async () => {
    const response = await file(backup.id);
    expect(response.status).toBe(200);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('etag')).toBe(`"${backup.sha256}"`);
    expect(response.headers.get('content-length')).toBe(String(backup.size));
    const exact = /filename\*=UTF-8''(\S+)$/.exec(response.headers.get('content-disposition') ?? '')?.[1];
    expect(decodeURIComponent(exact ?? '')).toBe(backup.filename);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=7-', 7, undefined],
    ['bytes=-12', -12, undefined],
    ['bytes=5-9999999', 5, undefined],
  ])('gives the part %s', async (range, from, to) => {
    const response = await file(backup.id, { headers: { range } });
    const part = bytes.subarray(from, to);
    const start = from < 0 ? bytes.length + from : from;
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(
      `bytes ${start}-${start + part.length - 1}/${bytes.length}`,
    );
    expect(response.headers.get('content-length')).toBe(String(part.length));
    expect(Buffer.from(await response.arrayBuffer()).equals(part)).toBe(true);
  });

  it('refuses a part that is not there with the size that there is', async () => {
    const response = await file(backup.id, { headers: { range: `bytes=${bytes.length}-` } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`);
    expect(await response.json()).toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  it('gives the whole file when the part was asked of another one', async () => {
    const other = await file(backup.id, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
    expect(other.status).toBe(200);
    expect((await other.arrayBuffer()).byteLength).toBe(bytes.length);
    const same = await file(backup.id, { headers: { range: 'bytes=0-9', 'if-range': `"${backup.sha256}"` } });
    expect(same.status).toBe(206);
  });

  it('is in the audit once for all parts of an hour, and for each whole file', async () => {
    const fresh = await backUpTo('local');
    for (const range of ['bytes=0-1', 'bytes=2-3', 'bytes=4-']) {
      await (await file(fresh.id, { headers: { range } })).arrayBuffer();
    }
    await (await file(fresh.id, { method: 'HEAD' })).arrayBuffer();
    expect((await auditOf(fresh.id)).map(({ details }) => details)).toEqual(['{"by":"stream"}']);
    await (await file(fresh.id)).arrayBuffer();
    expect(await auditOf(fresh.id)).toHaveLength(2);
  });

  it('answers HEAD with the headers alone', async () => {
    const response = await file(backup.id, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect([response.status, response.headers.get('content-length')]).toEqual([206, '10']);
    expect(await response.text()).toBe('');
  });

  it('resumes with curl', async () => {
    const half = join(app.folder, 'half');
    const authorised = ['-sS', '-f', '-H', `authorization: Bearer ${token}`, '-o', half];
    await run('curl', [...authorised, '-r', '0-20', `${url}/api/backups/${backup.id}/download`]);
    await run('curl', [...authorised, '-C', '-', `${url}/api/backups/${backup.id}/download`]);
    expect((await readFile(half)).equals(bytes)).toBe(true);
  });

  it('needs the same rights as a link: a session, and an environment that allows it', async () => {
    const anonymous = await file(backup.id, { headers: { authorization: '' } });
    expect(anonymous.status).toBe(401);
    const settings = `/api/environments/${environmentId}/settings/data`;
    await app.ask('PATCH', settings, { allowBackupDownload: false });
    const refused = await file(backup.id, { headers: { range: 'bytes=0-1' } });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { message: 'Backup downloads are not allowed for this environment' },
    ]);
    await app.ask('PATCH', settings, { allowBackupDownload: true });
  });

  it('ends the process that reads the file when the client goes away', async () => {
    const large = await backUpTo('local');
    truncateSync(large.storagePath, 4 * 2 ** 30);
    const client = new AbortController();
    const response = await file(large.id, { signal: client.signal });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    expect(readersOf(large.storagePath)).toHaveLength(1);
    client.abort();
    await until('the reading process to end', 10_000, () =>
      readersOf(large.storagePath).length === 0 ? true : undefined,
    );
  });
});

/** Ids of processes that have the path in their arguments. */
function readersOf(path: string): readonly string[] {
  return readdirSync('/proc').filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0').includes(path);
    } catch {
      return false; // it ended meanwhile
    }
  });
}
