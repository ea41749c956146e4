import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRoomAgain, isFillingUp, isNearlyFull } from '../../src/installation/free-space.ts';
import { sizeText } from '../../src/notifications/size-text.ts';
import { stageOf } from '../../src/watches/stage.ts';

const DAY_MS = 86_400_000;
const BEGIN = Date.parse('2028-02-29T23:59:59.999Z');
const at = (days: number) => new Date(BEGIN + days * DAY_MS);
const lasting = (days: number) => ({ from: at(0).toISOString(), until: at(days).toISOString() });

describe('how near an end is', () => {
  it('is nothing, a week, a day, over', () => {
    const stages = [0, 82.9, 83, 88.9, 89, 89.9, 90, 99].map((day) => stageOf(lasting(90), at(day)));
    expect(stages).toEqual([null, null, 'week', 'week', 'day', 'day', 'over', 'over']);
  });

  it('is no news of what was made for a short time', () => {
    expect([1, 6.5, 7].map((day) => stageOf(lasting(7), at(day)))).toEqual([null, 'day', 'over']);
    expect([0, 0.5, 1].map((day) => stageOf(lasting(1), at(day)))).toEqual([null, null, 'over']);
  });

  it('never goes back as time goes on', () => {
    const order = [null, 'week', 'day', 'over'] as const;
    const days = fc.double({ min: 0, max: 400, noNaN: true });
    fc.assert(
      fc.property(days, days, days, (life, one, other) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        const [before, after] = [stageOf(lasting(life), at(early)), stageOf(lasting(life), at(late))];
        expect(order.indexOf(after)).toBeGreaterThanOrEqual(order.indexOf(before));
      }),
    );
  });
});

describe('the room on the disk of the app', () => {
  const [MIB, GIB] = [1024 ** 2, 1024 ** 3];

  it('is told of below a tenth, or below 1 GiB of a disk that is large enough for that', () => {
    for (const [free, total, expected] of [
      [9 * GIB, 100 * GIB, true],
      [10 * GIB, 100 * GIB, false],
      [1023 * MIB, 8 * GIB, true],
      [GIB, 8 * GIB, false],
      // A volume of that size has never more.
      [700 * MIB, GIB, false],
      [99 * MIB, GIB, true],
      [20 * GIB, 4000 * GIB, false],
      [19 * GIB, 4000 * GIB, true],
    ] as const) {
      expect([free, total, isFillingUp({ free, total })]).toEqual([free, total, expected]);
    }
  });

  it('is told of before it is so little that nothing can be saved, and is there again with a margin', () => {
    const bytes = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 2 ** 50 }), (share, total) => {
        const space = { free: Math.floor(share * total), total };
        if (isNearlyFull(space)) expect(isFillingUp(space)).toBe(true);
        if (isFillingUp(space)) expect(hasRoomAgain(space)).toBe(false);
      }),
    );
    expect(hasRoomAgain({ free: 11 * GIB, total: 100 * GIB })).toBe(false);
    expect(hasRoomAgain({ free: 13 * GIB, total: 100 * GIB })).toBe(true);
  });

  it('is said in the unit that fits', () => {
    expect([0, 1023, 1024, 1536 * MIB, 123 * GIB, 2 ** 60].map(sizeText)).toEqual([
      ...['0 B', '1023 B', '1.0 KiB', '1.5 GiB', '123 GiB', '1024 PiB'],
    ]);
  });
});
