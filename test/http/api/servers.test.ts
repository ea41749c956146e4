import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tryDatabase } from '../../../src/databases/try-database.ts';
import { openRestoreTarget, starterOf, UNKNOWN_DUMP } from '../../../src/restores/open-target.ts';
import { loadRestore } from '../../../src/restores/restores.ts';
import { lookAtHostKey } from '../../../src/servers/look-at-host-key.ts';
import { tryServer } from '../../../src/servers/try-server.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { freePort } from '../../support/free-port.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

const NOBODY = { userId: null, address: null };

let app: TestApp;
let environmentId: string;
beforeEach(async () => {
  app = await openTestApp();
  environmentId = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body
    .environment.id;
});
afterEach(() => app.close());

const create = (body: object = {}) =>
  app.call('POST', `/api/environments/${environmentId}/servers`, {
    token: app.tokens.operator,
    body: { name: 'db1', hostname: '10.0.0.5', ...body },
  });

describe('a server', () => {
  it('is created, changed, listed and deleted', async () => {
    const { status, body } = await create({ tags: ['db', 'prod'], publicIp: '203.0.113.9' });
    expect(status).toBe(200);
    expect(body.server).toMatchObject({
      name: 'db1',
      hostname: '10.0.0.5',
      publicIp: '203.0.113.9',
      tags: '["db","prod"]',
      status: 'unknown',
      lastCheckedAt: null,
      sshPort: 22,
      sshUser: null,
      hostKeyFingerprint: null,
      environmentId,
    });
    const path = `/api/servers/${body.server.id}`;
    const changed = await app.call('PATCH', path, {
      body: { publicIp: null, sshPort: 2222, sshUser: 'backup' },
    });
    expect(changed.body.server).toMatchObject({
      name: 'db1',
      publicIp: null,
      sshPort: 2222,
      sshUser: 'backup',
    });
    const list = await app.call('GET', `/api/environments/${environmentId}/servers`);
    expect([list.body.total, list.body.servers[0].id]).toEqual([1, body.server.id]);
    expect((await app.call('DELETE', path, { token: app.tokens.operator })).status).toBe(403);
    expect((await app.call('DELETE', path)).body).toEqual({ success: true });
    expect((await app.call('GET', path)).body.message).toBe('Server not found');
  });

  it('refuses a name that is taken, bad values and read-only fields', async () => {
    const { id } = (await create()).body.server;
    const again = await create();
    expect([again.status, again.body.message]).toEqual([409, 'Server already exists']);
    for (const bad of [
      { hostname: '' },
      { hostname: 'a b' },
      { sshPort: 70_000 },
      { tags: 'db' },
      { name: '\n' },
    ]) {
      expect((await create({ name: 'x', ...bad })).status, JSON.stringify(bad)).toBe(400);
    }
    const readonly = await app.call('PATCH', `/api/servers/${id}`, { body: { status: 'healthy' } });
    expect([readonly.status, readonly.body.field]).toEqual([422, 'status']);
    expect((await app.call('GET', '/api/environments/unknown/servers')).body.message).toBe(
      'Environment not found',
    );
  });

  it.each([
    '-oProxyCommand=id',
    '$(id)',
    'a;b',
    'a|b',
    '`id`',
    'a&b',
    "a'b",
    'a"b',
    'a\\b',
    'a>b',
    'a*',
    'a,b',
    'a#b',
    '~root',
  ])('refuses the host name %j and the user of that name', async (text) => {
    const { status, body } = await create({ name: 'x', hostname: text });
    expect([status, body.details?.[0].path]).toEqual([400, ['hostname']]);
    if (text !== 'a,b' && text !== '~root') {
      expect((await create({ name: 'x', sshUser: text })).status).toBe(400);
    }
  });

  it.each([
    'db_1.example.com',
    'bücher.example',
    '[2001:db8::1]',
    'fe80::1%eth0',
    '10.0.0.5',
    'xn--bcher-kva.example.',
  ])('takes the host name %j', async (hostname) => {
    expect((await create({ hostname })).status).toBe(200);
  });

  it('that has databases can not be deleted', async () => {
    const { id } = (await create()).body.server;
    await app.call('POST', `/api/environments/${environmentId}/databases`, {
      body: { name: 'appdb', type: 'postgres', serverId: id },
    });
    const { status, body } = await app.call('DELETE', `/api/servers/${id}`);
    expect([status, body.code]).toEqual([409, 'CONFLICT']);
    expect(body.message).toContain('appdb');
  });

  it('on which backups lie is kept, and gives up the files of deleted ones when it goes', async () => {
    const { id } = (await create()).body.server;
    const database = await app.call('POST', `/api/environments/${environmentId}/databases`, {
      body: { name: 'appdb', type: 'postgres', serverId: id },
    });
    const databaseId = database.body.database.id;
    const { backupId } = (await app.call('POST', `/api/databases/${databaseId}/backups`)).body;
    const { db } = app.services;
    const place = { endpoint: `host:${id}`, region: null, bucket: '', key: '/var/backups/a.sql' };
    await db
      .updateTable('backups')
      .set({ status: 'completed', outcome: 'completed' })
      .where('id', '=', backupId)
      .execute();
    await db
      .insertInto('backup_objects')
      .values({ id: 'object', backup_id: backupId, kind: 'dump', number: 0, ...place })
      .execute();
    // The database moves to another server; its old backup stays where it is.
    const other = (await create({ name: 'db2' })).body.server.id;
    await app.call('PATCH', `/api/databases/${databaseId}`, { body: { serverId: other } });

    const refused = await app.call('DELETE', `/api/servers/${id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT']);
    expect(refused.body.message).toContain('appdb');

    await app.call('DELETE', `/api/backups/${backupId}`);
    expect((await app.call('DELETE', `/api/servers/${id}`)).status).toBe(200);
    expect(await db.selectFrom('backup_objects').selectAll().execute()).toEqual([]);
    const audited = await db
      .selectFrom('audit_logs')
      .select('details')
      .where('resource_type', '=', 'server')
      .where('action', '=', 'delete')
      .executeTakeFirstOrThrow();
    expect(audited.details).toContain('"filesGivenUp":1');
  });
});

describe('the host key of a server', () => {
  it('is pinned from a line of ssh-keyscan and forgotten', async () => {
    const { id } = (await create()).body.server;
    const path = `/api/servers/${id}/host-key`;
    const pinned = await app.call('PUT', path, { body: { hostKey: `10.0.0.5 ${HOST_KEY} comment\n` } });
    // As `ssh-keygen -lf` prints it.
    expect(pinned.body.server.hostKeyFingerprint).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
    const row = await app.services.db.selectFrom('servers').select('host_key').executeTakeFirstOrThrow();
    expect(row.host_key).toBe(HOST_KEY);
    expect((await app.call('DELETE', path)).body.server.hostKeyFingerprint).toBeNull();
  });

  it.each([
    'nonsense',
    'ssh-ed25519 AAAA',
    `${HOST_KEY}\n${HOST_KEY}`,
    HOST_KEY.replace('ssh-ed25519', 'ssh-rsa'),
  ])('is not pinned from %j', async (hostKey) => {
    const { id } = (await create()).body.server;
    const { status, body } = await app.call('PUT', `/api/servers/${id}/host-key`, { body: { hostKey } });
    expect([status, body.field]).toEqual([400, 'hostKey']);
  });
});

describe('the SSH test of a server', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  const test = async (id: string) => (await app.call('POST', `/api/servers/${id}/test-ssh`)).body;

  it('says that the key is missing', async () => {
    const { id } = (await create()).body.server;
    const { status, body } = await app.call('POST', `/api/servers/${id}/test-ssh`);
    expect(status).toBe(200);
    expect(body).toEqual({
      success: false,
      durationMs: expect.any(Number),
      error: 'SSH key not configured for this environment',
    });
    expect((await app.call('POST', '/api/servers/unknown/test-ssh')).status).toBe(404);
  });

  it('signs in, pins the key of the host and says so once', async () => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.usersByShell.bash },
    });
    const { id } = (await create({ hostname: sshd.host, sshPort: sshd.port })).body.server;
    expect(await test(id)).toEqual({
      success: true,
      durationMs: expect.any(Number),
      pinnedFingerprint: sshd.fingerprint(),
    });
    expect(await test(id)).toEqual({ success: true, durationMs: expect.any(Number) });
    // Whom the installation owes that trust to.
    const pins = await app.services.db
      .selectFrom('audit_logs')
      .select(['action', 'user_id', 'address', 'resource_id', 'details'])
      .where('details', 'like', '%at the first contact%')
      .execute();
    const details = JSON.stringify({ hostKey: sshd.fingerprint(), pinned: 'at the first contact' });
    expect(pins).toEqual([
      { action: 'update', user_id: app.userIds.admin, address: '203.0.113.7', resource_id: id, details },
    ]);
    const { body } = await app.call('GET', `/api/servers/${id}`);
    expect(body.server).toMatchObject({ status: 'healthy', hostKeyFingerprint: sshd.fingerprint() });
  });

  it('is not the only one that pins: a restore does, too, for who asked for it', async () => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.usersByShell.bash },
    });
    const { id } = (await create({ hostname: sshd.host, sshPort: sshd.port })).body.server;
    const { db } = app.services;
    const { id: backupId, database_id: databaseId } = await insertBackup(db, new Date(), {
      ...{ status: 'completed', outcome: 'completed', size: 1, bytes_stored: 1, format: 'plain' },
    });
    await db
      .updateTable('databases')
      .set({ environment_id: environmentId, type: 'postgres', database_name: 'shop', credentials: null })
      .where('id', '=', databaseId)
      .execute();
    const { body } = await app.call('POST', `/api/backups/${backupId}/restore`, {
      token: app.tokens.operator,
      body: { serverId: id },
    });
    const row = await loadRestore(db, body.runId);
    const { host } = await openRestoreTarget(app.services, row, UNKNOWN_DUMP, starterOf(row));
    const options = { signal: new AbortController().signal, idleTimeoutMs: 15_000 };
    for await (const _ of host.run({ script: 'exit 0' }, options)) throw new Error('It says something.');
    await host.close();
    const pin = await db
      .selectFrom('audit_logs')
      .select(['user_id', 'resource_id'])
      .where('details', 'like', '%at the first contact%')
      .executeTakeFirst();
    expect(pin).toEqual({ user_id: app.userIds.operator, resource_id: id });
  });

  it.each([
    ['db1', 'db1 (127.0.0.9), 127.0.0.9 port'],
    ['127.0.0.9', '127.0.0.9 port'],
  ])('names the server %s, and its address once where it is called by that', async (name, says) => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: 'root' },
    });
    const sshPort = await freePort();
    const { id } = (await create({ name, hostname: '127.0.0.9', sshPort })).body.server;
    const { error } = await test(id);
    expect(error).toMatch(/nothing listens there/);
    expect(error.slice(0, error.indexOf(':'))).toBe(`${says} ${sshPort}`);
  });

  it('pins the key alone that a person was shown before, which is seen without signing in and without pinning', async () => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.usersByShell.bash },
    });
    const { id } = (await create({ hostname: sshd.host, sshPort: sshd.port })).body.server;
    const { signal } = new AbortController();
    const pinned = async () => (await app.call('GET', `/api/servers/${id}`)).body.server.hostKeyFingerprint;
    const fingerprint = sshd.fingerprint();
    expect([await lookAtHostKey(app.services, id, signal), await pinned()]).toEqual([
      { fingerprint, isPinned: false },
      null,
    ]);
    const between = await tryServer(app.services, NOBODY, id, signal, 'SHA256:another');
    expect([between.success, await pinned()]).toEqual([false, null]);
    expect(between).toMatchObject({
      otherFingerprint: fingerprint,
      error: `You were shown the host key SHA256:another, now ${fingerprint} is presented: somebody may stand in between. Nothing was sent.`,
    });
    expect((await tryServer(app.services, NOBODY, id, signal, sshd.fingerprint())).success).toBe(true);
    expect([await lookAtHostKey(app.services, id, signal), await pinned()]).toEqual([
      { fingerprint, isPinned: true },
      fingerprint,
    ]);
    // Somebody else has pinned it since another was shown.
    const late = await tryServer(app.services, NOBODY, id, signal, 'SHA256:another');
    expect(late).toMatchObject({ success: false, otherFingerprint: fingerprint });
    expect(late.error).toContain(`now ${fingerprint} is pinned`);
    await expect(lookAtHostKey(app.services, 'unknown', signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('and that of its databases tell how long they took, whatever the clock is set to meanwhile', async () => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.usersByShell.bash },
    });
    const { id } = (await create({ hostname: sshd.host, sshPort: sshd.port })).body.server;
    await sshd.insideHost(`sqlite3 '/var/backups/ü + 1.db' 'pragma journal_mode=wal; create table t (x)'`);
    const { database } = (
      await app.call('POST', `/api/environments/${environmentId}/databases`, {
        body: { name: 'ü + 😀', type: 'sqlite', filePath: '/var/backups/ü + 1.db', serverId: id },
      })
    ).body;
    let looks = 0;
    const now = () => {
      looks += 1;
      return new Date(Date.UTC(2026, 0) - looks * 3_600_000);
    };
    const services = { ...app.services, now };
    const signal = new AbortController().signal;
    const ssh = await tryServer(services, NOBODY, id, signal);
    const actor = { userId: null, address: null };
    const look = await tryDatabase(services, actor, environmentId, database.id, signal);
    expect([ssh.success, look.success, look.error]).toEqual([true, true, undefined]);
    expect(Math.min(ssh.durationMs, look.latencyMs ?? -1)).toBeGreaterThanOrEqual(0);
  });

  it('refuses a host whose key is another than the pinned one', async () => {
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: sshd.privateKey, sshUser: sshd.usersByShell.bash },
    });
    const { id } = (await create({ hostname: sshd.host, sshPort: sshd.port })).body.server;
    await app.call('PUT', `/api/servers/${id}/host-key`, { body: { hostKey: HOST_KEY } });
    const answer = await test(id);
    expect(answer.success).toBe(false);
    expect(answer.error).toContain('host key');
    expect((await app.call('GET', `/api/servers/${id}`)).body.server.status).toBe('unhealthy');
  });

  it('tells whether commands run as the health of the server', async () => {
    const { id } = (await create({ hostname: 'localhost' })).body.server;
    expect((await app.call('POST', `/api/servers/${id}/health`)).body).toEqual({ status: 'healthy' });
  });
});
