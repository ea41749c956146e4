import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { hc } from 'hono/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';
import type { Api } from '../src/http/api/client-type.ts';
import { serveApp } from '../src/http/node/serve.ts';
import { type Installation, type Json, startInstallation } from './support/installation.ts';

const EXAMPLE = fileURLToPath(new URL('../docs/examples/back-up.ts', import.meta.url));
const NAME = 'größe "x" 🐘 <b>';

let folder: string;
let installation: Installation;
let server: ReturnType<typeof serveApp>;
let url: string;
let token: string;
let databaseId: string;
let failingId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client ü '));
  mkdirSync(join(folder, 'kept'));
  const source = new Database(join(folder, 'source.db'));
  source.exec('create table things (name); insert into things values (1)');
  source.close();
  installation = await startInstallation({ env: { LOCAL_PATHS: folder } });
  const environment = await installation.create('environment', '/api/environments', { name: NAME });
  await installation.ask('PATCH', `/api/environments/${environment}/settings/data`, {
    allowBackupDownload: true,
  });
  const add = (filePath: string) =>
    installation.create('database', `/api/environments/${environment}/databases`, {
      ...{ name: `${NAME} ${filePath}`, type: 'sqlite', filePath },
      ...{ backupStorageType: 'local', backupLocalPath: join(folder, 'kept') },
    });
  databaseId = await add(join(folder, 'source.db'));
  failingId = await add(join(folder, 'missing.db'));
  const { user } = (await installation.ask('GET', '/api/auth/me')) as { user: Json };
  const made = await installation.ask('POST', '/api/admin/tokens', {
    ...{ name: NAME, ownerUserId: user['id'], role: 'operator', allEnvironments: true, expiresInDays: 1 },
  });
  token = String(made['token']);
  const listening = Promise.withResolvers<number>();
  const app = await createApp(installation.services);
  server = serveApp(app, { host: '127.0.0.1', port: 0 }, ({ port }) => listening.resolve(port));
  url = `http://127.0.0.1:${await listening.promise}`;
});
afterAll(async () => {
  const closed = once(server, 'close');
  server.close();
  await closed;
  await installation.close();
  rmSync(folder, { recursive: true });
});

async function example(id: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [EXAMPLE, id], {
    env: { BRIDGEPORT_URL: url, BRIDGEPORT_TOKEN: token, ...env },
  });
  const ended = once(child, 'close');
  const [out, told, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { out, told: told.trim(), status };
}

it('the example of a client backs up, waits for the end and reads the manifest', async () => {
  const { out, told, status } = await example(databaseId);
  expect([told, status]).toEqual(['', 0]);
  const { backupId, bytes, manifest } = JSON.parse(out);
  const { backup } = (await installation.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
  expect(backup).toMatchObject({ status: 'completed', size: bytes });
  expect(JSON.stringify(manifest)).toContain(String(backup['sha256']));
});

it('the example says what was refused, and what failed', async () => {
  expect(await example(databaseId, { BRIDGEPORT_TOKEN: 'bport_pat_wrong' })).toMatchObject({
    ...{ told: '401 UNAUTHORIZED: Unauthorized', status: 1 },
  });
  expect(await example('nothing')).toMatchObject({ told: '404 NOT_FOUND: Database not found', status: 1 });
  const failed = await example(failingId);
  expect(failed.status).toBe(1);
  expect(failed.told).toMatch(/^The backup is failed: .*missing\.db/);
});

it('a file that is tried to be downloaded in the reference is not read through', async () => {
  const { api } = hc<Api>(url, { headers: { Authorization: `Bearer ${token}` } });
  const asked = await api.databases[':id'].backups.$get({ param: { id: databaseId }, query: {} });
  if (!asked.ok) throw new Error((await asked.json()).message);
  const id = (await asked.json()).backups.find(({ status }) => status === 'completed')?.id ?? '';
  const tried = await fetch(`${url}/docs/get-backups-id-download`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ 'param.id': id, token }),
  });
  const html = await tried.text();
  expect(html).toMatch(/badge-success">200 OK/);
  expect(html).toContain('which is not shown here: fetch it by the command below.');
  expect(html).toContain(`&#39;${url}/api/backups/${id}/download&#39;`);
  expect(html).toMatch(/curl -fsSg -X GET -o &#39;.*\.sql\.part&#39; /);
});

it('the command that the reference shows is taken by a shell as it was typed', async () => {
  const name = `it's "$(id)" \\ \`x\` 🐘`;
  const { token: asAdmin } = await installation.ask('POST', '/api/auth/login', {
    ...{ email: 'admin@example.com', password: 'correct horse battery' },
  });
  const tried = await fetch(`${url}/docs/post-environments`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ body: JSON.stringify({ name }), token: String(asAdmin), confirm: 'true' }),
  });
  const escaped = /id="curl-line">([^<]*)</.exec(await tried.text())?.[1] ?? '';
  const command = escaped.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  const shell = spawn('sh', ['-c', command], {
    env: { PATH: process.env['PATH'], TOKEN: String(asAdmin) },
  });
  // It was created when it was tried: sent again as it was, it is there already.
  expect(JSON.parse(await text(shell.stdout))).toMatchObject({ code: 'CONFLICT' });
  const { environments } = (await installation.ask('GET', '/api/environments')) as { environments: Json[] };
  expect(environments.map((one) => one['name']).sort()).toEqual([NAME, name].sort());
});
