import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRestoreTarget, UNKNOWN_DUMP } from '../../src/restores/open-target.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';
import { newSshKeys } from '../support/ssh-key.ts';

const PASSWORD = 'ge"heim\' <b> 😀 of the one who restores';
const OWN_PASSWORD = 'of the one who backs up';
const LOGIN = { username: `wieder ü"' <script>`, password: PASSWORD };

let app: TestApp;
let environmentId: string;
let serverId: string;
beforeEach(async () => {
  app = await openTestApp();
  environmentId = (await made('/api/environments', { name: 'prod "ü" 😀' })).environment.id;
  const server = { name: 'db <1>', hostname: 'localhost' };
  serverId = (await made(`/api/environments/${environmentId}/servers`, server)).server.id;
});
afterEach(() => app.close());

async function made(path: string, body: object) {
  const reply = await app.call('POST', path, { body });
  expect(reply.status).toBe(200);
  return reply.body;
}

const path = (engine = '') => `/api/servers/${serverId}/restore-logins${engine && `/${engine}`}`;
const put = (body: object, engine = 'postgres') => app.call('PUT', path(engine), { body });

async function database(more: object = {}): Promise<string> {
  const body = {
    ...{
      name: 'shop + "ü"',
      type: 'postgres',
      serverId,
      host: '127.0.0.1',
      port: 5432,
      databaseName: 'shop',
    },
    ...{ username: 'reader', password: OWN_PASSWORD },
    ...more,
  };
  return (await made(`/api/environments/${environmentId}/databases`, body)).database.id;
}

/** Whom a restore of it would sign in as. */
async function whoRestores(databaseId: string, place: object = {}): Promise<string> {
  const { host, port, options } = await app.services.db
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const ids = { id: 'one', database_id: databaseId, server_id: serverId };
  const row = restoreRow({ ...ids, host, port, options, ...place });
  const opened = await openRestoreTarget(app.services, row, UNKNOWN_DUMP, 'person');
  await opened.host.close();
  const { script, secrets = {} } = opened.plan.create;
  expect(script).not.toContain(PASSWORD);
  const password = secrets['PGPASSWORD'];
  if (password === PASSWORD) expect(script).toMatch(/wieder|zweite/);
  return password === PASSWORD ? 'login' : password === OWN_PASSWORD ? 'backs up' : 'nobody';
}

