import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { insertRun } from '../../../src/runs/claim.ts';
import { STORAGE_LANE } from '../../../src/runs/lanes.ts';
import { saveLog } from '../../../src/runs/stored-log.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { addRun, insertBackup } from '../../support/backup-row.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

/** A deep test that nobody claims, as this app has another worker. */
async function waitingDeepTest(minute: number): Promise<string> {
  await app.worker.stop(1_000);
  const id = `deep ü ${minute}`;
  const run = { id, kind: 'deep_test', subjectId: null, serverId: null, lane: STORAGE_LANE } as const;
  await write(app.services.db, (trx) => insertRun(trx, { ...run, input: { cause: 'asked' } }, at(minute)));
  return id;
}

describe('the runs', () => {
  it('are listed newest first, by kind, state and page, each with the backup that it is about', async () => {
    const { db } = app.services;
    const error = JSON.stringify({ message: 'Größe „x“ 🐘', code: 'dump_failed', step: 'dump', stderr: 'y' });
    const done = await insertBackup(db, at(1), { status: 'completed', outcome: 'completed', progress: 100 });
    const failed = await insertBackup(db, at(2), { status: 'failed', outcome: 'failed', error });
    await db.updateTable('runs').set({ error }).where('id', '=', failed.id).execute();
    const running = await insertBackup(db, at(3), {
      status: 'in_progress',
      outcome: null,
      step: 'dump',
      progress: 45,
    });
    const deep = await waitingDeepTest(4);

    const list = async (query: string) => {
      const { status, body } = await app.call('GET', `/api/runs${query}`, { token: app.tokens.viewer });
      expect(status).toBe(200);
      return [body.runs.map((run: { id: string }) => run.id), body.more];
    };
    expect(await list('')).toEqual([[deep, running.id, failed.id, done.id], false]);
    expect(await list('?limit=2&offset=1')).toEqual([[running.id, failed.id], true]);
    expect(await list('?kind=backup&limit=1')).toEqual([[running.id], true]);
    expect(await list('?kind=deep_test')).toEqual([[deep], false]);
    expect(await list('?state=failed')).toEqual([[failed.id], false]);
    expect(await list('?state=uncertain')).toEqual([[], false]);

    const one = async (id: string) => (await app.call('GET', `/api/runs/${encodeURIComponent(id)}`)).body.run;
    expect(await one(failed.id)).toMatchObject({
      ...{ kind: 'backup', state: 'failed', cancelRequested: false },
      error: { message: 'Größe „x“ 🐘', code: 'dump_failed', step: 'dump' },
      backup: { id: failed.id, filename: 'x', databaseId: failed.database_id, databaseName: 'app' },
    });
    expect(await one(running.id)).toMatchObject({
      state: 'running',
      step: 'dump',
      progress: 45,
      error: null,
    });
    expect(await one(deep)).toMatchObject({ kind: 'deep_test', state: 'pending', backup: null });
  });

  it('are listed by who asked for them', async () => {
    const { operator } = app.userIds;
    const ended = { status: 'completed', outcome: 'completed' } as const;
    const scheduled = await insertBackup(app.services.db, at(1), { ...ended, type: 'scheduled' });
    const mine = await insertBackup(app.services.db, at(2), { ...ended, triggered_by_id: operator });
    const failed = { status: 'failed', outcome: 'failed', triggered_by_id: operator } as const;
    const alsoMine = await insertBackup(app.services.db, at(3), failed);
    await insertBackup(app.services.db, at(4), ended);
    const list = async (query: string) => {
      const { status, body } = await app.call('GET', `/api/runs?${query}`, { token: app.tokens.viewer });
      return status === 200 ? [body.runs.map((run: { id: string }) => run.id), body.more] : status;
    };
    expect(await list('by=schedule')).toEqual([[scheduled.id], false]);
    expect(await list('by=person')).toEqual([[alsoMine.id, mine.id], false]);
    expect(await list(`by=person:${operator}&limit=1`)).toEqual([[alsoMine.id], true]);
    expect(await list(`by=person:${operator}&limit=1&offset=1`)).toEqual([[mine.id], false]);
    expect(await list(`by=person:${operator}&state=failed`)).toEqual([[alsoMine.id], false]);
    expect(await list('by=person&kind=restore')).toEqual([[], false]);
    for (const by of ['token', 'token:x', `token:${operator}`, 'person:gone']) {
      expect(await list(`by=${by}`)).toEqual([[], false]);
    }
    for (const by of ['', 'me', 'schedule:x', 'person:', 'person:%27', `person:${'x'.repeat(41)}`]) {
      expect(await list(`by=${by}`)).toBe(400);
    }
  });

  it('of deleted backups are not given out', async () => {
    const { db } = app.services;
    const values = { status: 'completed', outcome: 'completed', deleted_at: at(9).toISOString() } as const;
    const { id } = await insertBackup(db, at(1), values);
    expect((await app.call('GET', '/api/runs')).body).toEqual({ runs: [], more: false });
    expect((await app.call('GET', `/api/runs/${id}`)).status).toBe(404);
    expect((await app.call('POST', `/api/runs/${id}/cancel`)).status).toBe(404);
  });

  it.each(['?kind=nonsense', '?state=done', '?limit=x'])('refuse %s', async (query) => {
    expect((await app.call('GET', `/api/runs${query}`)).status).toBe(400);
  });

  it('go with their backup', async () => {
    const { db } = app.services;
    const { id, database_id: databaseId } = await insertBackup(db, at(1), {
      status: 'completed',
      outcome: 'completed',
    });
    await db.deleteFrom('databases').where('id', '=', databaseId).execute();
    expect(await db.selectFrom('runs').select('id').where('id', '=', id).execute()).toEqual([]);
  });
});

