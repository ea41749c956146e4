import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { knownDatabases } from '../../src/backups/known-databases.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { parseCron } from '../../src/schedules/cron.ts';
import { longestGapMinutes } from '../../src/schedules/longest-gap.ts';
import { nextRuns } from '../../src/schedules/next-runs.ts';
import { changeRule, deleteRule } from '../../src/schedules/rules.ts';
import { scheduledAlike, scheduledDatabases } from '../../src/schedules/scheduled.ts';
import { briefSchedules, deleteSchedule, getSchedule } from '../../src/schedules/schedules.ts';
import { thinSlots } from '../../src/schedules/thin-slots.ts';
import { upcomingSlots } from '../../src/schedules/upcoming.ts';
import { weekAhead } from '../../src/schedules/week.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { openTestDatabase } from '../support/database.ts';
import { openWorld, type World } from '../support/schedules.ts';

const NOBODY = { userId: null, address: null };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let db: Db;
let world: World;
beforeEach(async () => {
  db = await openTestDatabase();
  world = await openWorld(db, '2026-02-25T10:00:00.000Z');
});
afterEach(() => db.destroy());

const runs = () => db.selectFrom('backups').selectAll().orderBy('created_at').execute();
const countOf = async () => (await runs()).length;
const nextOf = async (id: string) => (await getSchedule(world, id)).effective?.nextRunAt;

/** Configures a storage that the environment may use. */
async function enableStorage(): Promise<void> {
  const at = { created_at: world.now().toISOString(), updated_at: world.now().toISOString() };
  const keys = { access_key: 'a', secret_key: 's', region: 'r', endpoint: 'https://s.example', ...at };
  await db
    .insertInto('spaces_config')
    .values({ id: 'x', ...keys } as never)
    .execute();
  await db
    .insertInto('spaces_environments')
    .values({ id: 'x', spaces_config_id: 'x', environment_id: world.environmentId, enabled: 1 })
    .execute();
}

/** One nightly database, looked at once, so that its next slot is known. */
async function nightly(options: object = {}) {
  const id = await world.database();
  await world.schedule(id, { cronExpression: '0 2 * * *', ...options });
  return id;
}

describe('a slot', () => {
  it('makes one scheduled run when its time has come, and no other', async () => {
    const id = await nightly();
    const tick = world.worker();
    await tick();
    world.setNow('2026-02-26T01:59:59.999Z');
    await tick();
    expect(await countOf()).toBe(0);
    world.setNow('2026-02-26T02:00:30.000Z');
    await tick();
    await tick();
    await world.worker()();
    expect(await runs()).toMatchObject([
      {
        database_id: id,
        type: 'scheduled',
        status: 'pending',
        triggered_by_id: null,
        created_at: '2026-02-26T02:00:30.000Z',
      },
    ]);
    expect(await world.lines(id)).toEqual(['2026-02-26T02:00 ran']);
    expect(await getSchedule(world, id)).toMatchObject({
      own: { lastRunAt: '2026-02-26T02:00:30.000Z', nextRunAt: '2026-02-27T02:00:00.000Z' },
    });
  });

  it('is begun by one of many who look at the same time', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => nightly()));
    world.setNow('2026-02-26T02:00:01.000Z');
    await Promise.all(Array.from({ length: 4 }, () => world.worker()()));
    expect((await runs()).map((row) => row.database_id).sort()).toEqual([...ids].sort());
    for (const id of ids) expect(await world.lines(id)).toEqual(['2026-02-26T02:00 ran']);
    expect(world.log).toEqual([]);
  });

  it('keeps its schedule’s own zone, or the installation’s', async () => {
    const [own, common] = [await nightly({ timeZone: 'Asia/Kathmandu' }), await nightly()];
    await write(db, (trx) => saveSettings(trx, { timezone: 'America/St_Johns' }, world.now()));
    await world.worker()();
    expect([await nextOf(own), await nextOf(common)]).toEqual([
      '2026-02-25T20:15:00.000Z',
      '2026-02-26T05:30:00.000Z',
    ]);
  });

  it('begins up to its jitter later, always as much', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => nightly({ jitterMinutes: 30 })));
    const begins = await Promise.all(ids.map(nextOf));
    expect(new Set(begins).size).toBeGreaterThan(8);
    for (const begin of begins) expect(begin?.slice(0, 13)).toBe('2026-02-26T02');
    expect(begins.every((begin) => (begin ?? '') < '2026-02-26T02:30')).toBe(true);
    const tick = world.worker();
    for (let minute = 0; minute <= 32; minute += 4) {
      world.setNow(Date.parse('2026-02-26T02:00:00.000Z') + minute * 60_000);
      await tick();
    }
    for (const id of ids) expect(await world.lines(id)).toEqual(['2026-02-26T02:00 ran']);
    expect(await countOf()).toBe(12);
  });
});

