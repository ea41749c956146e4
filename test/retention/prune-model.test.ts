import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pinBackup } from '../../src/backups/backups.ts';
import { markInUse } from '../../src/backups/in-use.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { acceptSize, savePolicy } from '../../src/retention/retention-actions.ts';
import { openSqliteDatabase } from '../support/database.ts';
import { DATABASE, type Mood, openWorld, type World } from './world.ts';

const BEGIN = new Date('2026-03-27T23:30:00.000Z');
const HOUR_MS = 3_600_000;
const ACTOR = { userId: null, address: null };
const NOBODY_WAITS = AbortSignal.abort();

type Step =
  | { readonly does: 'succeed'; readonly manual: boolean; readonly size: number; readonly isBad: boolean }
  | { readonly does: 'fail' | 'restart' | 'accept' | 'sweep' }
  | { readonly does: 'pin' | 'unpin' | 'lock' | 'unlock' | 'read' | 'spoil'; readonly which: number }
  | {
      readonly does: 'policy';
      readonly keepLast: number;
      readonly daily: number;
      readonly weekly: number;
      readonly minFloor: number;
      readonly cap: number | null;
    }
  | { readonly does: 'wait'; readonly hours: number }
  | { readonly does: 'mood'; readonly mood: Mood }
  | { readonly does: 'die'; readonly requests: number };

/** The clock goes on, as a rule; sometimes it is set back by hours, by a day, by more than a year. */
const hours = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(1, 7, 23, 25, 49, 200) },
  { weight: 1, arbitrary: fc.constantFrom(-3, -24, -9000) },
);
const count = (most: number) => fc.integer({ min: 0, max: most });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constant('succeed' as const),
      manual: count(6).map((n) => n === 0),
      size: count(25).map((n) => (n === 0 ? 20 : 90 + n)),
      isBad: count(7).map((n) => n === 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('wait' as const),
      hours: hours,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom('fail' as const, 'restart' as const, 'accept' as const, 'sweep' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constantFrom(
        'pin' as const,
        'unpin' as const,
        'lock' as const,
        'unlock' as const,
        'read' as const,
        'spoil' as const,
      ),
      which: count(30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ does: fc.constant('policy' as const), keepLast: count(3), daily: count(3), weekly: count(2) },
      ...{ minFloor: fc.integer({ min: 1, max: 3 }), cap: fc.option(count(900)) },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('mood' as const),
      mood: fc.constantFrom<Mood>('well', 'well', 'refuses', 'away', 'loses answers', 'lags'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('die' as const), requests: fc.integer({ min: 1, max: 6 }) }),
  },
);

let db: Db;
beforeAll(async () => {
  db = await openSqliteDatabase();
});
afterAll(() => db.destroy());