describe('the login for restores of a server', () => {
  it('is none at first, is stored sealed, and its password is never given back', async () => {
    expect((await app.call('GET', path())).body).toEqual({ logins: [] });
    const { status, body } = await put(LOGIN);
    expect(status).toBe(200);
    const shown = { engine: 'postgres', username: LOGIN.username, host: null, port: null };
    expect(body.login).toMatchObject({ ...shown, tlsMode: 'off', held: [] });
    expect((await app.call('GET', path(), { token: app.tokens.operator })).body.logins).toEqual([body.login]);
    const rows = JSON.stringify([
      await app.services.db.selectFrom('restore_logins').selectAll().execute(),
      await app.services.db.selectFrom('audit_logs').selectAll().execute(),
    ]);
    expect(rows).not.toContain('ge\\"heim');
    expect(rows).toContain('"restore_login"');
    expect((await app.call('DELETE', path('postgres'))).status).toBe(200);
    expect((await app.call('GET', path())).body).toEqual({ logins: [] });
  });

  it('is for admins to store, and of an engine that has users', async () => {
    for (const token of [app.tokens.operator, app.tokens.viewer]) {
      expect((await app.call('PUT', path('postgres'), { token, body: LOGIN })).status).toBe(403);
      expect((await app.call('DELETE', path('postgres'), { token })).status).toBe(403);
    }
    expect((await app.call('GET', path(), { token: app.tokens.viewer })).status).toBe(403);
    for (const engine of ['sqlite', 'redis', '..%2f']) expect((await put(LOGIN, engine)).status).toBe(400);
    for (const body of [{}, { ...LOGIN, password: '' }, { ...LOGIN, username: ' ' }, { ...LOGIN, port: 0 }]) {
      expect((await put(body)).status).toBe(400);
    }
    expect((await app.call('PUT', '/api/servers/none/restore-logins/postgres', { body: LOGIN })).status).toBe(
      404,
    );
  });

  it('signs in for restores where nobody is typed, to that database server alone', async () => {
    const id = await database();
    expect(await whoRestores(id)).toBe('backs up');
    await put(LOGIN);
    // The usual port, and the machine's names for itself, are the same server.
    expect(await whoRestores(id)).toBe('login');
    expect(await whoRestores(await database({ name: 'by socket', host: null, port: null }))).toBe('login');
    expect(await whoRestores(await database({ name: 'another', port: 5433 }))).toBe('backs up');
    expect(await whoRestores(await database({ name: 'elsewhere', host: 'evil.example' }))).toBe('backs up');
    await put({ ...LOGIN, host: 'db.internal', port: 6432 });
    expect(await whoRestores(id)).toBe('backs up');
    const inside = await database({ name: 'inside', host: 'DB.internal', port: 6432 });
    expect(await whoRestores(inside)).toBe('login');
  });

  it('is not sent on a way that is less protected than it was given for', async () => {
    await put({ ...LOGIN, host: 'db.internal', tlsMode: 'encrypt' });
    const open = await database({ host: 'db.internal' });
    await expect(whoRestores(open)).rejects.toMatchObject({
      code: 'password_held',
      message: expect.stringContaining('TLS: not required instead of encrypted only'),
    });
    expect(await whoRestores(await database({ name: 'two', host: 'db.internal', useSsl: true }))).toBe(
      'login',
    );
  });

  it('is held where the server has moved, until it is typed again', async () => {
    const id = await database();
    await put(LOGIN);
    await app.services.db.updateTable('servers').set({ ssh_port: 2200 }).where('id', '=', serverId).execute();
    const { logins } = (await app.call('GET', path())).body;
    expect(logins[0].held).toEqual(['SSH port of the server: 2200 instead of 22']);
    await expect(whoRestores(id)).rejects.toMatchObject({
      code: 'password_held',
      message: expect.stringContaining('"db <1>" is not sent'),
    });
    await put(LOGIN);
    expect(await whoRestores(id)).toBe('login');
  });

  it('follows the SSH user of the environment', async () => {
    await put(LOGIN);
    const changed = await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: newSshKeys().private, sshUser: 'another' },
    });
    expect(changed.status).toBe(200);
    expect((await app.call('GET', path())).body.logins[0].held).toEqual([]);
  });

  it('lets a restore lead to another server without a typed password', async () => {
    const id = await database();
    const other = { name: 'two', hostname: 'localhost', sshPort: 23 };
    const elsewhere = (await made(`/api/environments/${environmentId}/servers`, other)).server.id;
    const backup = await insertBackup(app.services.db, new Date(), {
      ...{ status: 'completed', outcome: 'completed', size: 1, bytes_stored: 1, format: 'plain' },
      ...{ compression: 'none', verification: 'stored', storage_type: 'local' },
    });
    await app.services.db
      .updateTable('backups')
      .set({ database_id: id })
      .where('id', '=', backup.id)
      .execute();
    const ask = (body: object = { serverId: elsewhere }) =>
      app.call('POST', `/api/backups/${backup.id}/restore`, { token: app.tokens.operator, body });
    const foreign = (await made('/api/environments', { name: 'foreign <ü>' })).environment.id;
    const there = (await made(`/api/environments/${foreign}/servers`, other)).server.id;
    const typed = { serverId: there, username: 'me', password: 'typed', confirm: 'foreign <ü>' };
    const forbidden = await ask(typed);
    expect(forbidden.status).toBe(403);
    expect(JSON.stringify(forbidden.body)).toContain('Only admins restore into another environment');
    const refused = await ask();
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain('an admin store a login for restores');
    await app.call('PUT', `/api/servers/${elsewhere}/restore-logins/postgres`, { body: LOGIN });
    expect((await ask()).status).toBe(200);
  });

  it('goes with its server', async () => {
    await put(LOGIN);
    expect((await app.call('DELETE', `/api/servers/${serverId}`)).status).toBe(200);
    expect(await app.services.db.selectFrom('restore_logins').selectAll().execute()).toEqual([]);
  });

  it('is stored once where two admins store it at once', async () => {
    const replies = await Promise.all([put(LOGIN), put({ ...LOGIN, username: 'zweite' })]);
    expect(replies.map(({ status }) => status).sort()[0]).toBe(200);
    const id = await database();
    expect(await whoRestores(id)).toBe('login');
  });
});