describe('what speaks against a run is the line of its slot', () => {
  it('skips while one runs, and misses while one waits for its turn', async () => {
    const id = await world.database();
    await world.schedule(id, { cronExpression: '0 * * * *' });
    const tick = world.worker();
    world.setNow('2026-02-25T11:00:10.000Z');
    await tick();
    world.setNow('2026-02-25T12:00:10.000Z');
    await tick();
    await db.updateTable('runs').set({ state: 'running' }).execute();
    await db.updateTable('backups').set({ status: 'in_progress' }).execute();
    world.setNow('2026-02-25T13:00:10.000Z');
    await tick();
    world.setNow('2026-02-25T14:00:10.000Z');
    await tick();
    await world.finish();
    world.setNow('2026-02-25T15:00:10.000Z');
    await tick();
    expect(await world.lines(id)).toEqual([
      '2026-02-25T11:00 ran',
      '2026-02-25T12:00 missed limits',
      '2026-02-25T13:00 skipped running 2',
      '2026-02-25T15:00 ran',
    ]);
  });

  it('is the reason of a pause, in one line for all its slots', async () => {
    const id = await world.database();
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: 'until "Müller" is back' });
    const tick = world.worker();
    for (let hour = 1; hour <= 5; hour += 1) {
      world.setNow(Date.parse('2026-02-25T10:00:01.000Z') + hour * HOUR);
      await tick();
    }
    expect(await nextOf(id)).toBeNull();
    world.setNow('2026-02-26T10:30:00.000Z');
    await tick();
    expect(await world.rows(id)).toMatchObject([
      {
        outcome: 'skipped',
        reason: 'paused',
        detail: 'until "Müller" is back',
        slots: 24,
        last_due_at: '2026-02-26T10:00:00.000Z',
      },
    ]);
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: null });
    expect(await nextOf(id)).toBe('2026-02-26T11:00:00.000Z');
    world.setNow('2026-02-26T11:00:01.000Z');
    await tick();
    expect((await world.lines(id)).at(-1)).toBe('2026-02-26T11:00 ran');
  });

  it('is a window of its server in which nothing begins, by the clock of the zone', async () => {
    const server = await world.server();
    const id = await world.database({ server_id: server });
    await world.schedule(id, { cronExpression: '0 */6 * * *', timeZone: 'Europe/Berlin' });
    // 26 February is a Thursday; its window lasts until two in the morning of Friday.
    const window = {
      id: newId(),
      server_id: server,
      weekdays: '4',
      from_minute: 17 * 60,
      until_minute: 2 * 60,
      reason: 'batch',
    };
    await db.insertInto('server_blackouts').values(window).execute();
    const tick = world.worker();
    for (let hour = 1; hour <= 45; hour += 1) {
      world.setNow(Date.parse('2026-02-25T10:00:01.000Z') + hour * HOUR);
      await tick();
      await world.finish();
    }
    expect(await world.lines(id)).toEqual([
      '2026-02-25T11:00 ran',
      '2026-02-25T17:00 ran',
      '2026-02-25T23:00 ran',
      '2026-02-26T05:00 ran',
      '2026-02-26T11:00 ran',
      '2026-02-26T17:00 skipped blackout 2',
      '2026-02-27T05:00 ran',
    ]);
    expect((await world.rows(id))[5]?.detail).toBe('17:00 to 02:00: batch');
  });

  it('is a storage that the environment may not use', async () => {
    const id = await world.database({ backup_storage_type: 'spaces' });
    await world.schedule(id, { cronExpression: '0 2 * * *' });
    world.setNow('2026-02-26T02:00:01.000Z');
    await world.worker()();
    expect(await world.lines(id)).toEqual(['2026-02-26T02:00 skipped storage_off']);
    expect(await countOf()).toBe(0);
  });
});

