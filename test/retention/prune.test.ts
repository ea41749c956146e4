import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertPrune } from '../../src/backups/ask-prune.ts';
import { pinBackup } from '../../src/backups/backups.ts';
import { deleteBackup } from '../../src/backups/delete-backup.ts';
import { markInUse } from '../../src/backups/in-use.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { listLeftBehind } from '../../src/leftovers/leftovers.ts';
import { acceptSize } from '../../src/retention/retention-actions.ts';
import { insertRun } from '../../src/runs/claim.ts';
import { restoreRow } from '../support/restore-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { DATABASE, openWorld, type World } from './world.ts';

const BEGIN = new Date('2026-03-04T05:06:07.890Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ACTOR = { userId: null, address: '203.0.113.9' };

afterAll(dropStates);

describe.each(STATES)('pruning, on %s', (state) => {
  let db: Db;
  let world: World;
  beforeEach(async () => {
    db = await openState(state);
    world = await openWorld(db, BEGIN);
    await keep({ keepLast: 3, minFloor: 1 });
  });
  afterEach(async () => {
    expect(await repairCounts(world.services())).toBe(0);
    await db.destroy();
  });

  it('is asked for by each backup that ended well, once for all that wait, and leaves the newest', async () => {
    const ids = await nightly(5);
    expect(await prunes()).toMatchObject([{ state: 'pending', input: expect.stringContaining('"backup"') }]);
    await world.fail();
    expect(await prunes()).toHaveLength(1);
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(2).reverse());
    expect(world.objects.size).toBe(3);
    expect(await rowsOf(ids)).toHaveLength(3);
    const [audit] = await audits();
    expect(JSON.parse(audit?.details ?? '')).toMatchObject({
      trigger: 'backup',
      bytesFreed: 200,
      pruned: [
        { backupId: ids[1], rule: 'No rule keeps it' },
        { backupId: ids[0], rule: 'No rule keeps it' },
      ].reverse(),
    });
    expect(await prunes()).toMatchObject([{ state: 'completed' }]);
    await write(db, (trx) =>
      insertPrune(trx, { databaseId: DATABASE, trigger: 'sweep', userId: null }, world.now),
    );
    await world.work();
    // It had nothing to do.
    expect(await prunes()).toHaveLength(1);
  });

  it('takes the manifest of a backup with its object, and leaves those of the others', async () => {
    const ids = await nightly(5);
    const keys: string[] = [];
    for (const id of ids) keys.push(await addManifest(id));
    expect(world.objects.size).toBe(10);
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(2).reverse());
    const left = [...world.objects.keys()].filter((key) => key.endsWith('.manifest.json'));
    expect([world.objects.size, left.sort()]).toEqual([6, keys.slice(2).sort()]);
    expect((await audits())[0]?.details).toContain('"bytesFreed":200');
    expect(await db.selectFrom('backup_objects').select('id').execute()).toHaveLength(6);
  });

  it('leaves a backup where it is seen, with the reason, whose storage refuses to remove it, and tries again later', async () => {
    const ids = await nightly(4);
    world.mood = 'refuses';
    await world.work();
    expect(await seenIds()).toHaveLength(4);
    expect(await one(ids[0])).toMatchObject({
      last_rotation_error: 'The storage refused: check the permissions of the key.',
      deleted_at: null,
      prune_rule: null,
      removal_tries: 1,
    });
    expect(await prunes()).toMatchObject([{ state: 'failed' }]);
    const requests = world.log.length;
    await world.sweep();
    await world.work();
    expect(world.log.length).toBe(requests);
    world.mood = 'well';
    world.now = new Date(world.now.getTime() + HOUR_MS);
    await world.sweep();
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(1).reverse());
    expect(world.objects.size).toBe(3);
  });

  it('changes nothing but the reason where the storage is away', async () => {
    const ids = await nightly(9);
    world.mood = 'away';
    await world.work();
    expect(await seenIds()).toHaveLength(9);
    const reasons = (await world.seen()).map((row) => row.last_rotation_error);
    // It is not asked about all of them.
    expect(reasons.filter((reason) => reason?.includes('did not answer')).length).toBeGreaterThan(0);
    expect(reasons.filter((reason) => reason === null).length).toBeGreaterThan(0);
    world.mood = 'well';
    world.now = new Date(world.now.getTime() + HOUR_MS);
    await world.sweep();
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(6).reverse());
    expect((await world.seen()).every((row) => row.last_rotation_error === null)).toBe(true);
  });

  it('prunes what lies in the storage of now, however much lies in one that nobody reaches any more', async () => {
    const OLD = { endpoint: 'https://left.example.com', bucket: 'größe + 🐘' };
    const left = await nightly(12);
    await db.updateTable('backup_objects').set(OLD).execute();
    world.now = new Date(iso(18));
    const present: string[] = [];
    for (let day = 12; day < 18; day += 1) present.push(await world.succeed({ created_at: iso(day) }));
    const { openPlace } = world.services();
    let asked = 0;
    const services = {
      ...world.services(),
      openPlace: async (place: Parameters<typeof openPlace>[0]) => {
        if (place.endpoint !== OLD.endpoint) return openPlace(place);
        asked += 1;
        throw new AppError('storage_denied', 'The present keys are not used there.');
      },
    };
    await world.work(services);
    expect((await seenIds()).filter((id) => present.includes(id))).toEqual(present.slice(3).reverse());
    expect((await seenIds()).filter((id) => left.includes(id))).toHaveLength(12);
    // Nor is all of what lies there asked about.
    expect(asked).toBeLessThan(10);
    const [run] = await prunes();
    expect(run).toMatchObject({ state: 'failed' });
  });

  it('hides what may be gone, lists it with its reason and tries, and removes its row when it is gone', async () => {
    const ids = await nightly(4);
    world.mood = 'loses answers';
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(1).reverse());
    expect(world.objects.size).toBe(3);
    const [left] = await listLeftBehind(db);
    expect(left).toMatchObject({ id: ids[0], reason: 'The answer of the storage was lost.', tries: 1 });
    world.mood = 'well';
    world.now = new Date(world.now.getTime() + HOUR_MS);
    await world.sweep();
    expect(await rowsOf(ids)).toHaveLength(3);
  });

  it.each(['a lock until a day', 'a legal hold'])('waits without an error for %s', async (what) => {
    const until = what === 'a legal hold' ? null : '2026-03-20T00:00:00.000Z';
    const ids = await nightly(4);
    const [oldest] = [...world.objects.values()];
    if (oldest !== undefined) oldest.lock = { until, why: 'object lock' };
    await world.work();
    expect(await seenIds()).toHaveLength(4);
    expect(await one(ids[0])).toMatchObject({
      last_rotation_error: null,
      retained_why: 'object lock',
      removal_tries: null,
    });
    expect(await prunes()).toEqual([]);
    await world.sweep();
    expect(await prunes()).toEqual([]);
    // Nor may a person, who is told until when.
    await expect(deleteBackup(world.services(), ids[0] ?? '')).rejects.toThrow(
      'This backup is retained until',
    );
    expect(await seenIds()).toHaveLength(4);
    delete oldest?.lock;
    world.now = new Date('2026-03-20T00:00:00.001Z');
    await world.sweep();
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(1).reverse());
  });

  it('does not remove what lies in the place of a backup and is none', async () => {
    const ids = await nightly(4);
    const [oldest] = [...world.objects.values()];
    if (oldest !== undefined) oldest.token = 'of somebody else';
    await world.work();
    expect(world.objects.size).toBe(4);
    expect((await one(ids[0]))?.last_rotation_error).toContain('is not what was stored');
  });

  it('prunes what lies nowhere any more', async () => {
    const ids = await nightly(4);
    world.objects.delete([...world.objects.keys()][0] ?? '');
    await world.work();
    expect(await rowsOf(ids)).toHaveLength(3);
  });

  it('refuses what is pinned or being read at the last moment, though it was to go a moment before', async () => {
    const ids = await nightly(5);
    const { openPlace } = world.services();
    let done = false;
    const services = {
      ...world.services(),
      openPlace: async (place: Parameters<typeof openPlace>[0]) => {
        // Right after it was decided, and before the tombstones.
        if (!done) {
          done = true;
          await pinBackup(
            db,
            { databaseId: DATABASE, backupId: ids[0] ?? '', userId: null },
            true,
            world.now,
          );
          await markInUse(db, ids[1] ?? '', new Date(world.now.getTime() + HOUR_MS));
        }
        return openPlace(place);
      },
    };
    await world.work(services);
    expect(done).toBe(true);
    expect(await seenIds()).toHaveLength(5);
    world.now = new Date(world.now.getTime() + HOUR_MS);
    await world.sweep();
    await world.work();
    expect(await seenIds()).toEqual([ids[4], ids[3], ids[2], ids[0]]);
  });

  it('leaves alone what is being restored, what a restore waits for, and what keeps that which it replaces', async () => {
    const ids = await nightly(5);
    const [restored = '', safety = ''] = ids;
    const run = { id: 'r', kind: 'restore', subjectId: restored, serverId: null, lane: 'restore:r' } as const;
    await write(db, (trx) => insertRun(trx, run, world.now));
    const row = restoreRow({ id: 'r', backup_id: restored, safety_backup_id: safety, database_id: DATABASE });
    await db.insertInto('restores').values(row).execute();
    await world.work();
    for (const state of ['pending', 'running', 'uncertain'] as const) {
      await db.updateTable('runs').set({ state }).where('id', '=', 'r').execute();
      await world.sweep();
      await world.work();
      expect(await seenIds()).toEqual([...ids].reverse());
    }
    await db.updateTable('runs').set({ state: 'completed' }).where('id', '=', 'r').execute();
    await world.sweep();
    await world.work();
    expect(await seenIds()).toEqual(ids.slice(2).reverse());
  });

  it('leaves alone what is being read in full just now', async () => {
    const ids = await nightly(4);
    const lane = `backup:${ids[0]}`;
    const run = { id: 'r', kind: 'verification', subjectId: ids[0] ?? '', serverId: null, lane } as const;
    await write(db, (trx) => insertRun(trx, run, world.now));
    await db.updateTable('runs').set({ state: 'running' }).where('id', '=', 'r').execute();
    await world.work();
    expect(await seenIds()).toHaveLength(4);
    await db.deleteFrom('runs').where('id', '=', 'r').execute();
    await world.sweep();
    await world.work();
    expect(await seenIds()).toHaveLength(3);
  });

  it('goes on where the process died, at whichever request to the storage', async () => {
    for (let request = 1; request <= 9; request += 1) {
      const ids = await nightly(6);
      world.diesAtRequest = request;
      const lives = await world.work();
      expect([request, lives]).toEqual([request, request > 6]);
      // All that is seen is there.
      for (const { storage_path } of await world.seen()) expect(world.objects.has(storage_path)).toBe(true);
      await world.restart();
      await world.work();
      world.now = new Date(world.now.getTime() + 2 * 60_000);
      await world.sweep();
      expect(await seenIds()).toEqual(ids.slice(3).reverse());
      expect(world.objects.size).toBe(3);
      expect(await db.selectFrom('backups').select('id').execute()).toHaveLength(3);
    }
  });

  it('is done by one of two processes that look at once', async () => {
    await nightly(30);
    await Promise.all([world.work(), world.work()]);
    expect(await seenIds()).toHaveLength(3);
    expect(world.objects.size).toBe(3);
    expect(await audits()).toHaveLength(2);
  });

  it('stands still when the newest became much smaller, until a person accepts it; backups go on', async () => {
    const ids = await nightly(4);
    await world.work();
    world.now = new Date(iso(9));
    const small = await world.succeed({ size: 49, created_at: iso(5) });
    await world.work();
    expect(await seenIds()).toEqual([small, ids[3], ids[2], ids[1]]);
    const frozen = await db.selectFrom('retention_freezes').selectAll().executeTakeFirstOrThrow();
    expect(frozen).toMatchObject({ database_id: DATABASE, backup_id: small });
    expect(frozen.reason).toContain('51 % less than the 1 KiB of those before it');
    expect((await audits('backup.freeze'))[0]?.details).toContain(small);
    const events = await db.selectFrom('events').selectAll().where('type', '=', 'retention.frozen').execute();
    expect(events).toMatchObject([{ database_id: DATABASE, told_at: null }]);
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({ backupId: small, reason: frozen.reason });
    const more = [
      await world.succeed({ size: 51, created_at: iso(6) }),
      await world.succeed({ size: 200, created_at: iso(7) }),
    ];
    await world.work();
    await world.sweep();
    await world.work();
    expect(await seenIds()).toHaveLength(6);
    const accept = () => acceptSize(world.services() as never, ACTOR, DATABASE, frozen.frozen_at ?? '');
    await accept();
    await accept();
    expect(await audits('backup.accept_size')).toHaveLength(1);
    await world.work();
    expect(await seenIds()).toEqual([more[1], more[0], small]);
  });

  it('stands still when tables vanished, names the first, and goes on when a person accepts it', async () => {
    await db.updateTable('backup_policies').set({ keep_last: 4 }).execute();
    await nightly(1);
    const all = ['a', 'b "x"', '<script>', '🐘', 'last'];
    for (const day of [0, 1, 2]) await world.succeed({ created_at: iso(day), tables: all });
    world.now = new Date(iso(9));
    // Of which nobody knows what it holds: it stops nothing.
    await world.succeed({ created_at: iso(3) });
    await world.work();
    expect(await seenIds()).toHaveLength(4);
    const less = await world.succeed({ created_at: iso(4), tables: ['last', 'new'] });
    await world.work();
    const frozen = await db.selectFrom('retention_freezes').selectAll().executeTakeFirstOrThrow();
    expect(frozen).toMatchObject({ database_id: DATABASE, backup_id: less });
    expect(frozen.reason).toContain(
      '4 tables are not in the backup of 2026-03-08 05:06 UTC, and were in each of the three before it: größe.a, größe.b "x", größe.<script> and 1 more.',
    );
    const next = await world.succeed({ created_at: iso(5), tables: ['last', 'new'] });
    await world.work();
    await world.sweep();
    await world.work();
    expect(await seenIds()).toHaveLength(6);
    await acceptSize(world.services() as never, ACTOR, DATABASE);
    await world.work();
    expect((await seenIds()).slice(0, 2)).toEqual([next, less]);
    expect(await seenIds()).toHaveLength(4);
    expect(await audits('backup.freeze')).toHaveLength(1);
  });

  it('is accepted by who has read the very reason, not a second time for the next one', async () => {
    const all = ['a', 'b', 'c'];
    await nightly(1);
    for (const day of [0, 1, 2]) await world.succeed({ created_at: iso(day), tables: all });
    world.now = new Date(iso(9));
    await world.succeed({ created_at: iso(4), tables: ['a', 'b'] });
    await world.work();
    const read = async () => {
      const row = db.selectFrom('retention_freezes').select(['frozen_at', 'reason']);
      return row.executeTakeFirstOrThrow();
    };
    const first = await read();
    expect(first.reason).toContain('größe.c');
    // Nobody notices what else is gone while it stands still.
    for (const day of [5, 6]) await world.succeed({ created_at: iso(day), tables: ['a', 'b'] });
    world.now = new Date(iso(10));
    await world.succeed({ created_at: iso(7), tables: ['a'] });
    const accept = () => acceptSize(world.services() as never, ACTOR, DATABASE, first.frozen_at ?? '');
    await accept();
    await world.work();
    const second = await read();
    expect(second.reason).toContain('größe.b');
    await expect(accept()).rejects.toMatchObject({ code: 'conflict' });
    expect(await read()).toEqual(second);
    expect(await audits('backup.accept_size')).toHaveLength(1);
  });

  it('forgets failed runs after some days, but those that explain how things stand now', async () => {
    const old = [await world.fail({ created_at: iso(-40) }), await world.fail({ created_at: iso(-39) })];
    const good = await world.succeed({ created_at: iso(-38) });
    const failing = [-37, -36, -35].map((day) => iso(day));
    const since: string[] = [];
    for (const created_at of failing) since.push(await world.fail({ created_at }));
    const recent = await world.fail({ created_at: iso(-1) });
    const all = [...old, good, ...since, recent];
    await db
      .updateTable('backups')
      .set((eb) => ({ completed_at: eb.ref('created_at') }))
      .execute();
    await world.sweep();
    const left = (await rowsOf(all)).map(({ id }) => id);
    expect(left.sort()).toEqual([good, since[0], recent].sort());
    world.now = new Date(BEGIN.getTime() + 30 * DAY_MS);
    await world.sweep();
    expect((await rowsOf(all)).map(({ id }) => id).sort()).toEqual([good, since[0], recent].sort());
    const now = await world.succeed();
    await world.sweep();
    expect((await rowsOf([...all, now])).map(({ id }) => id).sort()).toEqual([good, now].sort());
  });

  const iso = (day: number) => new Date(BEGIN.getTime() + day * DAY_MS).toISOString();
  const prunes = () => db.selectFrom('runs').selectAll().where('kind', '=', 'prune').execute();
  const audits = (action = 'backup.rotate') =>
    db.selectFrom('audit_logs').selectAll().where('action', '=', action).execute();
  const rowsOf = (ids: readonly string[]) =>
    db.selectFrom('backups').selectAll().where('id', 'in', ids).execute();
  const one = (id = '') => db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst();
  const seenIds = async () => (await world.seen()).map(({ id }) => id);

  /** So many of the last nights, the oldest first; it is then the day after. */
  async function nightly(count: number): Promise<readonly string[]> {
    await db.deleteFrom('backups').execute();
    await db.deleteFrom('runs').execute();
    for (const table of ['stored_totals', 'backup_days', 'environment_days', 'newest_backups'] as const)
      await db.deleteFrom(table).execute();
    world.objects.clear();
    const ids: string[] = [];
    for (let day = count; day > 0; day -= 1) ids.push(await world.succeed({ created_at: iso(-day) }));
    return ids;
  }

  /** Beside the object of that backup; gives its key. */
  async function addManifest(backupId: string): Promise<string> {
    const object = await db
      .selectFrom('backup_objects')
      .selectAll()
      .where('backup_id', '=', backupId)
      .executeTakeFirstOrThrow();
    const key = `${object.key}.manifest.json`;
    await db
      .insertInto('backup_objects')
      .values({ ...object, id: newId(), kind: 'manifest', key, bytes: 7 })
      .execute();
    world.objects.set(key, { bytes: 7, token: world.objects.get(object.key)?.token ?? '' });
    return key;
  }

  async function keep(rules: { keepLast: number; minFloor: number }): Promise<void> {
    await db
      .insertInto('backup_policies')
      .values({
        ...{ id: 'p', database_id: DATABASE, inherit_global: 0, preset: 'custom', auto_applied: 0 },
        ...{
          keep_last: rules.keepLast,
          daily: 0,
          weekly: 0,
          monthly: 0,
          yearly: 0,
          min_floor: rules.minFloor,
        },
        ...{ max_total_bytes: null, created_at: BEGIN.toISOString(), updated_at: BEGIN.toISOString() },
      })
      .execute();
  }
});
