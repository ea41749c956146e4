import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedBackup, plan, type RetentionRules } from '../../src/retention/plan.ts';

const NOW = new Date('2026-03-30T06:00:00.000Z');
const HOUR_MS = 3_600_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu'] as const;

const backups = fc
  .uniqueArray(
    fc.record({
      hoursAgo: fc.integer({ min: 0, max: 24 * 400 }),
      size: fc.integer({ min: 0, max: 1000 }),
      type: fc.constantFrom(
        'scheduled' as const,
        'scheduled' as const,
        'scheduled' as const,
        'manual' as const,
      ),
      isPinned: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      isGood: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      lockedHours: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 6 }),
      usedHours: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 8 }),
    }),
    { maxLength: 60, selector: ({ hoursAgo }) => hoursAgo },
  )
  .map((all) =>
    all.map(({ hoursAgo, lockedHours, usedHours, ...rest }): PlannedBackup => {
      const iso = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS).toISOString();
      return {
        ...rest,
        id: `"${hoursAgo}" ü`,
        createdAt: iso(-hoursAgo),
        retained: lockedHours === null ? null : { until: iso(lockedHours), why: 'locked' },
        inUse: usedHours === null ? null : { until: usedHours === 0 ? null : iso(usedHours) },
      };
    }),
  );

const rules = fc.record<RetentionRules>({
  ...{ keepLast: fc.nat(10), daily: fc.nat(10), weekly: fc.nat(8), monthly: fc.nat(6), yearly: fc.nat(3) },
  minFloor: fc.integer({ min: 1, max: 10 }),
  maxTotalBytes: fc.option(fc.nat(20_000)),
});

const ids = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id).sort();
const newestFirst = (all: readonly PlannedBackup[]) =>
  all.toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));

describe('whatever the policy and the backups', () => {
  it('the newest good ones stay, and all that is newer, pinned, made by hand, locked or in use', () => {
    fc.assert(
      fc.property(rules, backups, fc.constantFrom(...ZONES), (policy, all, zone) => {
        const { keep, prune, decisions, bytesFreed } = plan(policy, all, NOW, zone);
        expect(ids([...keep, ...prune])).toEqual(ids(all));
        expect(decisions.map(({ backup }) => backup.id)).toEqual(newestFirst(all).map(({ id }) => id));
        const good = newestFirst(all).filter(({ isGood }) => isGood);
        const floor = good.slice(0, policy.minFloor);
        const edge = floor.length < policy.minFloor ? '' : (floor.at(-1)?.createdAt ?? '');
        for (const gone of prune) {
          expect(gone.createdAt < edge).toBe(true);
          expect([gone.type, gone.isPinned]).toEqual(['scheduled', false]);
          expect((gone.retained?.until ?? '') <= NOW.toISOString()).toBe(true);
          const used = gone.inUse === null ? '' : gone.inUse.until;
          expect(used !== null && used <= NOW.toISOString()).toBe(true);
        }
        expect(ids(keep)).toEqual(expect.arrayContaining(ids(floor)));
        expect(bytesFreed).toBe(prune.reduce((sum, { size }) => sum + size, 0));
        expect(decisions.every(({ rule }) => rule.length > 5)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('what is left is planned to stay, by the same policy', () => {
    fc.assert(
      fc.property(rules, backups, fc.constantFrom(...ZONES), (policy, all, zone) => {
        const { keep } = plan(policy, all, NOW, zone);
        expect(plan(policy, keep, NOW, zone).prune).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('the order in which they are given does not matter', () => {
    fc.assert(
      fc.property(rules, backups, (policy, all) => {
        const sorted = plan(policy, newestFirst(all), NOW, 'Europe/Berlin');
        expect(plan(policy, newestFirst(all).reverse(), NOW, 'Europe/Berlin')).toEqual(sorted);
      }),
      { numRuns: 100 },
    );
  });

  it('a policy that keeps more of anything prunes nothing that the other keeps, where no cap is set', () => {
    const names = ['keepLast', 'daily', 'weekly', 'monthly', 'yearly', 'minFloor'] as const;
    fc.assert(
      fc.property(rules, backups, fc.constantFrom(...names), fc.nat(5), (policy, all, name, more) => {
        const [less, wide] = [
          { ...policy, maxTotalBytes: null },
          { ...policy, maxTotalBytes: null },
        ];
        const kept = ids(plan(less, all, NOW, 'UTC').keep);
        const keptByMore = ids(plan({ ...wide, [name]: wide[name] + more }, all, NOW, 'UTC').keep);
        expect(keptByMore).toEqual(expect.arrayContaining(kept));
      }),
      { numRuns: 200 },
    );
  });

  it('what is kept stays when another one is pinned, or turns out to be bad, but for what took its place', () => {
    fc.assert(
      fc.property(rules, backups, fc.nat(), (policy, all, which) => {
        const chosen = all[which % Math.max(1, all.length)];
        const pinned = all.map((backup) => (backup === chosen ? { ...backup, isPinned: true } : backup));
        const without = { ...policy, maxTotalBytes: null };
        const kept = ids(plan(without, all, NOW, 'UTC').keep);
        expect(ids(plan(without, pinned, NOW, 'UTC').keep)).toEqual(expect.arrayContaining(kept));
        const bad = all.map((backup) => (backup === chosen ? { ...backup, isGood: false } : backup));
        const stillKept = kept.filter((id) => id !== chosen?.id);
        expect(ids(plan(without, bad, NOW, 'UTC').keep)).toEqual(expect.arrayContaining(stillKept));
      }),
      { numRuns: 200 },
    );
  });

  it('every pruned one has a newer good one that stays', () => {
    fc.assert(
      fc.property(rules, backups, (policy, all) => {
        const { keep, prune } = plan(policy, all, NOW, 'UTC');
        const newest = keep.filter(({ isGood }) => isGood).map(({ createdAt }) => createdAt);
        for (const { createdAt } of prune) expect(newest.some((kept) => kept > createdAt)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