describe('after the app was down', () => {
  it('each database catches up once, the oldest first, and each slot has its line', async () => {
    const hourly = await world.database();
    await world.schedule(hourly, { cronExpression: '30 * * * *' });
    const ids = [];
    for (let hour = 0; hour < 5; hour += 1) {
      const id = await world.database();
      await world.schedule(id, { cronExpression: `0 ${5 - hour} * * *` });
      ids.unshift(id);
    }
    world.setNow('2026-02-28T08:10:00.000Z');
    await world.worker()();
    const made = await runs();
    expect(made.map((row) => row.database_id)).toEqual([hourly, ...ids]);
    expect(new Set(made.map((row) => row.created_at)).size).toBe(6);
    expect(await world.lines(hourly)).toEqual([
      '2026-02-25T10:30 missed app_down 69',
      '2026-02-28T07:30 caught_up',
    ]);
    expect(await world.lines(ids[0] ?? '')).toEqual([
      '2026-02-26T01:00 missed app_down 2',
      '2026-02-28T01:00 caught_up',
    ]);
    await world.worker()();
    expect(await countOf()).toBe(6);
  });

  it('nothing is caught up later than the schedule allows', async () => {
    const [never, soon] = [await nightly({ catchUpHours: 0 }), await nightly({ catchUpHours: 6 })];
    world.setNow('2026-02-26T08:10:00.000Z');
    await world.worker()();
    expect([await world.lines(never), await world.lines(soon)]).toEqual(
      [never, soon].map(() => ['2026-02-26T02:00 missed app_down']),
    );
    world.setNow('2026-02-27T07:59:00.000Z');
    await world.worker()();
    expect((await world.lines(soon)).at(-1)).toBe('2026-02-27T02:00 caught_up');
    expect(await nextOf(never)).toBe('2026-02-28T02:00:00.000Z');
  });

  it('a year of minutes is over in a moment, and in two lines', async () => {
    const id = await world.database();
    await world.schedule(id, { cronExpression: '* * * * *' });
    world.setNow('2027-02-25T10:00:30.000Z');
    await world.worker()();
    expect(await world.lines(id)).toEqual(['2026-02-25T10:01 missed app_down 10000', '2027-02-25T10:00 ran']);
    expect((await world.rows(id))[0]?.last_due_at).toBe('2027-02-25T09:59:00.000Z');
  });
});

describe('a clock that is set back', () => {
  it.each([HOUR, DAY, 366 * DAY])(
    'by %d ms runs no slot twice, and waits for none that is far ahead',
    async (by) => {
      const id = await nightly();
      const tick = world.worker();
      world.setNow('2026-02-26T02:00:01.000Z');
      await tick();
      await world.finish();
      world.setNow(world.now().getTime() - by);
      await tick();
      const next = await nextOf(id);
      expect(Date.parse(next ?? '') - world.now().getTime()).toBeLessThanOrEqual(2 * DAY);
      expect(next).not.toBe('2026-02-26T02:00:00.000Z');
      world.setNow('2026-02-26T02:00:01.000Z');
      await tick();
      expect((await world.lines(id)).filter((line) => line.startsWith('2026-02-26T02:00'))).toEqual([
        '2026-02-26T02:00 ran',
      ]);
    },
  );

  it('after it was a year ahead takes back what was said to be missed, and goes on as before', async () => {
    const id = await nightly();
    const tick = world.worker();
    await tick();
    world.setNow('2027-02-25T10:00:00.000Z');
    await tick();
    await world.finish();
    expect(await world.lines(id)).toEqual([
      '2026-02-26T02:00 missed app_down 364',
      '2027-02-25T02:00 caught_up',
    ]);
    for (let day = 0; day < 3; day += 1) {
      world.setNow(Date.parse('2026-02-25T12:00:00.000Z') + day * DAY);
      await tick();
      world.setNow(Date.parse('2026-02-26T02:00:01.000Z') + day * DAY);
      await tick();
      await world.finish();
    }
    expect(await world.lines(id)).toEqual([
      ...['2026-02-26T02:00 ran', '2026-02-27T02:00 ran', '2026-02-28T02:00 ran'],
    ]);
  });
});

