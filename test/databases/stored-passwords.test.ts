import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../support/app.ts';
import { makeAuthority } from '../support/certificates.ts';
import {
  type RogueServer,
  startRogueMysql,
  startRoguePostgres,
  startRogueSshd,
} from '../support/rogue-servers.ts';
import { newSshKeys } from '../support/ssh-key.ts';

const PASSWORD = 'Geheim + "ü" 🗝';

let app: TestApp;
let environmentId: string;
/** The server that the password was given for: it asks for it in the same way as the rogue one. */
let own: RogueServer;
let rogue: RogueServer;
const closings: (() => Promise<void>)[] = [];

beforeEach(async () => {
  app = await openTestApp();
  closings.push(() => app.close());
  [own, rogue] = [await startRoguePostgres(), await startRoguePostgres()];
  closings.push(own.close, rogue.close);
  const made = await app.call('POST', '/api/environments', { body: { name: 'prod + "ü" 🌍' } });
  environmentId = made.body.environment.id;
  await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
    body: { sshPrivateKey: newSshKeys().private, sshUser: 'backup' },
  });
});
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** A PostgreSQL database of this machine, registered by an admin. */
async function register(input: object = {}): Promise<string> {
  const { status, body } = await app.call('POST', `/api/environments/${environmentId}/databases`, {
    body: {
      ...{ name: `kunden + "ü" ${crypto.randomUUID()}`, type: 'postgres', host: '127.0.0.1', port: own.port },
      ...{ databaseName: 'kunden', username: 'leser', password: PASSWORD },
      ...input,
    },
  });
  expect(status).toBe(200);
  return body.database.id;
}

async function addServer(input: object): Promise<string> {
  const { body } = await app.call('POST', `/api/environments/${environmentId}/servers`, {
    body: { name: `db ${crypto.randomUUID()}`, ...input },
  });
  return body.server.id;
}

const asOperator = (method: string, path: string, body?: object) =>
  app.call(method, path, { token: app.tokens.operator, body });

async function change(id: string, body: object): Promise<void> {
  expect((await asOperator('PATCH', `/api/databases/${id}`, body)).status).toBe(200);
}

async function test(id: string): Promise<{ success: boolean; error?: string }> {
  const path = `/api/environments/${environmentId}/databases/${id}/test-connection`;
  const { status, body } = await asOperator('POST', path);
  expect(status).toBe(200);
  return body;
}

const held = async (id: string) =>
  (await app.call('GET', `/api/databases/${id}`)).body.database.passwordHeld as {
    target: string;
    changes: string[];
  } | null;

const HELD = /^The stored password of database "kunden [^\n]*" is not sent/;

const audited = async (action: string) =>
  app.services.db
    .selectFrom('audit_logs')
    .select(['details', 'user_id', 'success'])
    .where('action', '=', action)
    .execute();

