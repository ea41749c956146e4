import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeBackups } from '../../src/backups/backup-actions.ts';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import { removeDatabase, whatDependsOn } from '../../src/backups/remove-database.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import type { BackupRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const BUCKET = { endpoint: 'https://s3.example.com', region: 'x', bucket: 'sicherung' } as const;
const HOST = { endpoint: 'host:local', region: null, bucket: '' } as const;
const NAME = 'shop "ü" + <script> 🐘';

afterAll(dropStates);

describe.each(STATES)('a database with backups, on %s', (state) => {
  let app: TestApp;
  let services: Services;
  let cancelled: string[];
  let actor: { userId: string; address: string };
  let databaseId = '';
  beforeEach(async () => {
    app = await openTestApp({ db: await openState(state) });
    cancelled = [];
    databaseId = '';
    const cancel = (id: string) => cancelled.push(id) > 0;
    const openPlace = async () => {
      throw new Error('nobody answers');
    };
    services = { ...app.services, openPlace, runs: { ...app.services.runs, cancel } };
    actor = { userId: app.userIds.operator, address: '203.0.113.9' };
    const first = await completed(BUCKET, 1000);
    databaseId = first.database_id;
    await services.db.updateTable('databases').set({ name: NAME }).where('id', '=', databaseId).execute();
    await completed(HOST, 500, { is_pinned: 1 });
    await insert({ status: 'failed', outcome: 'failed' });
    expect(await repairCounts(services)).toBe(1);
  });
  afterEach(() => app.close());

  const insert = (values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow>) =>
    insertBackup(services.db, services.now(), {
      ...{ filename: 'tägliche +"🗄".dump', token: newId() },
      ...(databaseId === '' ? {} : { database_id: databaseId }),
      ...values,
    });

  async function completed(place: typeof BUCKET | typeof HOST, bytes: number, more: Partial<BackupRow> = {}) {
    const row = await insert({ status: 'completed', outcome: 'completed', size: bytes, ...more });
    const object = { id: newId(), backup_id: row.id, kind: 'dump' as const, number: 0, version_id: 'v1' };
    await services.db
      .insertInto('backup_objects')
      .values({ ...object, ...place, key: `schlüssel ${row.id} 🐘`, bytes })
      .execute();
    return row;
  }

  const everything = async () => ({
    databases: await services.db.selectFrom('databases').selectAll().orderBy('id').execute(),
    backups: await services.db.selectFrom('backups').selectAll().orderBy('id').execute(),
    leftovers: await services.db.selectFrom('leftovers').selectAll().execute(),
    days: await services.db.selectFrom('environment_days').selectAll().execute(),
  });
  const audited = () =>
    services.db
      .selectFrom('audit_logs')
      .select(['action', 'resource_type', 'resource_name', 'details'])
      .where('action', '=', 'delete')
      .execute();

  it('tells before what would go with it', async () => {
    expect(await whatDependsOn(services.db, databaseId)).toEqual({
      backups: 3,
      bytes: 1500,
      pinned: 1,
      isRunning: false,
      stored: [
        { bucket: null, backups: 1, bytes: 500 },
        { bucket: 'sicherung', backups: 1, bytes: 1000 },
      ],
    });
  });

  it('goes with its backups: each file is left to be removed, and the days remember that it lay there', async () => {
    const gone = await removeDatabase(services, actor, databaseId, {
      files: 'delete',
      typedName: ` ${NAME}`,
    });
    expect(gone).toMatchObject({ backups: 3, bytes: 1500 });
    const after = await everything();
    const own = after.databases.filter(({ id }) => id === databaseId);
    expect([own, after.backups]).toEqual([[], []]);
    expect(after.leftovers.map(({ kind, version_id }) => `${kind} ${version_id}`).sort()).toEqual([
      ...['file v1', 'object v1'],
    ]);
    const { added, freed } = after.days.reduce(
      (sum, day) => ({ added: sum.added + Number(day.added), freed: sum.freed + Number(day.freed) }),
      { added: 0, freed: 0 },
    );
    expect([added, freed]).toEqual([1500, 1500]);
    const details = { files: 'delete', backups: 3, bytes: 1500, buckets: ['sicherung'] };
    expect(await audited()).toEqual([
      {
        ...{ action: 'delete', resource_type: 'database', resource_name: NAME },
        details: JSON.stringify(details),
      },
    ]);
    expect(await services.db.selectFrom('runs').selectAll().execute()).toEqual([]);
  });

  it('is forgotten with its files kept, but for what was being deleted already', async () => {
    await services.db
      .updateTable('backups')
      .set({ deleted_at: services.now().toISOString() })
      .where('is_pinned', '=', 1)
      .execute();
    await removeDatabase(services, actor, databaseId, { files: 'keep' });
    const after = await everything();
    expect(after.backups).toEqual([]);
    expect(after.leftovers.map(({ kind }) => kind)).toEqual(['file']);
  });

  it('stays where another name was typed, where a backup runs, and where its audit fails', async () => {
    const before = await everything();
    const wrong = removeDatabase(services, actor, databaseId, { files: 'delete', typedName: 'shop' });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid', details: { field: 'name' } });
    expect(await everything()).toEqual(before);

    const running = await insert({ status: 'in_progress', outcome: null });
    expect((await whatDependsOn(services.db, databaseId)).isRunning).toBe(true);
    const withRun = await everything();
    const refused = removeDatabase(services, actor, databaseId, { files: 'delete' });
    await expect(refused).rejects.toThrow('is running. Cancel it or wait for its end');
    expect(await everything()).toEqual(withRun);
    await services.db.deleteFrom('backups').where('id', '=', running.id).execute();

    const last = await everything();
    await services.db.schema.dropTable('audit_logs').execute();
    await expect(removeDatabase(services, actor, databaseId, { files: 'delete' })).rejects.toThrow(
      'audit_logs',
    );
    expect(await everything()).toEqual(last);
  });

  it('goes once where two delete it at once, together with the one that waits', async () => {
    await insert({ status: 'pending', outcome: null });
    const both = await Promise.allSettled([
      removeDatabase(services, actor, databaseId, { files: 'delete' }),
      removeDatabase(services, actor, databaseId, { files: 'keep' }),
    ]);
    const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(failed).toMatchObject([{ code: 'not_found' }]);
    expect(await audited()).toHaveLength(1);
    expect((await everything()).backups).toEqual([]);
  });

  it('is deleted by the API with its backups only where that is asked for', async () => {
    const path = `/api/databases/${databaseId}`;
    const refused = await app.call('DELETE', path);
    expect([refused.status, refused.body.message]).toEqual([
      400,
      'Cannot delete database with existing backups. Delete backups first.',
    ]);
    expect((await app.call('DELETE', `${path}?backups=ja`)).status).toBe(400);
    expect((await app.call('DELETE', `${path}?backups=keep`)).body).toEqual({ success: true });
    expect((await app.call('DELETE', `${path}?backups=keep`)).status).toBe(404);
  });

  it('loses those of its backups that are selected, each with its audit; others stay', async () => {
    const other = await insertBackup(services.db, services.now(), {
      status: 'completed',
      outcome: 'completed',
    });
    const running = await insert({ status: 'in_progress', outcome: null });
    const { backups } = await everything();
    const own = backups.filter(({ database_id }) => database_id === databaseId).map(({ id }) => id);
    const wanted = [...own, ...own, other.id, 'nothing', ''];
    expect(await removeBackups(services, actor, databaseId, wanted)).toBe(4);
    expect(cancelled).toEqual([running.id]);
    expect(await audited()).toHaveLength(4);
    const left = await services.db
      .selectFrom('backups')
      .select('id')
      .where('deleted_at', 'is', null)
      .execute();
    expect(left).toEqual([{ id: other.id }]);
    const newest = await services.db.selectFrom('newest_backups').select('database_id').execute();
    expect(newest).toEqual([{ database_id: other.database_id }]);
    await write(services.db, (trx) => recordNewest(trx, databaseId, new Date()));
    expect(await removeBackups(services, actor, databaseId, wanted)).toBe(0);
  });
});