describe('lines of months that are over', () => {
  it('become one for each result, and lose no slot', async () => {
    const id = await nightly();
    const tick = world.worker();
    for (let day = 0; day < 70; day += 1) {
      world.setNow(Date.parse('2026-02-26T02:00:01.000Z') + day * DAY);
      // Each third one is missed, since the one before still waits.
      await tick();
      if (day % 3 !== 1) await world.finish();
    }
    const before = await world.lines(id);
    await thinSlots(world);
    await thinSlots(world);
    const after = await world.lines(id);
    expect([before.length, after.slice(0, 5)]).toEqual([
      70,
      [
        ...['2026-02-26T02:00 ran 2', '2026-02-28T02:00 missed limits'],
        ...['2026-03-01T02:00 ran 21', '2026-03-03T02:00 missed limits 10'],
        '2026-04-01T02:00 ran',
      ],
    ]);
    const slots = (await world.rows(id)).reduce((sum, row) => sum + row.slots, 0);
    expect(slots).toBe(70);
    expect(after).toHaveLength(70 - 34 + 4);
  });

  it('hold up nothing where the clock was months ahead', async () => {
    const id = await nightly();
    const tick = world.worker();
    for (let day = 0; day < 100; day += 1) {
      world.setNow(Date.parse('2026-02-26T02:00:01.000Z') + day * DAY);
      await tick();
      await world.finish();
    }
    await thinSlots(world);
    world.setNow('2026-02-26T10:00:00.000Z');
    await tick();
    // The one of tomorrow ran, as far as one can tell; the next one is awaited.
    expect(await nextOf(id)).toMatch(/^2026-02-2[78]T02:00/);
    world.setNow('2026-02-28T02:00:01.000Z');
    await tick();
    expect((await world.lines(id)).at(-1)).toBe('2026-02-28T02:00 ran');
  });
});

describe('a run that failed', () => {
  const fail = async (code: string) => {
    await world.finish('failed', code);
    await world.worker()();
  };

  it('for a cause that can pass is tried again, later each time, as often as the schedule says', async () => {
    const id = await nightly({ retries: 2, retryMinutes: 10 });
    const tick = world.worker();
    world.setNow('2026-02-26T02:00:00.000Z');
    await tick();
    await fail('host_unreachable');
    world.setNow('2026-02-26T02:09:59.000Z');
    await tick();
    expect(await countOf()).toBe(1);
    world.setNow('2026-02-26T02:10:00.000Z');
    await Promise.all([tick(), world.worker()(), world.worker()()]);
    expect(await countOf()).toBe(2);
    await fail('storage_unreachable');
    world.setNow('2026-02-26T02:29:00.000Z');
    await tick();
    expect(await countOf()).toBe(2);
    world.setNow('2026-02-26T02:30:00.000Z');
    await tick();
    await fail('dump_locked');
    world.setNow('2026-02-26T20:00:00.000Z');
    await tick();
    expect((await runs()).map((row) => row.type)).toEqual(['scheduled', 'scheduled', 'scheduled']);
    expect(await world.rows(id)).toMatchObject([{ outcome: 'ran', tries: 3, is_watched: 0, retry_at: null }]);
  });

  it.each([
    'dump_refused',
    'host_auth',
    'storage_bad_credentials',
    'internal',
    'host_key_changed',
    'storage_full',
  ])('for %s is not tried again', async (code) => {
    await nightly({ retries: 3, retryMinutes: 1 });
    world.setNow('2026-02-26T02:00:00.000Z');
    await world.worker()();
    await fail(code);
    world.setNow('2026-02-26T06:00:00.000Z');
    await world.worker()();
    expect(await countOf()).toBe(1);
  });

  it('is not tried again once the next slot is there, the schedule is paused or a person has begun one', async () => {
    const hourly = await world.database();
    await world.schedule(hourly, { cronExpression: '0 * * * *', retries: 3, retryMinutes: 90 });
    const paused = await nightly({ retries: 3, retryMinutes: 1 });
    world.setNow('2026-02-26T02:00:00.000Z');
    await world.worker()();
    await fail('host_unreachable');
    await world.schedule(paused, { cronExpression: '0 2 * * *', pausedReason: 'x' });
    world.setNow('2026-02-26T02:30:00.000Z');
    await world.worker()();
    expect((await world.rows(paused)).map((row) => row.is_watched)).toEqual([0]);
    world.setNow('2026-02-26T03:00:00.000Z');
    await world.worker()();
    expect((await world.rows(hourly)).map((row) => row.is_watched)).toEqual([0, 0, 1]);
  });
});

