import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createUser, deleteUser, listUsers, updateUser } from '../../src/auth/users.ts';
import { createDatabase, deleteDatabase, updateDatabase } from '../../src/databases/databases.ts';
import { listDatabases, summariseBackups } from '../../src/databases/lists.ts';
import { followSshUser } from '../../src/databases/password-targets.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { changeSettings } from '../../src/environments/environment-settings.ts';
import {
  createEnvironment,
  deleteEnvironment,
  listEnvironments,
} from '../../src/environments/environments.ts';
import { revealSshKey, setSsh } from '../../src/environments/ssh-access.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { checkVault } from '../../src/secrets/signing-keys.ts';
import { createVault, type Vault } from '../../src/secrets/vault.ts';
import { createServer, deleteServer, listServers } from '../../src/servers/servers.ts';
import { readSettings, saveSettings } from '../../src/settings/settings.ts';
import { listStorageAccess, setStorageEnabled } from '../../src/storage/enabled.ts';
import { saveStorage } from '../../src/storage/save-storage.ts';
import { getStorage } from '../../src/storage/storage.ts';
import { openPostgresDatabase } from '../support/database.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

const now = () => new Date('2026-03-04T05:06:07.890Z');
const admin = { userId: 'root', role: 'admin', address: null } as const;
const page = { limit: 25, offset: 0 };

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());

const openers: Readonly<Record<string, () => Promise<Db>>> = {
  SQLite: async () => openDatabase(':memory:'),
  PostgreSQL: () => openPostgresDatabase(postgres),
};