describe('a stored password', () => {
  it('goes to the server that it was given for', async () => {
    const id = await register();
    await test(id);
    expect(own.heard()).toContain(PASSWORD);
    expect(await held(id)).toBeNull();
  });

  it('is not sent to another port, host or kind of server that an operator chooses', async () => {
    const mysql = await startRogueMysql();
    closings.push(mysql.close);
    for (const [name, changed] of [
      ['port', { port: rogue.port }],
      ['host', { host: '127.0.0.3', port: rogue.port }],
      ['socket', { host: '/tmp', port: null }],
      ['type', { type: 'mysql', port: mysql.port }],
      ['type alone', { type: 'mysql' }],
    ] as const) {
      const id = await register();
      await change(id, changed);
      const answer = await test(id);
      expect([name, answer.success, answer.error]).toEqual([name, false, expect.stringMatching(HELD)]);
      expect((await held(id))?.changes.length, name).toBeGreaterThan(0);
    }
    expect([rogue.connections(), mysql.connections(), own.connections()]).toEqual([0, 0, 0]);
  });

  it('is not sent to an SSH server that an operator leads it to', async () => {
    const rogueSshd = await startRogueSshd();
    closings.push(rogueSshd.close);
    const there = { hostname: '127.0.0.2', sshPort: rogueSshd.port };
    // Another server, the address of its own, its user, its port; none had a host key pinned.
    const moved = await register();
    await change(moved, { serverId: await addServer(there) });
    const old = await addServer({ hostname: '127.0.0.4', sshPort: rogueSshd.port });
    const readdressed = await register({ serverId: old });
    await asOperator('PATCH', `/api/servers/${old}`, { hostname: '127.0.0.2' });
    const trusted = await addServer({ hostname: '127.0.0.5', sshPort: rogueSshd.port });
    const asAnother = await register({ serverId: trusted });
    await asOperator('PATCH', `/api/servers/${trusted}`, { sshUser: 'mallory' });
    const ported = await addServer({ hostname: '127.0.0.6', sshPort: 22 });
    const atAnotherPort = await register({ serverId: ported });
    await asOperator('PATCH', `/api/servers/${ported}`, { sshPort: rogueSshd.port });
    const local = await addServer({ hostname: 'localhost' });
    const noLongerLocal = await register({ serverId: local });
    await asOperator('PATCH', `/api/servers/${local}`, there);
    for (const id of [moved, readdressed, asAnother, atAnotherPort, noLongerLocal]) {
      expect((await test(id)).error).toMatch(HELD);
      expect(await held(id)).not.toBeNull();
    }
    expect([rogueSshd.connections(), rogueSshd.heard()]).toEqual([0, '']);
    const pinned = await app.services.db.selectFrom('servers').select('host_key').execute();
    expect(pinned.map((row) => row.host_key)).toEqual(pinned.map(() => null));

    // It was given for this one, so this one gets it: the rogue server does hear what is sent.
    const given = await register({ serverId: await addServer(there) });
    await test(given);
    expect(rogueSshd.heard()).toContain(PASSWORD);
  });

  it('is not sent for another user, and not over a connection that is less protected', async () => {
    const another = await register();
    await change(another, { username: 'mallory' });
    expect((await test(another)).error).toMatch(HELD);
    // Once the password was kept for another user, the old name alone does not free it.
    await change(another, { username: 'leser' });
    expect((await test(another)).error).toMatch(HELD);
    const weaker = await register({ useSsl: true });
    await change(weaker, { useSsl: false });
    expect((await test(weaker)).error).toMatch(HELD);
    const folder = mkdtempSync(join(tmpdir(), 'authorities-'));
    closings.push(async () => rmSync(folder, { recursive: true }));
    const [ca, evil] = [await makeAuthority(folder, 'own'), await makeAuthority(folder, 'evil')];
    for (const tls of [{ tlsCa: evil.pem }, { tlsCa: null }, { tlsMode: 'encrypt' }, { tlsMode: 'off' }]) {
      const verified = await register({ tlsMode: 'verify', tlsCa: ca.pem });
      await change(verified, tls);
      expect((await test(verified)).error).toMatch(HELD);
    }
    const stronger = await register();
    await change(stronger, { useSsl: true });
    await change(stronger, { tlsMode: 'verify', tlsCa: ca.pem });
    expect(await held(stronger)).toBeNull();
    expect(own.heard()).toBe('');
  });

  it('goes on to where it was given for when the settings are put back, and never elsewhere', async () => {
    const id = await register();
    for (let round = 0; round < 3; round += 1) {
      await change(id, { port: rogue.port });
      expect((await test(id)).error).toMatch(HELD);
      await change(id, { port: own.port });
      expect(await held(id)).toBeNull();
    }
    await test(id);
    expect([own.connections(), rogue.connections()]).toEqual([1, 0]);
  });

  it('is no longer kept back where what changes leads nowhere else', async () => {
    const id = await register();
    const odd = `host=127.0.0.1 port=${rogue.port} user=x`;
    await change(id, {
      name: 'umbenannt',
      databaseName: odd,
      backupFormat: 'custom',
      pgDumpTimeoutMs: 40_000,
    });
    expect(await held(id)).toBeNull();
    await test(id);
    // The name of a database is a name, whatever it looks like.
    expect(own.heard()).toContain(odd);
    expect(rogue.connections()).toBe(0);
  });

  it('is not sent by a test that runs beside the change', async () => {
    const id = await register();
    for (let round = 0; round < 12; round += 1) {
      const port = round % 2 === 0 ? rogue.port : own.port;
      await Promise.all([
        test(id),
        asOperator('PATCH', `/api/databases/${id}`, { port }),
        test(id),
        test(id),
      ]);
    }
    expect(own.heard()).toContain(PASSWORD);
    expect(rogue.heard()).not.toContain(PASSWORD);
  });

  it('is not sent over SSH by a test that runs beside the change of the server', async () => {
    const rogueSshd = await startRogueSshd();
    closings.push(rogueSshd.close);
    const serverId = await addServer({ hostname: 'localhost', sshPort: rogueSshd.port });
    const id = await register({ serverId });
    for (let round = 0; round < 12; round += 1) {
      const hostname = round % 2 === 0 ? '127.0.0.2' : 'localhost';
      await Promise.all([test(id), asOperator('PATCH', `/api/servers/${serverId}`, { hostname }), test(id)]);
    }
    expect(own.heard()).toContain(PASSWORD);
    expect(rogueSshd.heard()).not.toContain(PASSWORD);
  });

  it('is gone with its database', async () => {
    const id = await register({ name: 'einmal' });
    await asOperator('DELETE', `/api/databases/${id}`);
    const again = await asOperator('POST', `/api/environments/${environmentId}/databases`, {
      ...{ name: 'einmal', type: 'postgres', host: '127.0.0.1', port: rogue.port, databaseName: 'kunden' },
      ...{ username: 'leser' },
    });
    await test(again.body.database.id);
    expect(rogue.heard()).not.toContain(PASSWORD);
  });

  it('is sent again once it is typed again', async () => {
    const id = await register();
    await change(id, { port: rogue.port });
    await change(id, { password: 'another one' });
    expect(await held(id)).toBeNull();
    await test(id);
    expect(rogue.heard()).toContain('another one');
    expect(rogue.heard()).not.toContain(PASSWORD);
    // It was typed for the rogue server, so that it does not go to the old one either.
    await change(id, { port: own.port });
    expect((await test(id)).error).toMatch(HELD);
  });
});