describe('a retry', () => {
  const failAtTwo = async (database: Parameters<World['database']>[0]) => {
    const id = await world.database(database);
    await world.schedule(id, { cronExpression: '0 2 * * *', retries: 2, retryMinutes: 10 });
    world.setNow('2026-02-26T02:00:01.000Z');
    await world.worker()();
    await world.finish('failed', 'host_unreachable');
    await world.worker()();
    return id;
  };
  const lookAt = async (time: string) => {
    world.setNow(`2026-02-26T${time}:00.000Z`);
    await world.worker()();
    return countOf();
  };

  it('begins nothing in a blackout of its server, but when that is over', async () => {
    const server = await world.server();
    const window = { id: newId(), server_id: server, weekdays: '0123456', reason: null };
    await db
      .insertInto('server_blackouts')
      .values({ ...window, from_minute: 125, until_minute: 300 })
      .execute();
    const id = await failAtTwo({ server_id: server });
    expect([await lookAt('02:11'), await lookAt('04:59'), await lookAt('05:00')]).toEqual([1, 1, 2]);
    expect(await world.rows(id)).toMatchObject([{ outcome: 'ran', tries: 2, retry_at: null }]);
  });

  it('that can’t be decided holds up no other', async () => {
    const ids = [await failAtTwo({}), await nightly()];
    await db.updateTable('backups').set({ error: 'no JSON' }).execute();
    world.setNow('2026-02-27T02:00:00.000Z');
    await world.worker()();
    expect(await Promise.all(ids.map(async (id) => (await world.lines(id)).length))).toEqual([2, 1]);
    await world.finish('failed', 'host_unreachable');
    world.setNow('2026-02-27T02:10:00.000Z');
    await world.worker()();
    expect(await countOf()).toBe(4);
    expect(world.log.join()).toContain('a scheduled backup could not be tried again');
  });

  it('waits for a storage that the environment may not use', async () => {
    await failAtTwo({});
    await db.updateTable('databases').set({ backup_storage_type: 'spaces' }).execute();
    expect(await lookAt('02:11')).toBe(1);
    await db.updateTable('databases').set({ backup_storage_type: 'local' }).execute();
    expect(await lookAt('02:30')).toBe(2);
  });
});

