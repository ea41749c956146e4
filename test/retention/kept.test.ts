import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { calendarOf } from '../../src/retention/calendar.ts';
import { decide } from '../../src/retention/decide.ts';
import { keptOf } from '../../src/retention/kept.ts';
import type { Policy } from '../../src/retention/policy.ts';
import { standingOf } from '../../src/retention/standing.ts';
import { clockOf } from '../../src/time-zone.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-30T06:00:00.000Z');
const HOUR_MS = 3_600_000;
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * HOUR_MS).toISOString();

const MANY = 120;
const backups = fc.array(
  fc.record({
    // Some of the same instant: a page may end between them.
    hours: fc.integer({ min: 1, max: 24 * 90 }).map((hours) => hours - (hours % 6)),
    size: fc.nat(1000),
    type: fc.constantFrom('scheduled' as const, 'scheduled' as const, 'manual' as const),
    isPinned: fc.nat(9).map((n) => n === 0),
    verification: fc.constantFrom('stored' as const, 'stored' as const, 'stored' as const, 'failed' as const),
    status: fc.constantFrom(
      'completed' as const,
      'completed' as const,
      'completed' as const,
      'failed' as const,
    ),
    lockedHours: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 6 }),
    usedHours: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 8 }),
  }),
  { minLength: MANY, maxLength: MANY },
);

const policies = fc.record<Policy>({
  ...{ keepLast: fc.nat(10), daily: fc.nat(10), weekly: fc.nat(8), monthly: fc.nat(6), yearly: fc.nat(3) },
  minFloor: fc.integer({ min: 1, max: 10 }),
  maxTotalBytes: fc.option(fc.nat(30_000), { freq: 2 }),
  ...{ preset: fc.constant('custom'), source: fc.constant('override'), maxShrinkPercent: fc.constant(50) },
});

afterAll(dropStates);

describe.each(STATES)('how long the backups of a page are kept, on %s', (state) => {
  let db: Db;
  let databaseId: string;

  beforeAll(async () => {
    db = await openState(state);
    const first = await insertBackup(db, NOW, { status: 'failed', outcome: 'failed' });
    databaseId = first.database_id;
    const given = fc.sample(backups, 1)[0] ?? [];
    const rows = given.map(({ hours, isPinned, lockedHours, usedHours, status, ...rest }, index) => ({
      ...{
        id: newId(),
        database_id: databaseId,
        filename: `größe + "${index}" 🗄.sql`,
        status,
        outcome: status,
      },
      ...{ storage_type: 'spaces', storage_path: `${index}`, bytes_read: 1, bytes_stored: 1, token: newId() },
      ...{ created_at: hoursAgo(hours), is_pinned: isPinned ? 1 : 0, ...rest },
      retained_until: lockedHours === null ? null : hoursAgo(lockedHours),
      in_use_until: usedHours === null ? null : hoursAgo(usedHours),
    }));
    await db
      .insertInto('backups')
      .values(rows as never)
      .execute();
  });

  it('is what pruning decides of all of them, whichever of them the page has', async () => {
    const listed = await db
      .selectFrom('backups')
      .select(['id', 'created_at'])
      .where('database_id', '=', databaseId)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .execute();
    const context = { db, now: () => NOW };
    const pages = fc.record({
      policy: policies,
      offset: fc.nat(MANY),
      limit: fc.integer({ min: 1, max: 25 }),
    });
    await fc.assert(
      fc.asyncProperty(pages, async ({ policy, offset, limit }) => {
        const shown = listed.slice(offset, offset + limit);
        const { plan } = await decide(db, databaseId, { now: NOW, instead: () => policy });
        const expected = plan.decisions.filter(({ backup }) => shown.some(({ id }) => id === backup.id));
        const standing = { policy, zone: 'UTC', freeze: null };
        const kept = await keptOf(context, databaseId, { shown, standing });
        expect(new Set(kept.keys())).toEqual(new Set(expected.map(({ backup }) => backup.id)));
        for (const { backup, rule, until, because, keep } of expected) {
          expect(kept.get(backup.id)).toMatchObject({ rule, until, because });
          expect(kept.get(backup.id)?.words === 'goes next').toBe(!keep);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('says of what would go that pruning stands still, where it does', async () => {
    const standing = { ...(await standingOf(db, databaseId)), zone: 'UTC' };
    const policy = {
      ...standing.policy,
      keepLast: 0,
      daily: 0,
      weekly: 0,
      monthly: 0,
      yearly: 0,
      minFloor: 1,
    };
    const shown = await db
      .selectFrom('backups')
      .select(['id', 'created_at'])
      .where('database_id', '=', databaseId)
      .execute();
    const freeze = { since: hoursAgo(1), reason: 'It shrank.', backupId: null };
    const kept = await keptOf({ db, now: () => NOW }, databaseId, {
      shown,
      standing: { ...standing, policy, freeze },
    });
    const words = [...kept.values()].map((one) => one.words);
    expect(words).toContain('pruning stands still');
    expect(words).not.toContain('goes next');
  });
});

it('reads no tables of zones for UTC, and tells the same as those would', () => {
  const [short, asked] = [calendarOf('UTC'), calendarOf('Etc/UTC')];
  for (const hours of [0, 5.99, 6, 7, 24 * 59, 24 * 400]) {
    const at = NOW.getTime() - hours * HOUR_MS;
    expect(short.placeOf(at)).toEqual(asked.placeOf(at));
    expect(clockOf(new Date(at), 'UTC')).toEqual(clockOf(new Date(at), 'Etc/UTC'));
  }
});
