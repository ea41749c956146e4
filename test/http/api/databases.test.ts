import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { makeAuthority } from '../../support/certificates.ts';

let app: TestApp;
let environmentId: string;
let serverId: string;
beforeEach(async () => {
  app = await openTestApp({ env: { LOCAL_PATHS: '/var/backups,/srv' } });
  environmentId = (await app.call('POST', '/api/environments', { body: { name: 'production' } })).body
    .environment.id;
  serverId = (
    await app.call('POST', `/api/environments/${environmentId}/servers`, {
      body: { name: 'db1', hostname: '10.0.0.5' },
    })
  ).body.server.id;
});
afterEach(() => app.close());

const create = (body: object) =>
  app.call('POST', `/api/environments/${environmentId}/databases`, {
    token: app.tokens.operator,
    body: { name: 'appdb', type: 'postgres', serverId, ...body },
  });

const credentialsOf = async (id: string) => {
  const row = await app.services.db
    .selectFrom('databases')
    .select('credentials')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return row.credentials === null
    ? null
    : JSON.parse(await app.services.vault.open(row.credentials, `database:${id}:credentials`));
};

describe('a database', () => {
  it('has the defaults of the contract and shows no credentials', async () => {
    const { status, body } = await create({
      host: 'localhost',
      port: 5432,
      username: 'app',
      password: 'hunter2!',
    });
    expect(status).toBe(200);
    expect(body.database).toEqual({
      id: expect.any(String),
      name: 'appdb',
      type: 'postgres',
      host: 'localhost',
      port: 5432,
      databaseName: null,
      hasCredentials: true,
      passwordHeld: null,
      filePath: null,
      useSsl: false,
      tlsMode: 'off',
      tlsCa: null,
      serverId,
      databaseTypeId: 'postgres',
      databaseType: { id: 'postgres', name: 'postgres', displayName: 'PostgreSQL', hasBackupCommand: true },
      backupStorageType: 'local',
      backupLocalPath: null,
      backupSpacesBucket: null,
      backupSpacesPrefix: null,
      backupFormat: 'plain',
      backupScratchPath: null,
      backupCompression: 'none',
      backupCompressionLevel: 6,
      pgDumpOptions: null,
      options: {
        backupFormat: 'plain',
        backupCompression: 'none',
        backupCompressionLevel: 6,
        pgDumpOptions: { noOwner: false, clean: false, ifExists: false, schemaOnly: false, dataOnly: false },
        tlsMode: 'off',
        tlsCa: null,
      },
      pgDumpTimeoutMs: 300_000,
      maxBackupAgeHours: 26,
      monitoringEnabled: false,
      collectionIntervalSec: 300,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      environmentId,
      _count: { backups: 0, services: 0 },
    });
    const audit = await app.services.db.selectFrom('audit_logs').selectAll().execute();
    expect(JSON.stringify([body, audit, app.log])).not.toMatch(/hunter2/);
  });

  it('gets the prefix {environment}/{database}/ with spaces, and keeps it when renamed', async () => {
    const { body } = await create({ backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' });
    expect(body.database.backupSpacesPrefix).toBe('production/appdb/');
    const path = `/api/databases/${body.database.id}`;
    const renamed = await app.call('PATCH', path, { body: { name: 'other' } });
    expect(renamed.body.database).toMatchObject({ name: 'other', backupSpacesPrefix: 'production/appdb/' });
  });

  it.each([
    ['../../etc', 'production/.._.._etc/'],
    ['..', 'production/_/'],
    ['a/b\\c', 'production/a_b_c/'],
    ['ünï "q" $(x)', 'production/ünï "q" $(x)/'],
  ])('named %j gets a prefix of its own folder', async (name, prefix) => {
    const { body } = await create({ name, backupStorageType: 'spaces' });
    expect(body.database.backupSpacesPrefix).toBe(prefix);
  });

  it('gets its prefix when it moves to spaces later', async () => {
    const { body } = await create({});
    expect(body.database.backupSpacesPrefix).toBeNull();
    const moved = await app.call('PATCH', `/api/databases/${body.database.id}`, {
      body: { backupStorageType: 'spaces', backupSpacesBucket: 'prod-backups' },
    });
    expect(moved.body.database.backupSpacesPrefix).toBe('production/appdb/');
  });

  it.each([
    ['name', ''],
    ['name', 'a\nb'],
    ['type', '../x'],
    ['port', 0],
    ['port', '5432'],
    ['useSsl', 'true'],
    ['tlsMode', 'strict'],
    ['tlsCa', 'not a certificate'],
    ['tlsCa', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----'],
    ['tlsCa', '-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----'],
    ['backupStorageType', 'ftp'],
    ['backupLocalPath', 'relative'],
    ['backupLocalPath', '/var/backups/../../etc'],
    ['backupSpacesBucket', 'a/b'],
    ['backupSpacesBucket', '..'],
    ['backupSpacesPrefix', '../x/'],
    ['backupSpacesPrefix', 'a/./b/'],
    ['backupSpacesPrefix', '/x'],
    ['backupSpacesPrefix', 'x\u0000'],
    ['backupFormat', 'zip'],
    ['backupCompressionLevel', 0],
    ['pgDumpOptions', { schemaOnly: true, dataOnly: true }],
    ['pgDumpTimeoutMs', 1],
    ['password', 'nul\u0000'],
    ['host', '-h'],
    ['host', '$(id)'],
    ['host', 'a,b'],
    ['host', '/run/a,/run/b'],
    ['host', '@abstract'],
    ['host', 'db host'],
  ])('refuses %s = %j, naming the field', async (field, value) => {
    const { status, body } = await create({ [field]: value });
    expect(status).toBe(400);
    expect(body.message).toBe('Invalid input');
    expect(body.details.map((issue: { path: string[] }) => issue.path[0])).toContain(field);
  });

  it('refuses a name that is taken, when created and when renamed', async () => {
    await create({ name: 'one' });
    const two = (await create({ name: 'two' })).body.database.id;
    const again = await create({ name: 'one' });
    expect([again.status, again.body.message]).toEqual([409, 'Database with this name already exists']);
    const renamed = await app.call('PATCH', `/api/databases/${two}`, { body: { name: 'one' } });
    expect([renamed.status, renamed.body.code]).toEqual([409, 'CONFLICT']);
  });

  it('refuses a server of another environment or of none', async () => {
    const other = (await app.call('POST', '/api/environments', { body: { name: 'other' } })).body.environment
      .id;
    const foreign = await app.call('POST', `/api/environments/${other}/databases`, {
      body: { name: 'x', type: 'postgres', serverId },
    });
    expect([foreign.status, foreign.body.field]).toEqual([400, 'serverId']);
    expect((await create({ serverId: 'unknown' })).status).toBe(400);
  });

  it('keeps, merges and clears credentials', async () => {
    const { body } = await create({ username: 'app', password: 'one' });
    const { id } = body.database;
    const patch = (change: object) => app.call('PATCH', `/api/databases/${id}`, { body: change });
    await patch({ host: 'db.internal' });
    expect(await credentialsOf(id)).toEqual({ username: 'app', password: 'one' });
    await patch({ password: 'two' });
    expect(await credentialsOf(id)).toEqual({ username: 'app', password: 'two' });
    const cleared = await patch({ username: '', password: '' });
    expect(cleared.body.database.hasCredentials).toBe(false);
    expect(await credentialsOf(id)).toBeNull();
  });

  it('has one truth about TLS, whichever field says it', async () => {
    const { id } = (await create({ useSsl: true, name: 'tls + "ü" 🔒' })).body.database;
    const patched = async (change: object) => {
      const { status, body } = await app.call('PATCH', `/api/databases/${id}`, { body: change });
      expect(status).toBe(200);
      const { useSsl, tlsMode } = body.database;
      return { useSsl, tlsMode };
    };
    expect(await patched({})).toEqual({ useSsl: true, tlsMode: 'encrypt' });
    expect(await patched({ tlsMode: 'verify' })).toEqual({ useSsl: true, tlsMode: 'verify' });
    // A client that knows only useSsl and sends back what it read does not turn the check off.
    expect(await patched({ useSsl: true })).toEqual({ useSsl: true, tlsMode: 'verify' });
    expect(await patched({ useSsl: false })).toEqual({ useSsl: false, tlsMode: 'off' });
    expect(await patched({ useSsl: true })).toEqual({ useSsl: true, tlsMode: 'encrypt' });
    expect(await patched({ useSsl: true, tlsMode: 'off' })).toEqual({ useSsl: false, tlsMode: 'off' });
    expect(await patched({ tlsMode: 'verify', useSsl: false })).toEqual({ useSsl: true, tlsMode: 'verify' });
    expect(await patched({ tlsMode: null })).toEqual({ useSsl: false, tlsMode: 'off' });
  });

  it('keeps one certificate authority, and says what a text is that is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'authority-'));
    const { pem } = await makeAuthority(folder, 'Zürich CA');
    const key = readFileSync(join(folder, 'Zürich CA.key'), 'utf8');
    rmSync(folder, { recursive: true });
    const made = await create({ tlsMode: 'verify', tlsCa: `comment\n${pem}` });
    expect(made.body.database.tlsCa).toContain(pem.trim());
    const tried = async (tlsCa: string) => {
      const { status, body } = await create({ name: 'second', tlsCa });
      expect(status).toBe(400);
      return body.details[0].message;
    };
    expect(await tried(`${pem}${key}`)).toContain('private key');
    expect(await tried(pem.replace(/\n.{8}/, '\n'))).toContain('can’t be read');
    expect(
      await tried(pem.replace(/^(.*\n)(.)/, (_, line, first) => `${line}${first === 'M' ? 'N' : 'M'}`)),
    ).toContain('can’t be read');
    expect(await tried(pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'))).toContain('REQUEST');
    expect(await tried(pem.repeat(120))).toContain('at most 64 KiB');
    const blank = await app.call('PATCH', `/api/databases/${made.body.database.id}`, {
      body: { tlsCa: ' ' },
    });
    expect(blank.body.database.tlsCa).toBeNull();
  });

  it('merges the options of its engine field by field', async () => {
    const { body } = await create({ backupFormat: 'custom', pgDumpOptions: { noOwner: true } });
    const path = `/api/databases/${body.database.id}`;
    const changed = await app.call('PATCH', path, { body: { backupCompression: 'zstd' } });
    expect(changed.body.database).toMatchObject({
      backupFormat: 'custom',
      backupCompression: 'zstd',
      pgDumpOptions: { noOwner: true },
    });
  });

  it('answers 422 for a read-only field, before the look-up', async () => {
    const { status, body } = await app.call('PATCH', '/api/databases/unknown', {
      body: { monitoringStatus: 'x' },
    });
    expect([status, body.code, body.field]).toEqual([422, 'READONLY_FIELD', 'monitoringStatus']);
    const unknown = await app.call('PATCH', '/api/databases/unknown', { body: { name: 'x' } });
    expect([unknown.status, unknown.body.message]).toEqual([404, 'Database not found']);
  });

  it.each([
    ['/srv/bridgeport-data/bridgeport.sqlite', 'filePath'],
    ['/srv/bridgeport-data', 'filePath'],
    ['/etc/shadow', 'filePath'],
    ['/var/backups-not/x.db', 'filePath'],
  ])('of this very machine may not name %s', async (filePath, field) => {
    for (const local of [null, 'local']) {
      const place = local === null ? null : await localServer();
      const { status, body } = await create({
        name: `x-${local}`,
        type: 'sqlite',
        serverId: place,
        filePath,
      });
      expect([status, body.field]).toEqual([400, field]);
    }
    // On another machine the same path is that machine's business.
    expect((await create({ type: 'sqlite', filePath })).status).toBe(200);
  });

  it('of this very machine may name what LOCAL_PATHS allows, and not move here with another path', async () => {
    expect((await create({ type: 'sqlite', serverId: null, filePath: '/srv/app.db' })).status).toBe(200);
    const up = await create({ name: 'up', type: 'sqlite', serverId: null, filePath: '/srv/link/../app.db' });
    expect([up.status, up.body.field]).toEqual([400, 'filePath']);
    const { body } = await create({ name: 'far', type: 'sqlite', filePath: '/etc/app.db' });
    const moved = await app.call('PATCH', `/api/databases/${body.database.id}`, { body: { serverId: null } });
    expect([moved.status, moved.body.field]).toEqual([400, 'filePath']);
  });

  it('of an unknown type can be registered, without a backup', async () => {
    const { body } = await create({ type: 'redis' });
    expect(body.database.databaseType).toMatchObject({ name: 'redis', hasBackupCommand: false });
    expect((await create({ name: 'y', type: 'oracle' })).body.database.databaseType).toBeNull();
  });

  it('that has backups can not be deleted', async () => {
    const { id } = (await create({})).body.database;
    const { backupId } = (await app.call('POST', `/api/databases/${id}/backups`)).body;
    const refused = await app.call('DELETE', `/api/databases/${id}`);
    expect([refused.status, refused.body.message]).toEqual([
      400,
      'Cannot delete database with existing backups. Delete backups first.',
    ]);
    await app.call('DELETE', `/api/backups/${backupId}`);
    expect((await app.call('DELETE', `/api/databases/${id}`)).body).toEqual({ success: true });
    expect((await app.call('DELETE', `/api/databases/${id}`)).status).toBe(404);
  });

  it('is listed by name with its newest backup, page by page', async () => {
    const { id } = (await create({ name: 'b' })).body.database;
    await create({ name: 'a' });
    const { backupId } = (await app.call('POST', `/api/databases/${id}/backups`)).body;
    const list = `/api/environments/${environmentId}/databases`;
    const { body } = await app.call('GET', list, { token: app.tokens.viewer });
    expect(body.total).toBe(2);
    expect(body.databases.map((d: { name: string }) => d.name)).toEqual(['a', 'b']);
    expect(body.databases[0].lastBackup).toBeNull();
    expect(body.databases[1]).toMatchObject({
      lastBackup: { id: backupId, status: 'pending', type: 'manual', completedAt: null, error: null },
      schedule: null,
      _count: { backups: 1 },
    });
    const page = await app.call('GET', `${list}?limit=1&offset=1&colour=red`);
    expect([page.body.databases.length, page.body.total]).toEqual([1, 2]);
    expect((await app.call('GET', `${list}?limit=0`)).body).toEqual({ databases: [], total: 2 });
    const summary = await app.call('GET', `${list}/backup-summary`);
    expect(summary.body.databases).toMatchObject([
      { name: 'a', supportsBackup: true, lastBackup: null, schedule: null },
      { name: 'b', lastBackup: null },
    ]);
  });

  async function localServer(): Promise<string> {
    const list = `/api/environments/${environmentId}/servers`;
    const { body } = await app.call('GET', list);
    const known = body.servers.find((server: { hostname: string }) => server.hostname === 'localhost');
    if (known !== undefined) return known.id;
    const made = await app.call('POST', list, { body: { name: 'here', hostname: 'localhost' } });
    return made.body.server.id;
  }
});

describe('a backup', () => {
  it('is asked for, listed, pinned, cancelled and deleted', async () => {
    const { id } = (await create({})).body.database;
    const { status, body } = await app.call('POST', `/api/databases/${id}/backups`, {
      token: app.tokens.operator,
    });
    expect([status, body.message]).toEqual([200, 'Backup started']);
    const path = `/api/backups/${body.backupId}`;
    const one = await app.call('GET', path, { token: app.tokens.viewer });
    expect(one.body).toMatchObject({
      allowDownload: false,
      backup: {
        id: body.backupId,
        status: 'pending',
        type: 'manual',
        size: 0,
        progress: 0,
        isPinned: false,
        triggeredBy: { email: 'operator@example.com' },
        database: { id, name: 'appdb' },
      },
    });
    expect(one.body.backup.storagePath).toBe(`/var/backups/${one.body.backup.filename}`);
    const list = await app.call('GET', `/api/databases/${id}/backups`);
    expect(list.body).toMatchObject({ total: 1, allowDownload: false, backups: [{ id: body.backupId }] });

    const pin = `/api/databases/${id}/backups/${body.backupId}/pin`;
    for (let times = 0; times < 2; times += 1) {
      const pinned = await app.call('PUT', pin, { body: { pinned: true } });
      expect(pinned.body.backup).toMatchObject({ isPinned: true, pinnedById: app.userIds.admin });
    }
    const elsewhere = await app.call('PUT', `/api/databases/unknown/backups/${body.backupId}/pin`, {
      body: { pinned: true },
    });
    expect([elsewhere.status, elsewhere.body.message]).toEqual([404, 'Database not found']);

    expect((await app.call('POST', `${path}/cancel`)).body).toEqual({ success: true });
    const cancelled = (await app.call('GET', path)).body.backup;
    expect(cancelled).toMatchObject({ status: 'failed', outcome: 'cancelled' });
    expect(JSON.parse(cancelled.error)).toMatchObject({ step: 'connect' });
    expect((await app.call('POST', `${path}/cancel`)).status).toBe(409);
    expect((await app.call('DELETE', path)).body).toEqual({ success: true });
    expect((await app.call('GET', path)).body.message).toBe('Backup not found');

    const audit = await app.services.db.selectFrom('audit_logs').select('action').execute();
    expect(audit.map((row) => row.action)).toEqual(
      expect.arrayContaining(['backup', 'backup.pin', 'cancel', 'delete']),
    );
  });

  it('gets its whole name without a look at any secret', async () => {
    const { id } = (await create({ backupCompression: 'zstd' })).body.database;
    await app.services.db.updateTable('databases').set({ credentials: 'v9.not.a secret' }).execute();
    const { backupId } = (await app.call('POST', `/api/databases/${id}/backups`)).body;
    const { backup } = (await app.call('GET', `/api/backups/${backupId}`)).body;
    expect(backup.filename).toMatch(/\.zst$/);
  });

  it('is refused for download with the words of the contract, in its order', async () => {
    const { id } = (await create({})).body.database;
    const { backupId } = (await app.call('POST', `/api/databases/${id}/backups`)).body;
    const refusal = async (of: string) => {
      const { status, body } = await app.call('GET', `/api/backups/${of}/download`, {
        token: app.tokens.viewer,
      });
      expect([status, body.code]).toEqual([400, 'VALIDATION_ERROR']);
      return body.message;
    };
    expect(await refusal('unknown')).toBe('Backup not found');
    expect(await refusal(backupId)).toBe('Backup is not completed');
    await app.services.db.updateTable('backups').set({ status: 'completed' }).execute();
    expect(await refusal(backupId)).toBe('Backup downloads are not allowed for this environment');
  });
});

describe('the connection test of a database', () => {
  const test = (id: string) =>
    app.call('POST', `/api/environments/${environmentId}/databases/${id}/test-connection`);

  it('says what is missing with 200', async () => {
    const { id } = (await create({ databaseName: 'app' })).body.database;
    const { status, body } = await test(id);
    expect(status).toBe(200);
    expect(body).toEqual({
      success: false,
      latencyMs: null,
      error: 'SSH key not configured for this environment',
    });
    const redis = (await create({ name: 'cache', type: 'redis' })).body.database.id;
    expect((await test(redis)).body.error).toBe('Unsupported database type or missing configuration: redis');
  });

  it('is 404 for an unknown database and for one of another environment', async () => {
    expect((await test('unknown')).status).toBe(404);
    const { id } = (await create({})).body.database;
    const other = (await app.call('POST', '/api/environments', { body: { name: 'other' } })).body.environment
      .id;
    const path = `/api/environments/${other}/databases/${id}/test-connection`;
    expect((await app.call('POST', path)).status).toBe(404);
  });
});

describe('a database outside of the networks that may be reached', () => {
  it('is not connected to from this machine, by whatever name', async () => {
    let connections = 0;
    const listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const address = listener.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const look = async (networks: string, type: string, host: string) => {
      const limited = await openTestApp({ env: { REACHABLE_NETWORKS: networks } });
      const environment = await limited.call('POST', '/api/environments', { body: { name: 'prod ü+ 🏭' } });
      const base = `/api/environments/${environment.body.environment.id}/databases`;
      const created = await limited.call('POST', base, {
        body: { name: 'app "db"', type, host, port, databaseName: 'app', username: 'u', password: 'p w' },
      });
      const { body } = await limited.call('POST', `${base}/${created.body.database.id}/test-connection`);
      await limited.close();
      return body;
    };
    for (const type of ['postgres', 'mysql']) {
      for (const host of ['localhost', '127.0.0.1', '127.1']) {
        const refused = await look('10.0.0.0/8', type, host);
        expect(refused.success).toBe(false);
        expect(refused.error).toContain('REACHABLE_NETWORKS');
      }
      expect(connections).toBe(0);
      expect((await look('127.0.0.0/8', type, 'localhost')).error).not.toContain('REACHABLE_NETWORKS');
      expect(connections).toBeGreaterThan(0);
      connections = 0;
    }
    await new Promise((done) => listener.close(done));
  });
});