describe.each(Object.entries(openers))('the catalog on %s', (_, open) => {
  let db: Db;
  let vault: Vault;
  const openS3 = (): never => {
    throw new Error('nothing here asks a storage');
  };
  const log = createLog('error', () => {}, now);
  const sshKeys = {
    check: async () => undefined,
    make: async () => '',
    publicHalf: async () => '',
  };
  const runs = { wake: () => undefined, cancel: () => false, progress: () => null };
  const context = () => ({
    ...{ db, vault, now, openS3, log, sshKeys, runs, followSshUser },
    config: readConfig({ DATA_DIR: '/srv/data' }),
  });
  beforeEach(async () => {
    db = await open();
    await migrate(db, { file: null, now });
    vault = await createVault(new Uint8Array(32).fill(1));
    await checkVault(db, vault, now());
  });
  afterEach(() => db.destroy());

  async function environmentWithDatabase() {
    const environment = await createEnvironment(context(), admin, { name: 'production' });
    const server = await createServer(context(), admin, environment.id, {
      name: 'db1',
      hostname: '10.0.0.5',
    });
    const database = await createDatabase(context(), admin, environment.id, {
      ...{ name: 'appdb', type: 'postgres', serverId: server.id, backupStorageType: 'spaces' },
      ...{ username: 'app', password: 'secret' },
    });
    return { environment, server, database };
  }

  async function insertBackup(databaseId: string, createdAt: string, more: object = {}): Promise<string> {
    const id = newId();
    await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: databaseId, filename: 'f', size: 1, type: 'manual', status: 'completed' },
        ...{ storage_type: 'spaces', storage_path: 'f', bytes_read: 1, bytes_stored: 1 },
        ...{ created_at: createdAt, is_pinned: 0, token: id },
        ...more,
      })
      .execute();
    return id;
  }

  it('counts what an environment holds and deletes all of it', async () => {
    const { environment, server, database } = await environmentWithDatabase();
    expect(await listEnvironments(db)).toMatchObject([
      { name: 'production', counts: { servers: 1, databases: 1 } },
    ]);
    await expect(deleteServer(context(), admin, server.id)).rejects.toMatchObject({ code: 'conflict' });
    await insertBackup(database.id, '2026-01-01T00:00:00.000Z');
    await deleteEnvironment(context(), admin, environment.id);
    expect(await listEnvironments(db)).toEqual([]);
    expect(await db.selectFrom('backups').selectAll().execute()).toEqual([]);
  });

  it('refuses a name that is taken, of each kind', async () => {
    const { environment } = await environmentWithDatabase();
    const conflict = { code: 'conflict' };
    await expect(createEnvironment(context(), admin, { name: 'production' })).rejects.toMatchObject(conflict);
    const server = { name: 'db1', hostname: 'x' };
    await expect(createServer(context(), admin, environment.id, server)).rejects.toMatchObject(conflict);
    const database = { name: 'appdb', type: 'postgres' };
    await expect(createDatabase(context(), admin, environment.id, database)).rejects.toMatchObject(conflict);
    const other = await createDatabase(context(), admin, environment.id, { ...database, name: 'other' });
    const renamed = updateDatabase(context(), admin, other.id, { name: 'appdb' });
    await expect(renamed).rejects.toMatchObject(conflict);
  });

  it('takes no other type while there are backups of the one that it has: they would be found to be damaged', async () => {
    const { database } = await environmentWithDatabase();
    const change = () => updateDatabase(context(), admin, database.id, { type: 'mysql' });
    const id = await insertBackup(database.id, '2026-01-01T00:00:00.000Z');
    const set = (values: object) => db.updateTable('backups').set(values).where('id', '=', id).execute();
    for (const values of [
      { status: 'completed' },
      { status: 'in_progress' },
      { status: 'failed', outcome: 'uncertain' },
    ]) {
      await set(values);
      await expect(change()).rejects.toMatchObject({ code: 'conflict', details: { field: 'type' } });
    }
    expect((await updateDatabase(context(), admin, database.id, { type: 'postgres', port: 5433 })).port).toBe(
      5433,
    );
    await set({ outcome: 'failed' });
    expect((await change()).type).toBe('mysql');
  });

  it('loses no change of two that are made at once', async () => {
    const { database } = await environmentWithDatabase();
    const change = (input: object) => updateDatabase(context(), admin, database.id, input);
    const outcomes = await Promise.allSettled([
      change({ backupFormat: 'custom' }),
      change({ backupCompression: 'zstd' }),
      change({ port: 5433 }),
    ]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'conflict' });
    const { databases } = await listDatabases(db, database.environmentId, page);
    const wanted = [
      ['backupFormat', 'custom'],
      ['backupCompression', 'zstd'],
      ['port', 5433],
    ] as const;
    const applied = wanted.filter(([field, value]) => databases[0]?.[field] === value);
    expect(applied.length).toBe(outcomes.length - refused.length);
  });

  it('tells the newest backup and the newest completed one, never a deleted one', async () => {
    const { environment, database } = await environmentWithDatabase();
    const completed = await insertBackup(database.id, '2026-01-01T00:00:00.000Z');
    const failed = await insertBackup(database.id, '2026-01-02T00:00:00.000Z', { status: 'failed' });
    await insertBackup(database.id, '2026-01-03T00:00:00.000Z', { deleted_at: '2026-01-04T00:00:00.000Z' });
    const list = await listDatabases(db, environment.id, page);
    expect(list).toMatchObject({
      total: 1,
      databases: [{ name: 'appdb', lastBackup: { id: failed, status: 'failed' }, counts: { backups: 2 } }],
    });
    expect(await summariseBackups(db, environment.id)).toMatchObject([{ lastBackup: { id: completed } }]);
  });

  it('keeps a database while a deleted backup of it is still being stopped', async () => {
    const { database } = await environmentWithDatabase();
    const deleted = { status: 'in_progress', deleted_at: '2026-01-04T00:00:00.000Z' };
    const id = await insertBackup(database.id, '2026-01-03T00:00:00.000Z', deleted);
    await expect(deleteDatabase(context(), admin, database.id)).rejects.toMatchObject({ code: 'conflict' });
    await db.updateTable('backups').set({ status: 'failed' }).where('id', '=', id).execute();
    await deleteDatabase(context(), admin, database.id);
    expect(await db.selectFrom('databases').selectAll().execute()).toEqual([]);
  });

  it('keeps settings, keys and the storage', async () => {
    const { environment } = await environmentWithDatabase();
    await changeSettings(context(), admin, environment.id, 'data', { allowBackupDownload: true });
    await setSsh(context(), admin, environment.id, { sshPrivateKey: 'key', sshUser: 'backup' });
    expect(await revealSshKey(context(), admin, environment.id)).toEqual({
      privateKey: 'key',
      username: 'backup',
    });
    const input = { accessKey: 'a', secretKey: 's', region: 'fra1' };
    const save = (change: object) => {
      const wish = { by: 'api', validate: false } as const;
      return saveStorage(context(), admin, { ...input, ...change }, wish, AbortSignal.timeout(60_000));
    };
    const first = await save({});
    const config = { id: first.kind === 'saved' && first.config.id, endpoint: 'ams3.digitaloceanspaces.com' };
    expect(await save({ secretKey: '', region: 'ams3' })).toMatchObject({ kind: 'saved', config });
    for (const enabled of [true, true, false, true]) {
      await setStorageEnabled(context(), admin, environment.id, enabled);
    }
    expect(await listStorageAccess(db)).toMatchObject([{ name: 'production', isEnabled: true }]);
    expect(await getStorage(context())).toMatchObject({ enabledEnvironments: [{ enabled: true }] });
    expect((await listServers(db, environment.id, page)).total).toBe(1);
    await write(db, (trx) => saveSettings(trx, { maxConcurrentBackups: 2 }, now()));
    await write(db, (trx) => saveSettings(trx, { maxConcurrentBackups: 3 }, now()));
    expect(await readSettings(db)).toMatchObject({ maxConcurrentBackups: 3, sshReadyTimeoutMs: 10_000 });
  });

  it('takes a setting that no longer fits for absent, and keeps the others', async () => {
    await write(db, (trx) => saveSettings(trx, { maxConcurrentBackups: 3, sshReadyTimeoutMs: 5 }, now()));
    expect(await readSettings(db)).toMatchObject({ maxConcurrentBackups: 3, sshReadyTimeoutMs: 10_000 });
  });

  it('keeps the last admin', async () => {
    const passwords = { hash: async () => 'hash', verify: async () => false, isCommon: async () => false };
    const add = (email: string) =>
      createUser({ ...context(), passwords }, admin, { email, password: 'x', role: 'admin' });
    const [one, two] = [await add('one@example.com'), await add('two@example.com')];
    await expect(add('ONE@example.com')).rejects.toMatchObject({ code: 'conflict' });
    await updateUser(context(), admin, one.id, { role: 'viewer' });
    await expect(updateUser(context(), admin, two.id, { role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(deleteUser(context(), admin, two.id)).rejects.toMatchObject({ code: 'conflict' });
    expect((await listUsers(db)).filter((user) => user.role === 'admin')).toHaveLength(1);
  });
});