describe('cancelling a run', () => {
  const cancel = (id: string, token = app.tokens.operator) =>
    app.call('POST', `/api/runs/${encodeURIComponent(id)}/cancel`, { token, body: {} });
  const audited = async () =>
    (await app.services.db.selectFrom('audit_logs').select(['action', 'resource_type']).execute()).filter(
      ({ action }) => action.startsWith('cancel'),
    );

  it('of a backup is cancelling the backup', async () => {
    const waiting = await insertBackup(app.services.db, at(1), { status: 'pending', outcome: null });
    expect((await cancel(waiting.id, app.tokens.viewer)).status).toBe(403);
    expect((await cancel(waiting.id)).status).toBe(200);
    const { body } = await app.call('GET', `/api/backups/${waiting.id}`);
    expect(body.backup).toMatchObject({ status: 'failed', outcome: 'cancelled', cancelRequested: true });
    expect((await app.call('GET', `/api/runs/${waiting.id}`)).body.run).toMatchObject({ state: 'cancelled' });
    expect((await cancel(waiting.id)).status).toBe(409);
    expect(await audited()).toEqual([{ action: 'cancel', resource_type: 'backup' }]);
  });

  it('of a deep test is for admins', async () => {
    const deep = await waitingDeepTest(1);
    expect((await cancel(deep)).body.message).toBe('Admin access required');
    expect((await cancel(deep, app.tokens.admin)).status).toBe(200);
    const { body } = await app.call('GET', `/api/runs/${encodeURIComponent(deep)}`);
    expect(body.run).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
    expect((await cancel(deep, app.tokens.admin)).body.message).toContain(
      'has ended already: it is cancelled',
    );
    expect(await audited()).toEqual([{ action: 'cancel_test', resource_type: 'spaces_config' }]);
  });

  it('that is not there is 404', async () => {
    expect((await cancel('nothing 🐘')).status).toBe(404);
  });
});

it('a backup without a run, as nobody makes one, is shown all the same', async () => {
  const { db } = app.services;
  const backup = await insertBackup(db, at(1), { status: 'completed', outcome: 'completed' });
  await db.deleteFrom('runs').execute();
  const { body } = await app.call('GET', `/api/backups/${backup.id}`);
  expect(body.backup).toMatchObject({ id: backup.id, progress: 0, step: null, cancelRequested: false });
  await addRun(db, backup, { progress: 100 });
  expect((await app.call('GET', `/api/backups/${backup.id}`)).body.backup.progress).toBe(100);
});

describe('the log of a run', () => {
  it('is told in order, empty where nothing is kept, and of no run that is gone', async () => {
    const { db } = app.services;
    const { id } = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
    expect((await app.call('GET', `/api/runs/${id}/log`)).body).toEqual({ lines: [] });
    const line = (at: string) => ({ at, level: 'info', message: 'says "ü" 🗝', details: 'status=503' });
    const lines = ['2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00.000Z'].map(line);
    await saveLog(
      db,
      id,
      lines
        .toReversed()
        .map((one) => JSON.stringify(one))
        .join('\n'),
    );
    const { status, body } = await app.call('GET', `/api/runs/${id}/log`, { token: app.tokens.viewer });
    expect([status, body]).toEqual([200, { lines }]);
    await db
      .updateTable('backups')
      .set({ deleted_at: new Date().toISOString() })
      .where('id', '=', id)
      .execute();
    for (const gone of [id, 'nobody', encodeURIComponent('"><script>')])
      expect((await app.call('GET', `/api/runs/${gone}/log`)).status).toBe(404);
  });
});