describe('whatever happens to the backups of a database, its storage and its clock', () => {
  it('nothing is pruned that must stay, no row goes before its object, and what is seen is there', async () => {
    let pruned = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50 }), async (steps) => {
        await db.deleteFrom('environments').execute();
        await db.deleteFrom('runs').execute();
        const world = await openWorld(db, BEGIN);
        await take(world, { does: 'policy', keepLast: 1, daily: 2, weekly: 1, minFloor: 2, cap: null });
        const all = new Map<string, BackupRow>();
        for (const one of steps) {
          const before = await world.seen();
          for (const row of before) all.set(row.id, row);
          await take(world, one);
          for (const row of await world.seen()) all.set(row.id, row);
          const known = await world.seen();
          await world.work();
          if (one.does !== 'mood') world.settleLate();
          pruned += await check(world, known, all);
        }
        // What was left open comes to an end when all is well again.
        world.mood = 'well';
        await world.restart();
        world.now = new Date(Math.max(world.now.getTime(), newestOf(all)) + 3 * HOUR_MS);
        const known = await world.seen();
        await world.sweep();
        await world.work();
        await check(world, known, all);
        expect(
          await db.selectFrom('backups').select('id').where('deleted_at', 'is not', null).execute(),
        ).toEqual([]);
        expect(world.objects.size).toBe((await world.seen()).length);
        expect(await repairCounts(world.services())).toBe(0);
      }),
      { numRuns: 25 },
    );
    // The model itself must be able to fail.
    expect(pruned).toBeGreaterThan(30);
  });

  async function take(world: World, one: Step): Promise<void> {
    const seen = await world.seen();
    const chosen = 'which' in one ? seen[one.which % Math.max(1, seen.length)] : undefined;
    const object = chosen && world.objects.get(chosen.storage_path);
    if (one.does === 'succeed') {
      world.now = new Date(world.now.getTime() + HOUR_MS / 2);
      const type = one.manual ? 'manual' : 'scheduled';
      await world.succeed({ type, size: one.size, isBad: one.isBad });
    }
    if (one.does === 'fail') await world.fail();
    if (one.does === 'restart') await world.restart();
    if (one.does === 'sweep') await world.sweep();
    if (one.does === 'accept') await acceptSize(world.services(), ACTOR, DATABASE);
    if (one.does === 'wait') world.now = new Date(world.now.getTime() + one.hours * HOUR_MS);
    if (one.does === 'mood') world.mood = one.mood;
    if (one.does === 'die') world.diesAtRequest = one.requests;
    if (one.does === 'policy') {
      const { keepLast, daily, weekly, minFloor, cap: maxTotalBytes } = one;
      const rules = { keepLast, daily, weekly, monthly: 0, yearly: 0, minFloor, maxTotalBytes };
      await savePolicy(
        world.services(),
        ACTOR,
        DATABASE,
        { preset: 'custom', ...rules, confirm: true },
        NOBODY_WAITS,
      );
    }
    if (chosen === undefined) return;
    if (one.does === 'pin' || one.does === 'unpin')
      await pinBackup(
        db,
        { databaseId: DATABASE, backupId: chosen.id, userId: null },
        one.does === 'pin',
        world.now,
      );
    if (one.does === 'read') await markInUse(db, chosen.id, new Date(world.now.getTime() + HOUR_MS));
    if (one.does === 'spoil') await world.spoil(chosen.id);
    if (object === undefined) return;
    if (one.does === 'lock')
      object.lock = { until: new Date(world.now.getTime() + 5 * HOUR_MS).toISOString(), why: 'lock' };
    if (one.does === 'unlock') delete object.lock;
  }

  /** Of what was seen right before; gives how many were pruned since. */
  async function check(
    world: World,
    known: readonly BackupRow[],
    all: ReadonlyMap<string, BackupRow>,
  ): Promise<number> {
    const now = world.now.toISOString();
    const rows = await db.selectFrom('backups').selectAll().execute();
    const seen = new Set((await world.seen()).map(({ id }) => id));
    const { min_floor: floor } = await db.selectFrom('backup_policies').selectAll().executeTakeFirstOrThrow();
    const good = known.filter(({ verification }) => verification !== 'failed');
    const gone = known.filter(({ id }) => !seen.has(id));
    for (const row of gone) {
      expect([row.type, row.is_pinned]).toEqual(['scheduled', 0]);
      const newer = known
        .slice(0, known.indexOf(row))
        .filter(({ verification }) => verification !== 'failed');
      expect(newer.length).toBeGreaterThanOrEqual(floor);
      expect((row.in_use_until ?? '') <= now).toBe(true);
      expect((row.retained_until ?? '') <= now).toBe(true);
      expect(
        known.every(
          ({ created_at }) => created_at <= new Date(world.now.getTime() + 5 * 60_000).toISOString(),
        ),
      ).toBe(true);
    }
    expect(good.slice(0, floor).every(({ id }) => seen.has(id))).toBe(true);
    // Promise 2: what people see as completed is there, and as it was stored.
    for (const { id, storage_path: key, token } of await world.seen())
      expect([id, world.objects.get(key)?.token]).toEqual([id, token]);
    // The object goes before the row.
    const left = new Set(rows.map(({ id }) => id));
    for (const { id, storage_path: key } of all.values()) {
      if (!left.has(id)) expect([id, world.objects.has(key)]).toEqual([id, false]);
    }
    return gone.length;
  }
});

const newestOf = (all: ReadonlyMap<string, BackupRow>) =>
  Math.max(0, ...[...all.values()].map(({ created_at }) => Date.parse(created_at)));
