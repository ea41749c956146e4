import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  changePin,
  removeBackup,
  removeBackups,
  startBackup,
  stopBackup,
} from '../../src/backups/backup-actions.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

describe.each(STATES)('what people do to backups, on %s', (state) => {
  let app: TestApp;
  let services: Services;
  let cancelled: string[];
  let actor: { userId: string; address: string };
  beforeEach(async () => {
    app = await openTestApp({ db: await openState(state) });
    cancelled = [];
    const cancel = (id: string) => cancelled.push(id) > 0;
    services = { ...app.services, runs: { ...app.services.runs, cancel } };
    actor = { userId: app.userIds.operator, address: '203.0.113.9' };
  });
  afterEach(() => app.close());

  const insert = (status: 'pending' | 'in_progress' | 'completed') =>
    insertBackup(services.db, services.now(), { status, outcome: null, filename: 'tägliche +"🗄".dump' });
  const audited = () =>
    services.db
      .selectFrom('audit_logs')
      .select(['action', 'resource_id'])
      .orderBy(asWritten(services.db))
      .execute();
  const all = async () => ({
    backups: await services.db.selectFrom('backups').selectAll().orderBy('id').execute(),
    totals: await services.db.selectFrom('stored_totals').selectAll().execute(),
  });

  /** Each with the state that the backup is in before. */
  const ACTIONS = [
    [
      'a request',
      'completed',
      async (_: string, databaseId: string) => void (await startBackup(services, actor, databaseId)),
    ],
    ['a cancel of one that waits', 'pending', (id: string) => stopBackup(services, actor, id)],
    ['a cancel of one that runs', 'in_progress', (id: string) => stopBackup(services, actor, id)],
    ['a deletion', 'completed', (id: string) => removeBackup(services, actor, id)],
    ['a deletion of one that runs', 'in_progress', (id: string) => removeBackup(services, actor, id)],
    [
      'a deletion of many',
      'completed',
      async (id: string, databaseId: string) =>
        void (await removeBackups(services, actor, databaseId, [id, 'nothing'])),
    ],
    [
      'a deletion of many that run',
      'in_progress',
      async (id: string, databaseId: string) =>
        void (await removeBackups(services, actor, databaseId, [id, 'nothing'])),
    ],
    [
      'a pin',
      'completed',
      async (backupId: string, databaseId: string) =>
        void (await changePin(services, actor, { databaseId, backupId }, true)),
    ],
  ] as const;

  it.each(ACTIONS)('%s changes nothing where its audit fails', async (_, status, act) => {
    const { id, database_id: databaseId } = await insert(status);
    const before = await all();
    await services.db.schema.dropTable('audit_logs').execute();
    await expect(act(id, databaseId)).rejects.toThrow(/audit_logs/);
    expect(await all()).toEqual(before);
    expect(cancelled).toEqual([]);
  });

  it.each(ACTIONS)('%s is in the audit once', async (_, status, act) => {
    const { id, database_id: databaseId } = await insert(status);
    const before = await audited();
    await act(id, databaseId);
    expect(await audited()).toHaveLength(before.length + 1);
    expect(cancelled).toEqual(status === 'in_progress' ? [id] : []);
  });

  it('a second request while one waits is in the audit with the one that waits', async () => {
    const { database_id: databaseId } = await insert('completed');
    const first = await startBackup(services, actor, databaseId);
    expect(first).toMatchObject({ isNew: true, isRunning: false });
    expect(await startBackup(services, actor, databaseId)).toEqual({ ...first, isNew: false });
    const entries = await services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'backup')
      .execute();
    expect(entries).toEqual(Array(2).fill({ details: JSON.stringify({ backupId: first.backupId }) }));
  });

  it('a request while one waits that a schedule has asked for makes it a manual one, which nothing prunes', async () => {
    const waiting = await insertBackup(services.db, services.now(), {
      ...{ status: 'pending', outcome: null, type: 'scheduled' },
    });
    const asked = await startBackup(services, actor, waiting.database_id);
    expect(asked).toEqual({ backupId: waiting.id, isNew: false, isRunning: false });
    const row = services.db
      .selectFrom('backups')
      .select(['type', 'triggered_by_id'])
      .where('id', '=', waiting.id);
    expect(await row.executeTakeFirst()).toEqual({ type: 'manual', triggered_by_id: actor.userId });
    const askers = services.db.selectFrom('run_askers').select('asker').where('run_id', '=', waiting.id);
    expect((await askers.execute()).map(({ asker }) => asker).sort()).toEqual([
      'person',
      `person:${actor.userId}`,
    ]);
  });

  it.each([
    ['cancel', stopBackup],
    ['delete', removeBackup],
  ])('%s of what is not there is refused and not in the audit', async (_, act) => {
    const before = await audited();
    await expect(act(services, actor, 'keine „ü+🗄"\0')).rejects.toMatchObject({ code: 'not_found' });
    expect(await audited()).toEqual(before);
  });

  it('a cancel of one that has ended is refused and not in the audit', async () => {
    const { id } = await insert('completed');
    const before = await audited();
    await expect(stopBackup(services, actor, id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await audited()).toEqual(before);
  });
});