describe('a rule', () => {
  it('counts for what fits, the one that asks for more first, and a database’s own before all', async () => {
    const tagged = await world.server({ tags: '["nightly ü"]' });
    const [plain, withTag, own, redis] = [
      await world.database(),
      await world.database({ server_id: tagged }),
      await world.database(),
      await world.database({ type: 'redis' }),
    ];
    const all = await world.rule({ name: 'all', cronExpression: '0 1 * * *' });
    await world.rule({ name: 'tag', cronExpression: '0 3 * * *', tag: 'nightly ü' });
    await world.rule({
      name: 'elsewhere',
      cronExpression: '0 4 * * *',
      engine: 'postgres',
      tag: 'nightly ü',
    });
    await world.schedule(own, { cronExpression: '0 5 * * *' });
    const found = async (id: string) => (await getSchedule(world, id)).effective;
    expect(await found(plain)).toMatchObject({ cronExpression: '0 1 * * *', rule: { id: all, name: 'all' } });
    expect(await found(withTag)).toMatchObject({ cronExpression: '0 3 * * *', rule: { name: 'tag' } });
    expect(await getSchedule(world, own)).toMatchObject({
      own: { cronExpression: '0 5 * * *' },
      effective: { rule: null },
    });
    expect(await getSchedule(world, redis)).toEqual({ own: null, effective: null });

    await deleteSchedule(world, NOBODY, own);
    expect(await getSchedule(world, own)).toMatchObject({ own: null, effective: { rule: { name: 'all' } } });
    await deleteRule(world, NOBODY, all);
    expect([await found(plain), (await found(withTag))?.rule?.name]).toEqual([null, 'tag']);
  });

  it('counts for what comes later, and no longer for what does not fit any more', async () => {
    const rule = await world.rule({ cronExpression: '0 1 * * *', tag: 'a' });
    const tick = world.worker();
    await tick();
    const server = await world.server({ tags: '["a"]' });
    const id = await world.database({ server_id: server });
    await tick();
    expect(await nextOf(id)).toBe('2026-02-26T01:00:00.000Z');
    await db.updateTable('servers').set({ tags: '["b"]', updated_at: world.now().toISOString() }).execute();
    await tick();
    expect(await nextOf(id)).toBeUndefined();
    await changeRule(world, NOBODY, rule, { tag: null });
    expect(await nextOf(id)).toBe('2026-02-26T01:00:00.000Z');
    await changeRule(world, NOBODY, rule, { enabled: false });
    expect(await nextOf(id)).toBeUndefined();
  });

  it('that is changed waits for its next slot, whatever was due before', async () => {
    const id = await world.database();
    const rule = await world.rule({ cronExpression: '0 1 * * *' });
    world.setNow('2026-02-26T09:30:00.000Z');
    await changeRule(world, NOBODY, rule, { cronExpression: '0 9 * * *' });
    await world.worker()();
    expect(await countOf()).toBe(0);
    expect(await nextOf(id)).toBe('2026-02-27T09:00:00.000Z');
  });

  it('whose jitter is changed, or that another takes the place of, loses no time that has come', async () => {
    const ids = await Promise.all(Array.from({ length: 9 }, () => world.database()));
    const spread = { cronExpression: '0 2 * * *', jitterMinutes: 120, catchUpHours: 0 };
    const rule = await world.rule(spread);
    for (const id of ids.slice(0, 4)) await world.schedule(id, spread);
    const tick = world.worker();
    for (const time of ['02:00', '02:04', '02:08']) {
      world.setNow(`2026-02-26T${time}:00.000Z`);
      await tick();
    }
    expect(await countOf()).toBeLessThan(9);
    await changeRule(world, NOBODY, rule, { jitterMinutes: 1 });
    for (const id of ids.slice(0, 2)) await deleteSchedule(world, NOBODY, id);
    for (const id of ids.slice(2, 4)) await world.schedule(id, { ...spread, jitterMinutes: 0 });
    for (const id of ids.slice(7)) await world.schedule(id, { ...spread, jitterMinutes: 15 });
    for (const time of ['02:08:30', '02:12:00', '02:15:00']) {
      world.setNow(`2026-02-26T${time}.000Z`);
      await tick();
    }
    for (const id of ids) expect(await world.lines(id)).toEqual(['2026-02-26T02:00 ran']);
    expect(await nextOf(ids[0] ?? '')).toMatch(/^2026-02-27T02:00/);
  });

  it('counts for a server that gets its tag after the clock was set back, or late', async () => {
    const server = await world.server({ tags: '["b"]' });
    await world.server({ tags: '[]', updated_at: '2026-02-25T12:00:00.000Z' });
    const id = await world.database({ server_id: server });
    await world.rule({ cronExpression: '0 1 * * *', tag: 'a' });
    const tick = world.worker();
    for (const at of ['2026-02-25T12:00:00.000Z', '2026-02-25T13:00:00.000Z', '2026-02-25T11:30:00.000Z']) {
      world.setNow(at);
      await tick();
    }
    await db
      .updateTable('servers')
      .set({ tags: '["a"]', updated_at: world.now().toISOString() })
      .where('id', '=', server)
      .execute();
    await tick();
    expect(await nextOf(id)).toBe('2026-02-26T01:00:00.000Z');
  });

  it('whose own schedule is disabled runs nothing for that database', async () => {
    await world.rule({ cronExpression: '0 1 * * *' });
    const id = await world.database();
    await world.schedule(id, { cronExpression: '0 5 * * *', enabled: false });
    world.setNow('2026-02-28T09:30:00.000Z');
    await world.worker()();
    expect([await countOf(), await nextOf(id)]).toEqual([0, null]);
  });
});

