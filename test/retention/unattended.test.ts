import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertPrune } from '../../src/backups/ask-prune.ts';
import { removeDatabase } from '../../src/backups/remove-database.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { changeSettingsAskingFirst, prunedBy } from '../../src/retention/change-defaults.ts';
import { sweepRetentionDaily } from '../../src/retention/sweep.ts';
import { insertRun } from '../../src/runs/claim.ts';
import { readSettings, type SettingsChange, saveSettings } from '../../src/settings/settings.ts';
import { asWritten } from '../support/as-written.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { DATABASE, openWorld, type World } from './world.ts';

const BEGIN = new Date('2026-03-04T05:06:07.890Z');
const DAY_MS = 86_400_000;
const ACTOR = { userId: null, address: '203.0.113.9' };
const never = new AbortController().signal;

afterAll(dropStates);

describe.each(STATES)('retention that nobody watches, on %s', (state) => {
  let db: Db;
  let world: World;
  beforeEach(async () => {
    db = await openState(state);
    world = await openWorld(db, BEGIN);
  });
  afterEach(() => db.destroy());

  const nightly = async (count: number) => {
    const ids: string[] = [];
    for (let night = 0; night < count; night += 1) {
      world.now = new Date(world.now.getTime() + DAY_MS);
      ids.push(await world.succeed({ size: 100 }));
    }
    return ids;
  };
  const set = (change: SettingsChange) => write(db, (trx) => saveSettings(trx, change, world.now));
  const keep = (keepLast: number): SettingsChange => ({
    backupRetentionPreset: 'custom',
    ...{ backupRetentionKeepLast: keepLast, backupRetentionDaily: 0 },
    ...{ backupRetentionWeekly: 0, backupRetentionMonthly: 0, backupRetentionMinFloor: 1 },
  });
  const context = () => ({ ...world.services(), now: () => world.now });
  const events = async () =>
    (
      await db
        .selectFrom('events')
        .selectAll()
        .where('type', '!=', 'backup.completed')
        .orderBy(asWritten(db))
        .execute()
    ).map(({ type, data }) => ({
      type,
      ...JSON.parse(data),
    }));

  it('looks at all databases once a day, from three in the morning by the installation’s clock on', async () => {
    await set({ timezone: 'Pacific/Chatham' });
    const sweptAt = async (at: string) => {
      world.now = new Date(at);
      await sweepRetentionDaily(context(), never);
      return (await readSettings(db)).retentionSweptOn;
    };
    // 13:45 ahead of UTC.
    expect(await sweptAt('2026-03-04T13:14:59.000Z')).toBeNull();
    expect(await sweptAt('2026-03-04T13:15:00.000Z')).toBe('2026-03-05');
    await set(keep(2));
    await nightly(4);
    world.now = new Date('2026-03-05T10:00:00.000Z');
    await db.deleteFrom('runs').where('kind', '=', 'prune').execute();
    const prunes = () => db.selectFrom('runs').select('input').where('kind', '=', 'prune').execute();
    expect(await sweptAt('2026-03-05T10:00:00.000Z')).toBe('2026-03-05');
    expect(await prunes()).toEqual([]);
    const stopped = AbortSignal.abort(new Error('The app stops.'));
    world.now = new Date('2026-03-09T13:15:00.000Z');
    await sweepRetentionDaily(context(), stopped);
    expect((await readSettings(db)).retentionSweptOn).toBe('2026-03-05');
    expect(await sweptAt('2026-03-09T13:16:00.000Z')).toBe('2026-03-10');
    expect(await prunes()).toMatchObject([{ input: expect.stringContaining('"sweep"') }]);
  });

  it('tells of what a changed policy pruned, and not of what is pruned each day', async () => {
    await set(keep(2));
    await nightly(5);
    await world.work();
    expect(await events()).toEqual([]);
    await set(keep(1));
    await write(db, (trx) =>
      insertPrune(trx, { databaseId: DATABASE, trigger: 'policy-change', userId: null }, world.now),
    );
    await world.work();
    const databaseName = `d'b + "ü" 🐘`;
    expect(await events()).toEqual([
      { type: 'backup.policy_first_prune', databaseName, pruned: 1, bytesFreed: 100 },
    ]);
  });

  it('tells once of what could not be removed, however often it is tried', async () => {
    await set(keep(3));
    await nightly(5);
    world.mood = 'away';
    for (let hour = 0; hour < 3; hour += 1) {
      await world.work();
      world.now = new Date(world.now.getTime() + 7_200_000);
      await write(db, (trx) =>
        insertPrune(trx, { databaseId: DATABASE, trigger: 'sweep', userId: null }, world.now),
      );
    }
    expect(await events()).toEqual([
      expect.objectContaining({ type: 'backup.rotation_error', failed: 2, error: expect.any(String) }),
    ]);
  });

  it('asks before a policy of the installation prunes much, and counts only what stays now', async () => {
    await set(keep(7));
    await nightly(9);
    await set({ backupRotationConfirmThreshold: 3 });
    const change = (isConfirmed: boolean, keepLast: number) =>
      changeSettingsAskingFirst(context(), ACTOR, keep(keepLast), { isConfirmed });
    // Two go already.
    expect(await change(false, 4)).toMatchObject({ kind: 'saved' });
    await set(keep(7));
    const asked = await change(false, 3);
    expect(asked).toMatchObject({ kind: 'confirm', threshold: 3, total: 4, databases: 1, bytesFreed: 400 });
    expect((await readSettings(db)).backupRetentionKeepLast).toBe(7);
    // Other settings ask for nothing.
    const other = { activeUserWindowMin: 7 };
    expect(await changeSettingsAskingFirst(context(), ACTOR, other, { isConfirmed: false })).toMatchObject({
      kind: 'saved',
    });
    expect(await change(true, 3)).toMatchObject({ kind: 'saved', settings: { backupRetentionKeepLast: 3 } });
    await set(keep(30));
    await set({ backupRotationConfirmThreshold: 0 });
    // The defaults keep all nine.
    expect(await changeSettingsAskingFirst(context(), ACTOR, null, { isConfirmed: false })).toMatchObject({
      kind: 'saved',
    });
    expect(await world.seen()).toHaveLength(9);
  });

  it('tells what would go, and of it what goes by itself: nothing where pruning stands still', async () => {
    await set(keep(7));
    await nightly(7);
    const found = { total: 3, databases: 1, bytesFreed: 300 };
    const goes = (change: SettingsChange) => prunedBy(context(), change);
    expect(await goes(keep(4))).toMatchObject({ ...found, goes: 3, byDatabase: [{ standsStill: false }] });
    const frozen = { frozen_at: world.now.toISOString(), reason: 'much is missing', backup_id: null };
    await db
      .insertInto('retention_freezes')
      .values({ database_id: DATABASE, ...frozen } as never)
      .execute();
    expect(await goes(keep(4))).toMatchObject({ ...found, goes: 0, byDatabase: [{ standsStill: true }] });
    await db.deleteFrom('retention_freezes').execute();
    // Nobody has written down yet that the newest is much smaller than those before.
    world.now = new Date(world.now.getTime() + DAY_MS);
    await world.succeed({ size: 1 });
    expect(await goes(keep(5))).toMatchObject({ total: 2, goes: 0, byDatabase: [{ standsStill: true }] });
    const saved = await changeSettingsAskingFirst(context(), ACTOR, keep(5), { isConfirmed: false });
    expect(saved).toMatchObject({ kind: 'saved', goes: 0 });
  });

  it('looks at all databases for one asker after the other, also after a look that failed', async () => {
    await set(keep(7));
    await nightly(2);
    await insertBackup(db, world.now, { status: 'completed', outcome: 'completed' });
    const looks: string[] = [];
    const ask = (name: string) =>
      prunedBy(
        {
          ...context(),
          now: () => {
            looks.push(name);
            if (name === 'stopped') throw new Error('no clock');
            return world.now;
          },
        },
        keep(3),
      );
    const asked = await Promise.allSettled([ask('first'), ask('stopped'), ask('last')]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(looks).toEqual(['first', 'first', 'stopped', 'last', 'last']);
  });

  it('leaves a database alone that is being read, also when a person deletes all of it', async () => {
    const [id = ''] = await nightly(1);
    await write(db, (trx) =>
      insertRun(trx, { id: 'v', kind: 'verification', subjectId: id, serverId: null, lane: 'v' }, world.now),
    );
    const remove = () => removeDatabase(context(), ACTOR, DATABASE, { files: 'delete' });
    await db.updateTable('runs').set({ state: 'running' }).where('id', '=', 'v').execute();
    await expect(remove()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('is in use just now'),
    });
    expect(await world.seen()).toHaveLength(1);
    await db.updateTable('runs').set({ state: 'completed' }).where('id', '=', 'v').execute();
    await remove();
    expect(await world.seen()).toEqual([]);
  });
});