describe('the confirmation of a new target', () => {
  it('is an admin’s, and is for what the admin saw', async () => {
    const id = await register();
    await change(id, { port: rogue.port });
    const path = `/api/databases/${id}/confirm-target`;
    const refused = await asOperator('POST', path);
    expect([refused.status, refused.body.message]).toEqual([403, 'Admin access required']);
    const seen = await held(id);
    expect(seen?.changes).toEqual([`port: ${rogue.port} instead of ${own.port}`]);
    await change(id, { host: '127.0.0.6' });
    const late = await app.call('POST', path, { body: { target: seen?.target } });
    expect([late.status, late.body.code]).toEqual([409, 'CONFLICT']);
    await change(id, { host: '127.0.0.1' });
    const confirmed = await app.call('POST', path, { body: { target: seen?.target } });
    expect([confirmed.status, confirmed.body.database.passwordHeld]).toEqual([200, null]);
    await test(id);
    expect(rogue.heard()).toContain(PASSWORD);
    // What it was given for before is now the stranger.
    await change(id, { port: own.port });
    expect((await test(id)).error).toMatch(HELD);
  });

  it('changes nothing where nothing waits for it', async () => {
    const id = await register();
    const { status, body } = await app.call('POST', `/api/databases/${id}/confirm-target`);
    expect([status, body.database.passwordHeld]).toEqual([200, null]);
    expect(await audited('confirm_target')).toEqual([]);
    const unknown = await app.call('POST', '/api/databases/unknown/confirm-target');
    expect([unknown.status, unknown.body.message]).toEqual([404, 'Database not found']);
  });

  it('is not needed for the SSH user that an admin sets for the environment', async () => {
    const serverId = await addServer({ hostname: '127.0.0.7' });
    const id = await register({ serverId });
    const elsewhere = await register({ serverId });
    await change(elsewhere, { port: rogue.port });
    await app.call('PATCH', `/api/environments/${environmentId}/settings/general`, {
      body: { sshUser: 'dump' },
    });
    expect(await held(id)).toBeNull();
    await app.call('PUT', `/api/environments/${environmentId}/ssh`, {
      body: { sshPrivateKey: newSshKeys().private, sshUser: 'dump2' },
    });
    expect(await held(id)).toBeNull();
    // That one waits for another reason.
    expect((await held(elsewhere))?.changes).toEqual([`port: ${rogue.port} instead of ${own.port}`]);
  });
});

describe('the audit', () => {
  it('tells who led a password elsewhere, who tried it, and who confirmed it', async () => {
    const serverId = await addServer({ hostname: '127.0.0.7' });
    const id = await register({ serverId });
    await change(id, { port: rogue.port });
    await asOperator('PATCH', `/api/servers/${serverId}`, { hostname: '127.0.0.8' });
    await test(id);
    await app.call('POST', `/api/databases/${id}/confirm-target`);
    const updates = (await audited('update')).map((row) => JSON.parse(row.details ?? '{}'));
    expect(updates).toContainEqual({
      changed: ['port'],
      passwordHeld: [`port: ${rogue.port} instead of ${own.port}`],
    });
    expect(updates).toContainEqual({ changed: ['hostname'], passwordsHeld: 1 });
    expect(await audited('test_connection')).toEqual([
      { details: expect.any(String), user_id: app.userIds.operator, success: 0 },
    ]);
    const [confirmed] = await audited('confirm_target');
    expect([confirmed?.user_id, confirmed?.success]).toEqual([app.userIds.admin, 1]);
    expect(JSON.parse(confirmed?.details ?? '{}').confirmed).toHaveLength(2);
  });
});

describe('a host key', () => {
  it('stays pinned when the address of its server changes, so that another machine is not spoken to', async () => {
    const rogueSshd = await startRogueSshd();
    closings.push(rogueSshd.close);
    const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
    const id = await addServer({ hostname: '127.0.0.4', sshPort: rogueSshd.port });
    await app.call('PUT', `/api/servers/${id}/host-key`, { body: { hostKey } });
    await asOperator('PATCH', `/api/servers/${id}`, { hostname: '127.0.0.2' });
    const { body } = await asOperator('POST', `/api/servers/${id}/test-ssh`);
    expect([body.success, body.error]).toEqual([false, expect.stringContaining('is pinned')]);
    expect(rogueSshd.heard()).toBe('');
    const opened = await app.services.servers.open(id, { startedBy: 'schedule' });
    const running = opened.host.run({ script: 'exit 0' }, { signal: AbortSignal.timeout(60_000) });
    await expect(running[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'host_key_changed' });
    await opened.host.close();
  });
});
