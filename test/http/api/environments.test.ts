import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repairCounts } from '../../../src/backups/repair-counts.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { letRunsFollow } from '../../support/backup-row.ts';
import { newSshKeys } from '../../support/ssh-key.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const KEY = newSshKeys().private;

async function create(name = 'production'): Promise<string> {
  return (await app.call('POST', '/api/environments', { body: { name } })).body.environment.id;
}

describe('environments', () => {
  it('are created, read, listed by name and deleted', async () => {
    const id = await create('staging');
    await create('production');
    const one = await app.call('GET', `/api/environments/${id}`, { token: app.tokens.viewer });
    expect(one.body.environment).toEqual({
      id,
      name: 'staging',
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updatedAt: expect.any(String),
      _count: { servers: 0, databases: 0, services: 0, secrets: 0 },
    });
    const list = await app.call('GET', '/api/environments');
    expect(list.body.environments.map((e: { name: string }) => e.name)).toEqual(['production', 'staging']);
    expect((await app.call('DELETE', `/api/environments/${id}`)).body).toEqual({
      success: true,
      keptObjects: [],
    });
    expect((await app.call('GET', `/api/environments/${id}`)).body.message).toBe('Environment not found');
  });

  it.each([[''], ['   '], ['x'.repeat(51)], ['two\nlines'], [null]])('refuse the name %j', async (name) => {
    expect((await app.call('POST', '/api/environments', { body: { name } })).status).toBe(400);
  });

  it('refuse a name that is taken', async () => {
    await create('production');
    const { status, body } = await app.call('POST', '/api/environments', { body: { name: 'production' } });
    expect([status, body.code, body.message]).toEqual([409, 'CONFLICT', 'Environment already exists']);
  });

  it('are written to the audit with who did it and from where', async () => {
    const id = await create('audited');
    const row = await app.services.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_id', '=', id)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({
      action: 'create',
      resource_type: 'environment',
      resource_name: 'audited',
      user_id: app.userIds.admin,
      address: '203.0.113.7',
      success: 1,
    });
  });

  it('take their servers and databases along, and say which objects stay', async () => {
    const id = await create();
    const server = await app.call('POST', `/api/environments/${id}/servers`, {
      body: { name: 'db1', hostname: '10.0.0.5' },
    });
    const database = await app.call('POST', `/api/environments/${id}/databases`, {
      body: { name: 'appdb', type: 'postgres', serverId: server.body.server.id, backupStorageType: 'spaces' },
    });
    const databaseId = database.body.database.id;
    const start = async () => (await app.call('POST', `/api/databases/${databaseId}/backups`)).body.backupId;
    const end = async (backupId: string, change: object) => {
      await app.services.db.updateTable('backups').set(change).where('id', '=', backupId).execute();
      await letRunsFollow(app.services.db);
      await repairCounts(app.services);
    };
    const store = (backupId: string, key: string) =>
      app.services.db
        .insertInto('backup_objects')
        .values({
          id: `object-${key}`,
          backup_id: backupId,
          kind: 'dump',
          number: 0,
          endpoint: 'https://s3.test',
          bucket: 'b',
          key,
        })
        .execute();
    const kept = await start();
    await store(kept, 'kept');
    await end(kept, { status: 'completed' });
    const deleted = await start();
    await store(deleted, 'deleted');
    await end(deleted, { status: 'completed', deleted_at: '2026-01-01T00:00:00.000Z' });
    const running = await start();
    await end(running, { status: 'in_progress' });

    const refused = await app.call('DELETE', `/api/environments/${id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'CONFLICT']);
    await end(running, { status: 'failed' });
    const { body } = await app.call('DELETE', `/api/environments/${id}`);
    expect(body.keptObjects).toEqual([{ endpoint: 'https://s3.test', bucket: 'b', count: 1 }]);
    // What was deleted before still has to go, though its row is gone.
    const leftovers = await app.services.db.selectFrom('leftovers').selectAll().execute();
    expect(leftovers).toMatchObject([{ kind: 'object', bucket: 'b', key: 'deleted', backup_id: deleted }]);
    expect((await app.call('GET', `/api/servers/${server.body.server.id}`)).status).toBe(404);
  });
});

describe('the SSH key of an environment', () => {
  it('is set, told about, revealed to admins only and removed', async () => {
    const id = await create();
    const path = `/api/environments/${id}/ssh`;
    const missing = await app.call('GET', `${path}-key`);
    expect([missing.status, missing.body.message]).toEqual([
      404,
      'SSH key not configured for this environment',
    ]);
    const set = await app.call('PUT', path, { body: { sshPrivateKey: KEY, sshUser: 'backup' } });
    expect(set.body).toEqual({ success: true, message: 'SSH settings updated' });
    const told = await app.call('GET', path, { token: app.tokens.viewer });
    expect(told.body).toEqual({ configured: true, sshUser: 'backup' });
    expect((await app.call('GET', `${path}-key`, { token: app.tokens.operator })).status).toBe(403);
    expect((await app.call('GET', `${path}-key`)).body).toEqual({ privateKey: KEY, username: 'backup' });
    const removed = await app.call('DELETE', path);
    expect(removed.body).toEqual({ success: true, message: 'SSH key removed' });
    expect((await app.call('GET', path)).body).toEqual({ configured: false, sshUser: 'root' });

    const actions = await app.services.db.selectFrom('audit_logs').select(['action', 'details']).execute();
    expect(actions.map((row) => row.action)).toContain('ssh_key_access');
    expect(JSON.stringify([actions, app.log])).not.toContain(KEY.split('\n')[2]);
  });

  it('that no connection could use is refused when it is stored, by name and without itself', async () => {
    const id = await create();
    const cut = KEY.replace(/\n.{60,}\n/, '\n');
    const { status, body } = await app.call('PUT', `/api/environments/${id}/ssh`, {
      body: { sshPrivateKey: cut },
    });
    expect([status, body.code, body.field]).toEqual([400, 'VALIDATION_ERROR', 'sshPrivateKey']);
    expect(body.message).toContain("can't be read");
    expect(JSON.stringify(body)).not.toContain(KEY.split('\n')[2]);
    expect((await app.call('GET', `/api/environments/${id}/ssh`)).body.configured).toBe(false);
  });

  it('is stored sealed, for its own row only', async () => {
    const [one, two] = [await create('one'), await create('two')];
    await app.call('PUT', `/api/environments/${one}/ssh`, { body: { sshPrivateKey: KEY } });
    const { ssh_private_key } = await app.services.db
      .selectFrom('environments')
      .select('ssh_private_key')
      .where('id', '=', one)
      .executeTakeFirstOrThrow();
    expect(ssh_private_key).toMatch(/^v1\./);
    await app.services.db
      .updateTable('environments')
      .set({ ssh_private_key })
      .where('id', '=', two)
      .execute();
    const moved = await app.call('GET', `/api/environments/${two}/ssh-key`);
    expect(moved.status).toBe(409);
    expect(moved.body.message).toContain("can't be opened");
  });
});

describe('the settings of an environment', () => {
  it('have defaults, change one by one and go back', async () => {
    const path = `/api/environments/${await create()}/settings/data`;
    const defaults = {
      allowBackupDownload: false,
      defaultMonitoringEnabled: false,
      defaultCollectionIntervalSec: 300,
    };
    const first = await app.call('GET', path);
    expect(first.body.settings).toEqual(defaults);
    expect(first.body.definitions).toHaveLength(3);
    const changed = await app.call('PATCH', path, { body: { allowBackupDownload: true } });
    expect(changed.body.settings).toEqual({ ...defaults, allowBackupDownload: true });
    expect((await app.call('POST', `${path}/reset`)).body.settings).toEqual(defaults);
  });

  it('refuse every bad value in one message, and change nothing', async () => {
    const path = `/api/environments/${await create()}/settings/data`;
    const { status, body } = await app.call('PATCH', path, {
      body: { allowBackupDownload: 'yes', defaultCollectionIntervalSec: 5, colour: 1 },
    });
    expect(status).toBe(400);
    expect(body.message).toBe(
      'allowBackupDownload must be a boolean; defaultCollectionIntervalSec must be at least 60; Unknown setting: colour',
    );
  });

  it('name the modules that there are', async () => {
    const id = await create();
    const { status, body } = await app.call('GET', `/api/environments/${id}/settings/nothing`);
    expect([status, body.message]).toEqual([
      400,
      'Invalid module: nothing. Must be one of: general, monitoring, operations, data, configuration',
    ]);
    const { body: all } = await app.call('GET', `/api/environments/${id}/settings/registry`);
    expect(Object.keys(all.registry)).toEqual([
      'general',
      'monitoring',
      'operations',
      'data',
      'configuration',
    ]);
  });

  it('hold the SSH user', async () => {
    const id = await create();
    await app.call('PATCH', `/api/environments/${id}/settings/general`, { body: { sshUser: 'deploy' } });
    expect((await app.call('GET', `/api/environments/${id}/ssh`)).body.sshUser).toBe('deploy');
  });
});
