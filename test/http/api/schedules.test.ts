import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScheduler } from '../../../src/schedules/scheduler.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { asWritten } from '../../support/as-written.ts';

const NOW = '2026-02-25T10:00:00.000Z';

let app: TestApp;
let environmentId: string;
let serverId: string;
let databaseId: string;
beforeEach(async () => {
  app = await openTestApp();
  app.setNow(new Date(NOW));
  environmentId = (await ask('POST', '/api/environments', { name: 'prod "ü"' })).environment.id;
  const server = { name: 'db 1 <b>', hostname: 'db1.example.com', tags: ['nightly +'] };
  serverId = (await ask('POST', `/api/environments/${environmentId}/servers`, server)).server.id;
  databaseId = await database('shop 😀', { serverId });
});
afterEach(() => app.close());

async function ask(method: string, path: string, body?: object) {
  const answer = await app.call(method, path, body === undefined ? {} : { body });
  expect([method, path, answer.status, answer.body.details ?? answer.body.message]).toEqual([
    method,
    path,
    200,
    undefined,
  ]);
  return answer.body;
}

async function database(name: string, values: object = {}): Promise<string> {
  const body = { name, type: 'sqlite', filePath: '/srv/a.db', backupStorageType: 'local', ...values };
  return (await ask('POST', `/api/environments/${environmentId}/databases`, body)).database.id;
}

const path = (id = databaseId) => `/api/databases/${id}/schedule`;
const put = (body: object, id = databaseId) => app.call('PUT', path(id), { body });
const tick = () => createScheduler(app.services)();

