import { describe, expect, it } from 'vitest';
import { forecastStored } from '../../src/backups/stored-forecast.ts';

/** The last is today. */
const days = (bytes: readonly number[]) => bytes.map((stored, at) => ({ day: `day ${at}`, bytes: stored }));
const growing = (count: number, begin = 1000, aDay = 100) =>
  Array.from({ length: count }, (_, at) => begin + aDay * at);

describe('what will be stored', () => {
  it('goes on at the pace of the last four weeks, from what there is now', () => {
    const long = [...growing(40, 1, 0), ...growing(28, 1000), 5000];
    expect(forecastStored(days(long), 5000)).toEqual({ inAWeek: 5700, inAMonth: 8000, fromDays: 28 });
  });

  it('is told from fourteen whole days on since there is anything, and not before', () => {
    const before = Array.from({ length: 40 }, () => 0);
    expect(forecastStored(days([...before, ...growing(13), 2300]), 2300)).toBeNull();
    expect(forecastStored(days([...before, ...growing(14), 2400]), 2400)).toMatchObject({
      ...{ inAWeek: 3100, fromDays: 14 },
    });
    expect(forecastStored([], 0)).toBeNull();
    expect(forecastStored(days(before), 0)).toBeNull();
  });

  it('is not carried away by one large day, nor by what comes once a week', () => {
    const jump = [...growing(20), ...growing(8, 1_000_000), 1_000_800];
    expect(forecastStored(days(jump), 1_000_800)?.inAWeek ?? 1_000_800).toBeLessThan(1_002_000);
    const weekly = Array.from({ length: 28 }, (_, at) => 7000 + 700 * Math.floor(at / 7));
    expect(forecastStored(days([...weekly, 9800]), 9800)?.inAWeek).toBeGreaterThan(10_200);
    expect(forecastStored(days([...weekly, 9800]), 9800)?.inAWeek).toBeLessThan(10_800);
  });

  it('falls no lower than nothing, and says nothing where hardly anything changes', () => {
    const shrinking = forecastStored(days(growing(29, 3000, -100)), 200);
    expect(shrinking).toEqual({ inAWeek: 0, inAMonth: 0, fromDays: 28 });
    expect(forecastStored(days(growing(29, 1_000_000, 10)), 1_000_280)).toBeNull();
  });
});