describe('what is to come', () => {
  it('says of a storage that the environment may not use that nothing begins, and counts none of it', async () => {
    const id = await world.database({ backup_storage_type: 'spaces' });
    await world.schedule(id, { cronExpression: '0 2 * * *' });
    const told = async () => {
      const asked = { environmentId: null, hours: 24, limit: 5 };
      const { upcoming } = await upcomingSlots(world, asked);
      const weeks = [await scheduledDatabases(db, null), await scheduledAlike(db)].map((scheduled) =>
        weekAhead(world, scheduled, 'UTC'),
      );
      return [upcoming.map(({ obstacle }) => obstacle), (await Promise.all(weeks)).map(({ total }) => total)];
    };
    expect(await told()).toEqual([['storage_off'], [0, 0]]);
    await db.updateTable('databases').set({ backup_storage_type: 'local' }).execute();
    expect(await told()).toEqual([[null], [7, 7]]);
  });

  it('names no next run of what could not be stored, and says why; what writes to a disk is not concerned', async () => {
    const spaces = { backup_storage_type: 'spaces', backup_spaces_bucket: 'b' } as const;
    const off = await world.database(spaces);
    const bare = await world.database({ backup_storage_type: 'spaces' });
    const local = await world.database();
    const paused = await world.database(spaces);
    const none = await world.database(spaces);
    await world.rule({ cronExpression: '0 2 * * *', name: 'all' });
    await world.schedule(paused, { cronExpression: '0 2 * * *', pausedReason: 'x' });
    await world.schedule(none, { cronExpression: '0 2 * * *', enabled: false });
    const at = '2026-02-26T02:00:00.000Z';
    const told = async (id: string) => {
      const [known] = await knownDatabases(world, [{ id }]);
      const brief = (await briefSchedules(db, [id])).get(id);
      const { effective } = await getSchedule(world, id);
      expect([brief?.nextRunAt, brief?.heldBack]).toEqual([effective?.nextRunAt, effective?.heldBack]);
      expect(known?.nextRunAt ?? null).toBe(effective?.nextRunAt);
      return [known?.nextRunAt, known?.heldBack, effective?.heldBack];
    };
    const groups = async () =>
      (await nextRuns(db, null, 9)).map(({ heldBack, count, runAt }) => [heldBack, count, runAt]);
    expect(await told(off)).toEqual([null, 'storage_off', 'storage_off']);
    expect(await told(bare)).toEqual([null, 'storage_off', 'storage_off']);
    expect(await told(local)).toEqual([at, null, null]);
    // Nothing would begin of these with a storage either.
    expect(await told(paused)).toEqual([null, null, 'storage_off']);
    expect(await told(none)).toEqual([null, null, 'storage_off']);
    const sorted = async () => (await groups()).toSorted((a, b) => `${a[0]}`.localeCompare(`${b[0]}`));
    expect(await sorted()).toEqual([
      [null, 1, at],
      ['storage_off', 2, at],
    ]);
    await enableStorage();
    expect(await told(off)).toEqual([at, null, null]);
    expect(await told(bare)).toEqual([null, 'no_bucket', 'no_bucket']);
    expect(await sorted()).toEqual([
      ['no_bucket', 1, at],
      [null, 2, at],
    ]);
  });
});

describe('the week ahead', () => {
  it('counts what begins in each hour by the clock of a zone, without what is paused or in a blackout', async () => {
    const server = await world.server();
    const off = {
      id: newId(),
      server_id: server,
      weekdays: '4',
      from_minute: 0,
      until_minute: 0,
      reason: null,
    };
    await db.insertInto('server_blackouts').values(off).execute();
    await world.rule({ cronExpression: '0 2 * * *' });
    await world.database();
    await world.database({ server_id: server });
    const paused = await world.database();
    await world.schedule(paused, { cronExpression: '0 2 * * *', pausedReason: 'x' });
    await world.worker()();
    const { days, hours, total } = await weekAhead(
      world,
      await scheduledDatabases(db, null),
      'Asia/Kathmandu',
    );
    expect([days[0], days.at(-1), hours.length]).toEqual(['2026-02-25', '2026-03-03', 168]);
    // 02:00 UTC is 07:45 there; Thursday is the 26th.
    expect(hours.filter(({ runs }) => runs > 0).map(({ day, hour, runs }) => [day, hour, runs])).toEqual(
      [1, 2, 3, 4, 5, 6].map((day) => [day, 7, day === 1 ? 1 : 2]),
    );
    // And what is left of the seventh day from now on, which is an eighth of the calendar.
    expect(total).toBe(13);
  });
});

