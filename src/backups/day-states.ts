import type { DayTally } from './day-tallies.ts';
import { dayAfter } from './days.ts';

/**
 * What a day was like: every backup went well (`good`), some did and some failed (`partly`), all failed (`failed`), there was
 * none though one was due (`late`), or nothing is to be told (`none`).
 */
export type DayState = 'good' | 'partly' | 'failed' | 'late' | 'none';

export interface Day extends DayTally {
  readonly state: DayState;
}

const HOURS_A_DAY = 24;
const NOON = 12;

/**
 * A word for each of these days. `maxAgeHours`, the same for all or by the day, tells which days without a backup are late: those at whose
 * end a backup of the noon of the last good day was older than that. Where it is null no day is late.
 */
export function dayStates(
  tallies: readonly DayTally[],
  days: readonly string[],
  maxAgeHours: number | null | ((day: string) => number | null),
): readonly Day[] {
  const byDay = new Map(tallies.map((tally) => [tally.day, tally]));
  let limit = { of: '', spare: 0, day: '' };
  let lastGood = tallies.findLast(({ day, good }) => good > 0 && day < (days[0] ?? ''))?.day;
  return days.map((day, index) => {
    const { good, failed } = byDay.get(day) ?? { good: 0, failed: 0 };
    if (good > 0) lastGood = day;
    // Today is not over: a backup may still come.
    const isOver = index < days.length - 1;
    const isNone = good + failed === 0;
    return { day, good, failed, state: stateOf({ good, failed, isLate: isNone && isOver && isLate(day) }) };
  });

  function isLate(day: string): boolean {
    const hours = typeof maxAgeHours === 'function' ? maxAgeHours(day) : maxAgeHours;
    if (hours === null || lastGood === undefined) return false;
    const spare = Math.max(0, Math.floor((hours - NOON) / HOURS_A_DAY));
    if (limit.of !== lastGood || limit.spare !== spare) {
      limit = { of: lastGood, spare, day: dayAfter(lastGood, spare) };
    }
    return day > limit.day;
  }

  function stateOf(one: { good: number; failed: number; isLate: boolean }): DayState {
    if (one.good > 0) return one.failed > 0 ? 'partly' : 'good';
    if (one.failed > 0) return 'failed';
    return one.isLate ? 'late' : 'none';
  }
}
