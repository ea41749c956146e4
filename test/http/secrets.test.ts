import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSession } from '../../src/auth/sessions.ts';
import { getUser } from '../../src/auth/users.ts';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { newSshKeys } from '../support/ssh-key.ts';

/** Each secret holds this word; nothing that comes out of the app may. */
const MARK = 'Hush7f3a';

let app: TestApp;
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  app = await openTestApp();
  const post = async (path: string, body?: object) => (await app.call('POST', path, { body })).body;
  const environment = await post('/api/environments', { name: 'production' });
  const envId: string = environment.environment.id;
  await app.call('PUT', `/api/environments/${envId}/ssh`, {
    // What stands before a key's first line is no part of it, and is kept.
    body: { sshPrivateKey: `${MARK}-ssh\n${newSshKeys().private}` },
  });
  await app.call('PATCH', `/api/environments/${envId}/settings/data`, {
    body: { allowBackupDownload: true },
  });
  const server = await post(`/api/environments/${envId}/servers`, { name: 'db1', hostname: '127.0.0.9' });
  const database = await post(`/api/environments/${envId}/databases`, {
    ...{ name: 'appdb', type: 'postgres', serverId: server.server.id, backupStorageType: 'spaces' },
    ...{ username: `${MARK}-user`, password: `${MARK}-password` },
  });
  await app.call('PUT', '/api/settings/spaces', {
    body: { accessKey: 'AKIAVISIBLE', secretKey: `${MARK}-s3`, region: 'us-east-1', endpoint: '127.0.0.1:1' },
  });
  await app.call('PUT', `/api/settings/spaces/environments/${envId}`, { body: { enabled: true } });
  const user = await post('/api/users', { email: 'new@example.com', password: `${MARK}-login` });
  const backup = await post(`/api/databases/${database.database.id}/backups`);
  ids = {
    envId,
    serverId: server.server.id,
    databaseId: database.database.id,
    userId: user.user.id,
    backupId: backup.backupId,
  };
});
afterAll(() => app.close());

/** The ids that fit a path, the first `:id` meaning what stands before it. */
function withIds(path: string): string {
  const byNoun: Readonly<Record<string, string | undefined>> = {
    environments: ids['envId'],
    servers: ids['serverId'],
    databases: ids['databaseId'],
    backups: ids['backupId'],
    users: ids['userId'],
    settings: 'data',
  };
  return path.replaceAll(/(\w+)\/:\w+/g, (_, noun: string) => `${noun}/${byNoun[noun] ?? 'unknown'}`);
}

describe('a stored secret', () => {
  it('is in no answer of the API but the one that reveals the SSH key', async () => {
    const answered: string[] = [];
    for (const { method, path } of routesOf(apiGroups(app.services))) {
      const isTest = /\/(test|test-ssh|health|test-connection)$/.test(path);
      if ((method !== 'GET' && !isTest) || path.endsWith('/ssh-key')) continue;
      const { status, body } = await app.call(method, withIds(path));
      expect(JSON.stringify(body), `${method} ${path}`).not.toContain(MARK);
      if (status === 200) answered.push(path);
    }
    expect(answered.length).toBeGreaterThan(18);
    const revealed = await app.call('GET', `/api/environments/${ids['envId']}/ssh-key`);
    expect(revealed.body.privateKey).toContain(MARK);
  });

  it('is on no page', async () => {
    const admin = await getUser(app.services.db, app.userIds.admin);
    const { token } = await startSession(app.services, admin, 'ui');
    const headers = { cookie: `bridgeport_session=${token}`, accept: 'text/html' };
    const seen = new Set<string>();
    const waiting = ['/'];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path) || seen.size > 80) continue;
      seen.add(path);
      const page = await app.call('GET', path, { token: null, headers });
      const text = String(page.body);
      expect(text, path).not.toContain(MARK);
      const links = [...text.matchAll(/(?:href|action|hx-get)="(\/[^"#]*)"/g)].map(([, link = '']) => link);
      waiting.push(page.headers.get('location') ?? '', ...links);
      for (const link of waiting.splice(0)) {
        if (link !== '' && !/^\/(assets|logout|api)/.test(link)) waiting.push(link.replaceAll('&amp;', '&'));
      }
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  it('is in no log line and nowhere in the database as it was given', async () => {
    expect(app.log.join('\n')).not.toContain(MARK);
    for (const { name } of await app.services.db.introspection.getTables()) {
      const { rows } = await sql.raw(`select * from ${name}`).execute(app.services.db);
      expect(JSON.stringify(rows), name).not.toContain(MARK);
    }
  });
});

describe('the credentials of API and pages', () => {
  it('open only their own side', async () => {
    const admin = await getUser(app.services.db, app.userIds.admin);
    const { token } = await startSession(app.services, admin, 'ui');
    expect((await app.call('GET', '/api/auth/me', { token })).status).toBe(401);
    const cookie = { cookie: `bridgeport_session=${token}` };
    expect((await app.call('GET', '/api/auth/me', { token: null, headers: cookie })).status).toBe(401);
    const page = (headers: Record<string, string>, bearer: string | null = null) =>
      app.call('GET', '/users', { token: bearer, headers: { accept: 'text/html', ...headers } });
    expect((await page(cookie)).status).not.toBe(303);
    expect((await page({ cookie: `bridgeport_session=${app.tokens.admin}` })).status).toBe(303);
    expect((await page({}, app.tokens.admin)).status).toBe(303);
  });
});
