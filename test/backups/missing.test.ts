import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchForMissing } from '../../src/backups/missing.ts';
import { insertBackup } from '../../src/backups/request-backup.ts';
import type { Db, RunRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { asWritten } from '../support/as-written.ts';
import { openTestDatabase } from '../support/database.ts';
import { openWorld, type World } from '../support/schedules.ts';

const HOUR = 3_600_000;
const BEGIN = '2026-02-25T10:00:00.000Z';

let db: Db;
let world: World;
beforeEach(async () => {
  db = await openTestDatabase();
  world = await openWorld(db, BEGIN);
});
afterEach(() => db.destroy());

const hour = (hours: number) => new Date(Date.parse(BEGIN) + hours * HOUR).toISOString();
const at = async (hours: number) => {
  world.setNow(hour(hours));
  // As many as may look at the same time.
  await Promise.all([watchForMissing(world), watchForMissing(world)]);
};
const events = async () =>
  (await db.selectFrom('events').selectAll().orderBy(asWritten(db)).execute()).map(
    ({ type, database_id: id, created_at: createdAt, data }) => ({
      type,
      id,
      createdAt,
      data: JSON.parse(data),
    }),
  );
const goodBackup = (id: string, hours: number) =>
  db
    .insertInto('newest_backups')
    .values({ database_id: id, good_id: 'g', good_at: hour(hours), ended_id: 'g', ended_at: hour(hours) })
    .onConflict((conflict) =>
      conflict.column('database_id').doUpdateSet({ good_at: hour(hours), ended_at: hour(hours) }),
    )
    .execute();

/** Asks for a backup of it, which waits for its turn. */
const askFor = async (id: string) => {
  const database = await db
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const of = { type: 'scheduled', triggeredById: null } as const;
  return (await write(db, (trx) => insertBackup(trx, database, of, world.now()))).id;
};
const setRun = (id: string, values: Partial<RunRow>) =>
  db.updateTable('runs').set(values).where('id', '=', id).execute();

describe('a database whose backups stop coming', () => {
  it('is told of once, and once more when there is a good one again, without any scheduler', async () => {
    const id = await world.database({ max_backup_age_hours: 26, name: 'shop <b> 😀' });
    await goodBackup(id, 0);
    for (const hours of [1, 26]) await at(hours);
    expect(await events()).toEqual([]);
    for (const hours of [26.1, 27, 40]) await at(hours);
    expect(await events()).toEqual([
      {
        ...{ type: 'backup.missing', id, createdAt: hour(26.1) },
        data: { databaseName: 'shop <b> 😀', lastGoodAt: hour(0), dueAt: hour(26) },
      },
    ]);
    await goodBackup(id, 41);
    for (const hours of [41.5, 42]) await at(hours);
    expect((await events()).slice(1)).toEqual([
      {
        ...{ type: 'backup.recovered', id, createdAt: hour(41.5) },
        data: { databaseName: 'shop <b> 😀', lastGoodAt: hour(41), missingSince: hour(26.1) },
      },
    ]);
    await at(41 + 27);
    expect((await events()).map(({ type }) => type)).toEqual([
      'backup.missing',
      'backup.recovered',
      'backup.missing',
    ]);
  });

  it('is told of by the interval of its schedule and two hours', async () => {
    const id = await world.database({ max_backup_age_hours: 999 });
    await world.schedule(id, { cronExpression: '0 * * * *' });
    await goodBackup(id, 0);
    await at(3);
    expect(await events()).toEqual([]);
    await at(3.1);
    expect(await events()).toMatchObject([{ type: 'backup.missing', data: { dueAt: hour(3) } }]);
  });

  it('is told of by the longest time between two times, that of a weekend, also where there are many in a day', async () => {
    const id = await world.database({ max_backup_age_hours: 1 });
    await world.schedule(id, { cronExpression: '*/15 8-18 * * 1-5' });
    // BEGIN is a Wednesday; the last one before the weekend is of Friday at 18:45.
    await goodBackup(id, 2 * 24 + 8.75);
    for (const hours of [2 * 24 + 13, 3 * 24, 4 * 24 + 22, 5 * 24 - 0.1]) await at(hours);
    expect(await events()).toEqual([]);
    await at(5 * 24 + 0.1);
    expect(await events()).toMatchObject([{ type: 'backup.missing', data: { dueAt: hour(5 * 24) } }]);
  });

  it('is not told of where a run begins its jitter later than the one before', async () => {
    const id = await world.database();
    await world.schedule(id, { cronExpression: '0 2 * * *', jitterMinutes: 90 });
    await goodBackup(id, 0);
    await at(24 + 2 + 1.4);
    expect(await events()).toEqual([]);
    await at(24 + 2 + 1.6);
    expect(await events()).toMatchObject([{ type: 'backup.missing' }]);
  });

  it('is told of although there never was one, once it is as long registered', async () => {
    await world.database({ created_at: hour(0), updated_at: hour(0) });
    await at(26);
    expect(await events()).toEqual([]);
    await at(26.1);
    expect(await events()).toMatchObject([{ data: { lastGoodAt: null, dueAt: hour(26) } }]);
  });

  it('is told of where its last good backup is from the future, until there is one of now', async () => {
    const id = await world.database({ max_backup_age_hours: 26, name: 'shop' });
    await goodBackup(id, 7 * 24);
    for (const hours of [0, 1]) await at(hours);
    expect(await events()).toMatchObject([
      { type: 'backup.missing', id, data: { lastGoodAt: hour(7 * 24), dueAt: hour(0) } },
    ]);
    await goodBackup(id, 1.5);
    await at(2);
    expect((await events()).map(({ type }) => type)).toEqual(['backup.missing', 'backup.recovered']);
  });

  it('is not told of while its schedule is paused, and a pause is no recovery', async () => {
    const id = await world.database();
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: 'moving' });
    await goodBackup(id, 0);
    await at(50);
    expect(await events()).toEqual([]);
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: null });
    await at(51);
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: 'again' });
    await goodBackup(id, 51);
    await at(52);
    expect((await events()).map(({ type }) => type)).toEqual(['backup.missing']);
    await world.schedule(id, { cronExpression: '0 * * * *', pausedReason: null });
    await at(52.5);
    expect((await events()).map(({ type }) => type)).toEqual(['backup.missing', 'backup.recovered']);
  });

  it('is not told of while the next one is being made, be it the first of all, and is once that has ended without being good', async () => {
    const id = await world.database({ max_backup_age_hours: 26 });
    const first = await world.database({ created_at: hour(0), updated_at: hour(0) });
    await goodBackup(id, 0);
    world.setNow(hour(25));
    for (const of of [id, first]) {
      const run = await askFor(of);
      await setRun(run, { state: 'running', started_at: hour(25), lease_until: hour(40) });
    }
    for (const hours of [26.1, 26.9]) await at(hours);
    expect(await events()).toEqual([]);
    await db.updateTable('runs').set({ state: 'failed' }).execute();
    await at(26.95);
    expect((await events()).map((event) => [event.type, event.id])).toEqual(
      [first, id].toSorted().map((of) => ['backup.missing', of]),
    );
  });

  it('is told of where the next one waits for its turn, hangs, or has lost its process, and going on makes nothing good', async () => {
    const id = await world.database({ max_backup_age_hours: 26 });
    await goodBackup(id, 0);
    world.setNow(hour(25));
    const run = await askFor(id);
    await at(26.1);
    const missing = [{ type: 'backup.missing', id }];
    expect(await events()).toMatchObject(missing);
    // It begins after that was told.
    await setRun(run, { state: 'running', started_at: hour(26.2), lease_until: hour(40) });
    await at(26.3);
    // And as if it had begun before: its process was thought to be dead, and comes back.
    await setRun(run, { started_at: hour(25.9) });
    await at(26.4);
    expect(await events()).toMatchObject(missing);
    await db.deleteFrom('protection_spells').execute();
    await at(26.5);
    expect(await events()).toMatchObject(missing);
    await setRun(run, { lease_until: hour(26.55) });
    await at(26.6);
    expect(await events()).toHaveLength(2);
    await db.deleteFrom('protection_spells').execute();
    await setRun(run, { lease_until: hour(40) });
    await at(27.9);
    expect(await events()).toHaveLength(2);
    await at(27.95);
    expect(await events()).toHaveLength(3);
  });
});
