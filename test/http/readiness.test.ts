import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import { write } from '../../src/db/write.ts';
import { createReadiness } from '../../src/http/readiness.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';

const ALL = { database: true, masterKey: true, storage: true, disk: true };
const WELL = async () => null;

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

describe('whether backups would work now', () => {
  it('is told to anybody, with nothing else', async () => {
    const { status, body } = await app.call('GET', '/ready', { token: null });
    expect([status, body]).toEqual([200, { status: 'ready', checks: ALL }]);
    expect((await app.call('GET', '/live', { token: null })).body).toEqual({ status: 'ok' });
  });

  it('is no where the last backup was kept out by the storage, without its words', async () => {
    const error = JSON.stringify({
      ...{ step: 'upload', code: 'storage_bad_credentials' },
      message: 'secret-bucket "ü" says no',
    });
    const backup = await insertBackup(app.services.db, new Date(), {
      ...{ status: 'failed', outcome: 'failed', storage_type: 'spaces', error },
    });
    await app.services.db.updateTable('databases').set({ backup_storage_type: 'spaces' }).execute();
    await write(app.services.db, (trx) => recordNewest(trx, backup.database_id, new Date()));
    const { status, body } = await app.call('GET', '/ready', { token: null });
    expect([status, body]).toEqual([503, { status: 'not ready', checks: { ...ALL, storage: false } }]);
  });

  it('is no with another master key, with a full disk, and while nothing can be saved', async () => {
    const { services } = app;
    const other = await createVault(randomBytes(32));
    expect(await createReadiness({ ...services, vault: other }, WELL)()).toEqual({
      ...ALL,
      masterKey: false,
    });
    const freeSpace = async () => ({ free: 1024, total: 1024 ** 4 });
    expect(await createReadiness({ ...services, freeSpace }, WELL)()).toEqual({ ...ALL, disk: false });
    await services.db.schema.dropTable('system_settings').execute();
    const reply = await createApp(services).request('/ready');
    expect([reply.status, await reply.json()]).toEqual([
      503,
      { status: 'not ready', checks: { ...ALL, database: false } },
    ]);
    expect((await createApp(services).request('/live')).status).toBe(200);
  });
});
