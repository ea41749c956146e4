import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayStates } from '../../src/backups/day-states.ts';
import { median } from '../../src/backups/day-tallies.ts';
import { boundsOf, dayAfter, dayOf, daysUntil, parseDay, weekdayOf } from '../../src/backups/days.ts';

const day = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2400-01-01'), noInvalidDate: true })
  .map(dayOf);

describe('days', () => {
  it('follow each other without a gap, over months, years and leap days', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 800 }), (last, count) => {
        const days = daysUntil(last, count);
        expect(days).toHaveLength(count);
        expect(days.at(-1)).toBe(last);
        for (const [index, one] of days.entries()) {
          expect(parseDay(one)).toBe(one);
          if (index > 0) expect(boundsOf(days[index - 1] ?? '').before).toBe(boundsOf(one).from);
          expect(weekdayOf(dayAfter(one, 1))).toBe((weekdayOf(one) + 1) % 7);
        }
      }),
    );
    expect(daysUntil('2028-03-01', 2)).toEqual(['2028-02-29', '2028-03-01']);
    expect(weekdayOf('2026-11-30')).toBe(0);
  });

  it('are nothing where the text names none', () => {
    for (const text of [
      '',
      '2026-02-30',
      '2026-13-01',
      '2026-2-3',
      '0000-00-00',
      '2026-02-25x',
      '<script>',
      undefined,
    ]) {
      expect(parseDay(text)).toBeUndefined();
    }
  });
});

describe('what a day was like for many databases', () => {
  it('is late by what the databases of that day wanted, and not by one that came later', () => {
    const days = daysUntil('2026-03-11', 10);
    const tallies = [{ day: '2026-03-02', good: 3, failed: 0 }];
    const statesBy = (leastOn: (one: string) => number | null) =>
      dayStates(tallies, days, leastOn)
        .map(({ state }) => state[0])
        .join('');
    expect(statesBy(() => 26)).toBe('glllllllln');
    expect(statesBy(() => 7 * 24)).toBe('gnnnnnnlln');
    expect(statesBy((one) => (one < '2026-03-07' ? 7 * 24 : 3))).toBe('gnnnnlllln');
    expect(statesBy((one) => (one < '2026-03-07' ? 26 : null))).toBe('gllllnnnnn');
  });
});

describe('what a day was like', () => {
  const days = daysUntil('2026-03-04', 6);
  const states = (tallies: Record<string, readonly [number, number]>, maxAgeHours: number | null) =>
    dayStates(
      Object.entries(tallies).map(([one, [good, failed]]) => ({ day: one, good, failed })),
      days,
      maxAgeHours,
    ).map(({ state }) => state);

  it('is late without a backup where one a day is wanted, but not before the first and not yet today', () => {
    expect(states({ '2026-02-28': [1, 0], '2026-03-02': [0, 2] }, 26)).toEqual([
      ...['none', 'good', 'late', 'failed', 'late', 'none'],
    ]);
    expect(states({ '2026-01-01': [1, 0] }, 26)).toEqual(['late', 'late', 'late', 'late', 'late', 'none']);
    expect(states({ '2026-02-28': [1, 0] }, 7 * 24)).toEqual([
      'none',
      'good',
      'none',
      'none',
      'none',
      'none',
    ]);
    expect(states({}, 26)).toEqual(['none', 'none', 'none', 'none', 'none', 'none']);
  });

  it('is partly good where some were good and some failed', () => {
    const tallies = { '2026-03-03': [2, 3], '2026-03-04': [0, 1] } as const;
    expect(states(tallies, 26).slice(-2)).toEqual(['partly', 'failed']);
    expect(states(tallies, null).slice(-2)).toEqual(['partly', 'failed']);
  });
});

describe('the median', () => {
  it('lies in the middle of what is given, whatever the order, and is nothing of nothing', () => {
    expect([median([]), median([7]), median([9, 1]), median([3, 100, 1])]).toEqual([null, 7, 5, 3]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e300, noNaN: true }), { minLength: 1 }), (numbers) => {
        const middle = median(numbers) ?? Number.NaN;
        expect(numbers.filter((one) => one <= middle).length * 2).toBeGreaterThanOrEqual(numbers.length);
        expect(numbers.filter((one) => one >= middle).length * 2).toBeGreaterThanOrEqual(numbers.length);
      }),
    );
  });
});
