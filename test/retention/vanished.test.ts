import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedBackup } from '../../src/retention/plan.ts';
import { vanishedIn } from '../../src/retention/vanished.ts';

const TABLES = { count: 4, firstNames: ['a', 'b', 'c'] };

/** Newest first, one an hour. */
const backups = (...good: boolean[]): readonly PlannedBackup[] =>
  good.map((isGood, index) => ({
    ...{ id: `ü ${index}`, createdAt: new Date(Date.UTC(2026, 2, 30) - index * 3_600_000).toISOString() },
    ...{ size: 1, type: 'scheduled', isPinned: false, isGood, retained: null, inUse: null },
  }));

const flagged = (...indexes: number[]) => new Map(indexes.map((index) => [`ü ${index}`, TABLES]));

describe('the backup from which tables vanished', () => {
  const five = backups(true, true, false, true, true);
  it.each([
    ['none, where none vanished', flagged(), null, null],
    ['the newest of two', flagged(3, 1), null, 1],
    ['an older one: nobody has looked since', flagged(4), null, 4],
    ['none whose verification failed', flagged(2), null, null],
    ['none that was accepted', flagged(3), 3, null],
    ['none that is older than what was accepted', flagged(4), 3, null],
    ['one since what was accepted', flagged(1, 4), 3, 1],
    ['none that is gone', flagged(9), null, null],
  ] as const)('is %s', (_, vanished, accepted, expected) => {
    const through = accepted === null ? null : (five[accepted]?.createdAt ?? null);
    expect(vanishedIn(five, vanished, through)?.backupId ?? null).toBe(
      expected === null ? null : `ü ${expected}`,
    );
  });

  it('is one of the newest: of long ago nobody asks when a policy begins to', () => {
    const many = backups(...Array.from({ length: 30 }, () => true));
    expect(vanishedIn(many, flagged(19), null)?.backupId).toBe('ü 19');
    expect(vanishedIn(many, flagged(20), null)).toBeNull();
  });

  it('is never one that was accepted, whatever was flagged', () => {
    const some = fc.record({
      good: fc.array(fc.boolean(), { maxLength: 25 }),
      indexes: fc.uniqueArray(fc.nat(24)),
      through: fc.option(fc.nat(24)),
    });
    fc.assert(
      fc.property(some, ({ good, indexes, through }) => {
        const all = backups(...good);
        const acceptedThrough = through === null ? null : (all[through]?.createdAt ?? null);
        const found = vanishedIn(all, flagged(...indexes), acceptedThrough);
        if (found === null) return;
        expect(found).toMatchObject(TABLES);
        expect(all.find(({ id }) => id === found.backupId)?.isGood).toBe(true);
        expect(acceptedThrough === null || found.createdAt > acceptedThrough).toBe(true);
        // Accepting it is enough: what is older never comes up again.
        expect(vanishedIn(all, flagged(...indexes), found.createdAt)).toBeNull();
      }),
    );
  });
});