describe('a database’s own schedule', () => {
  it('is none at first, and what was put, with the contract’s defaults', async () => {
    expect(await ask('GET', path())).toEqual({ schedule: null, effectiveSchedule: null });
    const { status, body } = await put({ cronExpression: '  30 2 * * MON-FRI ' });
    expect(status).toBe(200);
    expect(body.schedule).toEqual({
      id: expect.any(String),
      databaseId,
      cronExpression: '30 2 * * MON-FRI',
      words: 'At 02:30, Monday through Friday',
      retentionDays: 7,
      enabled: true,
      lastRunAt: null,
      nextRunAt: '2026-02-26T02:30:00.000Z',
      timeZone: null,
      jitterMinutes: 0,
      catchUpHours: null,
      retries: 0,
      retryMinutes: 10,
      pausedReason: null,
      pausedAt: null,
      ...{ drillCron: null, drillServerId: null, drillFolder: null, verifyEveryDays: null },
    });
    expect(body.effectiveSchedule).toMatchObject({
      rule: null,
      zone: 'UTC',
      nextSlots: ['02-26', '02-27', '03-02', '03-03', '03-04'].map((day) => `2026-${day}T02:30:00.000Z`),
    });
    expect(await ask('GET', path())).toEqual(body);
  });

  it('is changed by another PUT, which keeps its id and what it leaves out of our own fields', async () => {
    const first = (
      await put({ cronExpression: '0 1 * * *', timeZone: 'Asia/Tokyo', retries: 3, jitterMinutes: 5 })
    ).body;
    const { body } = await put({ cronExpression: '0 2 * * *', enabled: false, retentionDays: 30 });
    expect(body.schedule).toMatchObject({
      ...{ id: first.schedule.id, cronExpression: '0 2 * * *', enabled: false, retentionDays: 30 },
      ...{ timeZone: 'Asia/Tokyo', retries: 3, jitterMinutes: 5, nextRunAt: null },
    });
    expect(body.effectiveSchedule.nextSlots).toEqual([]);
    expect((await put({ cronExpression: '0 2 * * *', timeZone: null })).body.schedule).toMatchObject({
      ...{ enabled: true, retentionDays: 7, timeZone: null },
    });
  });

  it('is deleted, twice if one likes', async () => {
    await put({ cronExpression: '0 1 * * *' });
    for (let time = 0; time < 2; time += 1) expect(await ask('DELETE', path())).toEqual({ success: true });
    expect(await ask('GET', path())).toEqual({ schedule: null, effectiveSchedule: null });
  });

  it.each([
    ['GET', path('unknown')],
    ['DELETE', path('unknown')],
    ['GET', `${path('unknown')}/history`],
    ['PUT', path('unknown')],
  ])('%s %s is 404', async (method, to) => {
    const { status, body } = await app.call(
      method,
      to,
      method === 'PUT' ? { body: { cronExpression: '0 1 * * *' } } : {},
    );
    expect([status, body.message]).toEqual([404, 'Database not found']);
  });

  it.each([
    [{}, ['cronExpression']],
    [{ cronExpression: '' }, ['cronExpression']],
    [{ cronExpression: '@daily' }, ['cronExpression']],
    [{ cronExpression: '0 0 * * * *' }, ['cronExpression']],
    [{ cronExpression: '0 0 L * *' }, ['cronExpression']],
    [{ cronExpression: '*/0 * * * *' }, ['cronExpression']],
    [{ cronExpression: '0 0 30 2 *' }, ['cronExpression']],
    [{ cronExpression: 5 }, ['cronExpression']],
    [{ cronExpression: '0 0 * * *', retentionDays: 0 }, ['retentionDays']],
    [{ cronExpression: '0 0 * * *', retentionDays: 366 }, ['retentionDays']],
    [{ cronExpression: '0 0 * * *', retentionDays: '7' }, ['retentionDays']],
    [{ cronExpression: '0 0 * * *', enabled: 'true' }, ['enabled']],
    [{ cronExpression: '0 0 * * *', timeZone: 'Mars' }, ['timeZone']],
    [{ cronExpression: '0 0 * * *', jitterMinutes: 121 }, ['jitterMinutes']],
    [{ cronExpression: '0 0 * * *', catchUpHours: -1 }, ['catchUpHours']],
    [{ cronExpression: '0 0 * * *', retries: 11 }, ['retries']],
    [{ cronExpression: '0 0 * * *', retryMinutes: 0 }, ['retryMinutes']],
    [{ cronExpression: '0 0 * * *', pausedReason: ' ' }, ['pausedReason']],
    [{ cronExpression: '0 0 * * *', pausedReason: 'a\nb' }, ['pausedReason']],
  ])('refuses %j, and stays as it was', async (body, field) => {
    await put({ cronExpression: '0 1 * * *' });
    const answer = await put(body);
    expect([answer.status, answer.body.code, answer.body.details[0].path]).toEqual([
      400,
      'VALIDATION_ERROR',
      field,
    ]);
    expect((await ask('GET', path())).schedule.cronExpression).toBe('0 1 * * *');
  });

  it('is written into the audit with its change', async () => {
    await put({ cronExpression: '0 1 * * *', pausedReason: 'moving <b>' });
    app.setNow(new Date('2026-02-25T10:00:01.000Z'));
    await ask('DELETE', path());
    await ask('DELETE', path());
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_type', '=', 'backup_schedule')
      .orderBy(asWritten(app.services.db))
      .execute();
    expect(rows.map((row) => [row.action, row.user_id, row.resource_name, row.environment_id])).toEqual([
      ['update', app.userIds.admin, 'shop 😀', environmentId],
      ['delete', app.userIds.admin, 'shop 😀', environmentId],
    ]);
    expect(JSON.parse(rows[0]?.details ?? '')).toMatchObject({
      databaseId,
      cronExpression: '0 1 * * *',
      pausedReason: 'moving <b>',
    });
  });

  it('is one after two PUTs at once', async () => {
    const answers = await Promise.all([
      put({ cronExpression: '0 1 * * *' }),
      put({ cronExpression: '0 2 * * *' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await ask('GET', '/api/schedules')).total).toBe(1);
  });
});

describe('what became of its slots', () => {
  it('is told newest first, by pages', async () => {
    await put({ cronExpression: '0 * * * *' });
    for (const hour of ['11', '12', '13']) {
      app.setNow(new Date(`2026-02-25T${hour}:00:05.000Z`));
      await tick();
    }
    const { slots, total } = await ask('GET', `${path()}/history?limit=1`);
    expect([slots, total]).toMatchObject([
      [
        {
          dueAt: '2026-02-25T12:00:00.000Z',
          lastDueAt: '2026-02-25T13:00:00.000Z',
          slots: 2,
          outcome: 'missed',
          reason: 'limits',
        },
      ],
      2,
    ]);
    const { slots: older } = await ask('GET', `${path()}/history?offset=1`);
    const { backups } = await ask('GET', `/api/databases/${databaseId}/backups`);
    expect(older).toMatchObject([{ outcome: 'ran', reason: null, backupId: backups[0].id, tries: 1 }]);
    expect(backups).toMatchObject([{ type: 'scheduled', triggeredBy: null, triggeredById: null }]);
    expect((await ask('GET', path())).schedule.lastRunAt).toBe('2026-02-25T11:00:05.000Z');
  });
});

describe('lists of databases', () => {
  it('tell the own schedule as the contract does, and the one that counts beside it', async () => {
    const plain = await database('plain', { serverId });
    await put({ cronExpression: '0 1 * * *' });
    await ask('POST', '/api/schedules/rules', { name: 'all', cronExpression: '0 3 * * *' });
    const { databases } = await ask('GET', `/api/environments/${environmentId}/databases`);
    expect(databases.map((row: { id: string }) => row.id)).toEqual([plain, databaseId]);
    expect(databases).toMatchObject([
      {
        schedule: null,
        effectiveSchedule: {
          nextRunAt: '2026-02-26T03:00:00.000Z',
          rule: { name: 'all' },
          words: 'At 03:00, every day',
        },
      },
      {
        schedule: {
          enabled: true,
          cronExpression: '0 1 * * *',
          lastRunAt: null,
          nextRunAt: '2026-02-26T01:00:00.000Z',
        },
        effectiveSchedule: { rule: null },
      },
    ]);
    const summary = await ask('GET', `/api/environments/${environmentId}/databases/backup-summary`);
    expect(summary.databases).toMatchObject([
      { databaseId: plain, schedule: null, effectiveSchedule: { nextRunAt: '2026-02-26T03:00:00.000Z' } },
      { databaseId, schedule: { enabled: true, nextRunAt: '2026-02-26T01:00:00.000Z' } },
    ]);
  });

  it('of schedules name those of an environment, by name', async () => {
    await put({ cronExpression: '0 1 * * *' });
    const other = (await ask('POST', '/api/environments', { name: 'other' })).environment.id;
    expect(await ask('GET', `/api/schedules?environmentId=${environmentId}`)).toMatchObject({
      schedules: [{ databaseId, databaseName: 'shop 😀', environmentId }],
      total: 1,
    });
    expect(await ask('GET', `/api/schedules?environmentId=${other}`)).toEqual({ schedules: [], total: 0 });
    expect((await app.call('GET', '/api/schedules?environmentId=unknown')).status).toBe(404);
    expect((await app.call('GET', '/api/schedules?limit=x')).status).toBe(400);
  });
});

describe('a rule', () => {
  it('is made, changed, counted for what fits and deleted', async () => {
    const made = await ask('POST', '/api/schedules/rules', {
      ...{
        name: 'nightly "ü"',
        cronExpression: '0 3 * * *',
        environmentId,
        tag: 'nightly +',
        engine: 'sqlite',
      },
    });
    expect(made.rule).toMatchObject({
      environmentId,
      tag: 'nightly +',
      engine: 'sqlite',
      databases: 1,
      words: 'At 03:00, every day',
    });
    expect((await ask('GET', path())).effectiveSchedule).toMatchObject({
      rule: { id: made.rule.id, name: 'nightly "ü"' },
    });
    const to = `/api/schedules/rules/${made.rule.id}`;
    expect((await ask('PATCH', to, { engine: 'postgres' })).rule).toMatchObject({
      databases: 0,
      tag: 'nightly +',
    });
    expect((await ask('PATCH', to, { engine: null, pausedReason: 'x' })).rule).toMatchObject({
      databases: 1,
      pausedReason: 'x',
    });
    expect((await ask('GET', '/api/schedules/rules')).rules).toHaveLength(1);
    await ask('DELETE', to);
    expect(await ask('GET', path())).toEqual({ schedule: null, effectiveSchedule: null });
    expect((await app.call('DELETE', to)).status).toBe(404);
  });

  it.each([
    [{ name: ' ', cronExpression: '0 0 * * *' }, 400],
    [{ name: 'a', cronExpression: 'x' }, 400],
    [{ name: 'a', cronExpression: '0 0 31 2 *' }, 400],
    [{ name: 'a', cronExpression: '0 0 * * *', engine: 'redis' }, 400],
    [{ name: 'a', cronExpression: '0 0 * * *', engine: '__proto__' }, 400],
    [{ name: 'a', cronExpression: '0 0 * * *', environmentId: 'unknown' }, 404],
    [{ name: 'taken', cronExpression: '0 0 * * *' }, 409],
  ])('%j is refused with %d', async (body, status) => {
    await ask('POST', '/api/schedules/rules', { name: 'taken', cronExpression: '0 3 * * *' });
    expect((await app.call('POST', '/api/schedules/rules', { body })).status).toBe(status);
    expect((await ask('GET', '/api/schedules/rules')).rules).toHaveLength(1);
  });

  it('goes with its environment', async () => {
    await ask('POST', '/api/schedules/rules', { name: 'a', cronExpression: '0 3 * * *', environmentId });
    await ask('DELETE', `/api/environments/${environmentId}`);
    expect((await ask('GET', '/api/schedules/rules')).rules).toEqual([]);
    await tick();
  });
});

describe('what is to come', () => {
  it('is told with what will keep it from running, and where more begins than may run', async () => {
    const ids = [databaseId];
    for (const name of ['b', 'c', 'd']) ids.push(await database(name, { serverId }));
    for (const id of ids) await put({ cronExpression: '0 2,14 * * *' }, id);
    await put({ cronExpression: '0 2,14 * * *', pausedReason: 'x' }, ids[3]);
    const window = { weekdays: [3], from: '13:30', until: '14:01', reason: 'batch' };
    expect(
      (await ask('PUT', `/api/servers/${serverId}/blackouts`, { blackouts: [window] })).blackouts,
    ).toEqual([window]);
    expect(await ask('GET', `/api/servers/${serverId}/blackouts`)).toEqual({ blackouts: [window] });
    const { upcoming, collisions, total, schedulerEnabled, lookedAtUntil } = await ask(
      'GET',
      '/api/schedules/upcoming?hours=24&limit=5',
    );
    expect([total, schedulerEnabled, lookedAtUntil]).toEqual([8, true, null]);
    expect(
      upcoming.map((slot: { runAt: string; obstacle: string }) => [slot.runAt.slice(5, 16), slot.obstacle]),
    ).toEqual([
      ...[
        ['02-25T14:00', 'blackout'],
        ['02-25T14:00', 'blackout'],
        ['02-25T14:00', 'paused'],
        ['02-25T14:00', 'blackout'],
      ],
      ['02-26T02:00', null],
    ]);
    expect(collisions).toMatchObject([
      { serverId, serverName: 'db 1 <b>', from: '2026-02-26T02:00:00.000Z', runs: 3, limit: 2 },
    ]);
  });

  it.each(['0', '-1', '745', 'x', '1.5', ''])('refuses %j hours', async (hours) => {
    expect((await app.call('GET', `/api/schedules/upcoming?hours=${hours}`)).status).toBe(400);
  });

  it.each([
    [{ blackouts: [{ weekdays: [7], from: '10:00', until: '11:00' }] }],
    [{ blackouts: [{ weekdays: [], from: '10:00', until: '11:00' }] }],
    [{ blackouts: [{ weekdays: [1], from: '24:00', until: '11:00' }] }],
    [{ blackouts: [{ weekdays: [1], from: '9:00', until: '11:00' }] }],
    [{ blackouts: 'always' }],
    [{}],
  ])('refuses %j as windows of a server', async (body) => {
    expect((await app.call('PUT', `/api/servers/${serverId}/blackouts`, { body })).status).toBe(400);
  });
});
