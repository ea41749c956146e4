import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import type { BackupRow, Db, DrillRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { beginDueDrills } from '../../src/drills/due.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { changeRule } from '../../src/schedules/rules.ts';
import { openWorld, type World } from '../support/schedules.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

afterAll(dropStates);

describe.each(STATES)('drills by schedule, on %s,', (state) => {
  let db: Db;
  let world: World;
  let looks: () => Promise<void>;
  beforeEach(async () => {
    db = await openState(state);
    world = await openWorld(db, '2026-11-29T00:00:00Z');
    const log = createLog('debug', () => {}, world.now);
    looks = () => beginDueDrills({ db, now: world.now, runs: { wake: () => {} }, log });
  });
  afterEach(() => db.destroy());

  const FILE = { options: JSON.stringify({ filePath: `/srv/ü "x"/shop.db` }) };
  const drillsOf = (databaseId: string): Promise<readonly DrillRow[]> =>
    db.selectFrom('drills').selectAll().where('database_id', '=', databaseId).orderBy('due_at').execute();
  const told = async (databaseId: string) =>
    (await drillsOf(databaseId)).map(({ due_at, outcome, says }) =>
      [due_at?.slice(5, 16), outcome ?? 'begun', ...(says === null ? [] : [says])].join(' '),
    );

  async function backUp(databaseId: string, more: Partial<BackupRow> = {}): Promise<string> {
    const id = newId();
    const at = world.now().toISOString();
    await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: databaseId, filename: 'x "ü"', size: 5, type: 'manual', status: 'completed' },
        ...{ outcome: 'completed', storage_type: 'local', storage_path: 'x', bytes_read: 5, bytes_stored: 5 },
        ...{ created_at: at, started_at: at, is_pinned: 0, token: newId(), verification: 'stored', ...more },
      })
      .execute();
    await write(db, (trx) => recordNewest(trx, databaseId, world.now()));
    return id;
  }
  const schedule = (databaseId: string, more: object = {}) =>
    world.schedule(databaseId, { cronExpression: '0 2 * * *', drillCron: '0 5 * * *', ...more });

  it('restore the newest good backup at its time, once, however many look, and behind what people wait for', async () => {
    const id = await world.database(FILE);
    await backUp(id);
    world.setNow('2026-11-29T00:00:01Z');
    const newest = await backUp(id);
    await schedule(id);
    await looks();
    world.setNow('2026-11-29T04:59:00Z');
    await looks();
    expect(await told(id)).toEqual([]);
    world.setNow('2026-11-29T05:00:10Z');
    await Promise.all([looks(), looks(), looks()]);
    await looks();
    expect(await told(id)).toEqual(['11-29T05:00 begun']);
    const [drill] = await drillsOf(id);
    const run = await db.selectFrom('runs').selectAll().where('kind', '=', 'drill').executeTakeFirstOrThrow();
    expect(run).toMatchObject({ id: drill?.id, subject_id: newest, state: 'pending', is_background: 1 });
    const askers = db.selectFrom('run_askers').select('asker').where('run_id', '=', String(drill?.id));
    expect(await askers.execute()).toEqual([{ asker: 'schedule' }]);
    const restore = await db.selectFrom('restores').selectAll().executeTakeFirstOrThrow();
    expect(restore).toMatchObject({ id: drill?.id, is_drill: 1, asked_by_id: null, credentials: null });
    expect(restore.new_name).toBe(`/srv/ü "x"/bp_drill_${restore.token}.sqlite`);
  });

  it('are skipped with the reason: nothing there, nothing new, one on its way, paused', async () => {
    const id = await world.database(FILE);
    await schedule(id);
    await looks();
    world.setNow('2026-11-29T05:00:00Z');
    await looks();
    const backup = await backUp(id);
    world.setNow('2026-11-30T05:00:00Z');
    await looks();
    world.setNow('2026-12-01T05:00:00Z');
    await looks();
    await db.updateTable('runs').set({ state: 'completed' }).execute();
    await db.updateTable('backups').set({ restored_proven_at: world.now().toISOString() }).execute();
    world.setNow('2026-12-02T05:00:00Z');
    await looks();
    await schedule(id, { pausedReason: 'we move <b>' });
    await backUp(id);
    world.setNow('2026-12-03T05:00:00Z');
    await looks();
    expect(await told(id)).toEqual([
      '11-29T05:00 skipped There is no good backup yet.',
      '11-30T05:00 begun',
      '12-01T05:00 skipped A drill of the database was running, or waiting.',
      '12-02T05:00 skipped The newest good backup was restored already.',
      '12-03T05:00 skipped Paused: we move <b>',
    ]);
    expect((await drillsOf(id))[1]?.backup_id).toBe(backup);
  });

  it('heed the blackouts of the server that they are made on', async () => {
    const [source, other] = [await world.server(), await world.server()];
    const id = await world.database({ ...FILE, server_id: source });
    await backUp(id);
    await schedule(id, { drillServerId: other, drillFolder: '/var/drills ü' });
    await looks();
    const window = { weekdays: '0123456', from_minute: 240, until_minute: 360, reason: 'nightly "load"' };
    await db
      .insertInto('server_blackouts')
      .values({ id: newId(), server_id: other, ...window })
      .execute();
    world.setNow('2026-11-29T05:00:00Z');
    await looks();
    await db.deleteFrom('server_blackouts').execute();
    world.setNow('2026-11-30T05:00:00Z');
    await looks();
    expect(await told(id)).toEqual([
      '11-29T05:00 skipped A blackout of the server, 04:00 to 06:00: nightly "load"',
      '11-30T05:00 begun',
    ]);
    const restore = await db.selectFrom('restores').selectAll().executeTakeFirstOrThrow();
    expect(restore.server_id).toBe(other);
    expect(restore.new_name).toMatch(/^\/var\/drills ü\/bp_drill_/);
  });

  it('that were missed are told of, and the last is caught up unless that is too late', async () => {
    const [soon, never] = [await world.database(FILE), await world.database(FILE)];
    for (const id of [soon, never]) await backUp(id);
    await schedule(soon);
    await schedule(never, { catchUpHours: 0 });
    await looks();
    world.setNow('2026-12-02T07:00:00Z');
    await looks();
    const missed = 'missed BRIDGEPORT was not running at its time, or at several.';
    expect(await told(soon)).toEqual([`12-01T05:00 ${missed}`, '12-02T05:00 begun']);
    expect(await told(never)).toEqual([`12-01T05:00 ${missed}`, `12-02T05:00 ${missed}`]);
  });

  it('that have come and wait for their jitter are not lost where that is changed', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => world.database(FILE)));
    for (const id of ids) await backUp(id);
    const spread = { cronExpression: '0 2 * * *', drillCron: '0 5 * * *', catchUpHours: 0 };
    const rule = await world.rule({ ...spread, jitterMinutes: 120 });
    await looks();
    world.setNow('2026-11-29T05:00:10Z');
    await looks();
    expect((await Promise.all(ids.map(told))).flat().length).toBeLessThan(5);
    await changeRule(world, { userId: null, address: null }, rule, { jitterMinutes: 0 });
    world.setNow('2026-11-29T05:00:40Z');
    // Whoever follows the change must not put back what another has begun meanwhile.
    await Promise.all(Array.from({ length: 5 }, looks));
    await looks();
    for (const id of ids) expect(await told(id)).toEqual(['11-29T05:00 begun']);
  });

  it('whose place can not be told fail, and say nothing against the backup', async () => {
    const [source, other] = [await world.server(), await world.server()];
    const id = await world.database({ type: 'postgres', server_id: source, host: '::1', options: '{}' });
    const backup = await backUp(id);
    await schedule(id, { drillServerId: other });
    await looks();
    world.setNow('2026-11-29T05:00:00Z');
    await looks();
    const [drill] = await drillsOf(id);
    expect(drill).toMatchObject({ outcome: 'failed', failure: 'other', backup_id: backup });
    expect(drill?.says).toContain('has no login for restores of postgres');
    const events = await db.selectFrom('events').selectAll().where('database_id', '=', id).execute();
    expect(events.map(({ type }) => type)).toEqual(['drill.failed']);
    const known = await db.selectFrom('drill_states').selectAll().executeTakeFirstOrThrow();
    expect(known).toMatchObject({ failure: 'other', failed_drill_id: drill?.id, proven_at: null });
    const { verification } = await db.selectFrom('backups').select('verification').executeTakeFirstOrThrow();
    expect(verification).toBe('stored');
    expect(await db.selectFrom('runs').select('id').where('kind', '=', 'drill').execute()).toEqual([]);
  });

  it('follow rules, changes of the times, their end, and a clock that was set back', async () => {
    const id = await world.database(FILE);
    await backUp(id);
    await world.rule({ cronExpression: '0 2 * * *', drillCron: '0 5 * * SUN' });
    const due = async () =>
      (await db.selectFrom('drill_states').select('due_at').executeTakeFirst())?.due_at ?? null;
    await looks();
    expect(await due()).toBe('2026-11-29T05:00:00.000Z');
    await schedule(id, { drillCron: '30 6 * * *' });
    await looks();
    expect(await due()).toBe('2026-11-29T06:30:00.000Z');
    world.setNow('2026-11-20T00:00:00Z');
    await looks();
    expect(await due()).toBe('2026-11-20T06:30:00.000Z');
    await schedule(id, { drillCron: null });
    await looks();
    expect(await due()).toBeNull();
    world.setNow('2026-11-30T05:00:00Z');
    await looks();
    expect(await told(id)).toEqual([]);
  });
});