describe('the longest time between two times', () => {
  const intervalOf = async (id: string) =>
    db
      .selectFrom('database_schedules')
      .select(['interval_minutes', 'due_at'])
      .where('database_id', '=', id)
      .executeTakeFirstOrThrow();

  it('is that of a night, a weekend or half a year, however many times a day has', async () => {
    for (const [cronExpression, hours] of [
      ['* * * * *', 1 / 60],
      ['0 2 * * *', 24],
      ['*/5 8-17 * * *', 14 + 1 / 12],
      ['*/15 * * * 1-5', 48.25],
      ['0 2 1 * *', 31 * 24],
      ['0 2 * 1-6 *', 185 * 24],
      ['0 2 29 2 *', 366 * 24],
    ] as const) {
      const id = await nightly({ cronExpression });
      expect([cronExpression, (await intervalOf(id)).interval_minutes]).toEqual([
        cronExpression,
        Math.round(hours * 60),
      ]);
    }
  });

  it('is the same whenever somebody looks, where some months have none', () => {
    for (const [expression, days] of [
      ['0 2 * 1-6 *', 185],
      ['*/15 8-17 * 1-6 *', 184 + (24 + 8 - 17.75) / 24],
      ['0 2 1 3,12 *', 275],
      ['0 2 1 1 *', 366],
      ['0 2 29 2 *', 366],
    ] as const) {
      for (const month of ['01', '04', '07', '10', '12']) {
        const now = new Date(`2026-${month}-02T10:00:00.000Z`);
        const found = longestGapMinutes(parseCron(expression), 'UTC', now) / 1440;
        expect([expression, month, found]).toEqual([expression, month, days]);
      }
    }
  });

  it('is told anew where an earlier version told it, and what is due stays', async () => {
    const id = await nightly();
    const { id: scheduleId } = await db.selectFrom('schedules').select('id').executeTakeFirstOrThrow();
    const settled_as = JSON.stringify([scheduleId, '0 2 * * *', 'UTC', 1, 0]);
    await db.updateTable('database_schedules').set({ settled_as, interval_minutes: 7 }).execute();
    world.setNow('2026-02-26T09:00:00.000Z');
    await world.worker()();
    expect((await intervalOf(id)).interval_minutes).toBe(1440);
    expect(await world.lines(id)).toEqual(['2026-02-26T02:00 caught_up']);
  });
});

describe('a schedule that can’t be read any more', () => {
  it('is never due, and holds up no other', async () => {
    const broken = await nightly();
    const good = await nightly();
    await db
      .updateTable('schedules')
      .set({ cron_expression: 'x' })
      .where('database_id', '=', broken)
      .execute();
    await db
      .updateTable('database_schedules')
      .set({ settled_as: 'x' })
      .where('database_id', '=', broken)
      .execute();
    world.setNow('2026-02-26T02:00:00.000Z');
    await world
      .worker()()
      .catch(() => undefined);
    expect(await world.lines(good)).toEqual(['2026-02-26T02:00 ran']);
  });

  it('is logged where it is due already', async () => {
    const broken = await nightly();
    const good = await nightly();
    await db
      .updateTable('schedules')
      .set({ cron_expression: 'x' })
      .where('database_id', '=', broken)
      .execute();
    const state = db.updateTable('database_schedules').where('database_id', '=', broken);
    const settledAs = JSON.stringify([
      (
        await db
          .selectFrom('schedules')
          .select('id')
          .where('database_id', '=', broken)
          .executeTakeFirstOrThrow()
      ).id,
      ...['x', 'UTC', 1, 0],
    ]);
    await state.set({ settled_as: settledAs }).execute();
    world.setNow('2026-02-26T02:00:00.000Z');
    await world.worker()();
    expect(await world.lines(good)).toEqual(['2026-02-26T02:00 ran']);
    expect(world.log.join()).toContain('a scheduled backup could not be begun');
  });
});
