import type { Cron } from './cron.ts';
import { runsBetween } from './next-run.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 366 * 24 * 60 * MINUTE_MS;
export const YEAR_MINUTES = YEAR_MS / MINUTE_MS;
/** Once a year, be it a leap year or not. */
const YEARLY_MS = YEAR_MS - 2 * 24 * 60 * MINUTE_MS;
/** So many slots are looked at one by one, and so many days that have any; where some months have none, all of the time. */
const MOST = 60;
const DAYS_OF_A_YEAR = 366;

/**
 * The longest time between two slots, in minutes; a year where there are no two. One of minutes has more of them in a day than
 * are looked at: its night, or its weekend, lies between the last one of a day and the first of the next day that has any. Where some
 * months have none, two years are looked at: of one, the half that has none may lie at its ends.
 */
export function longestGapMinutes(cron: Cron, zone: string, now: Date): number {
  const years = cron.days.split(' ')[1] === '*' ? 1 : 2;
  const until = new Date(now.getTime() + years * YEAR_MS);
  const slots = (of: Cron, most: number) => runsBetween(of, zone, { after: now, until, most });
  const next = slots(cron, MOST);
  const days = years === 1 ? MOST : years * DAYS_OF_A_YEAR;
  const firsts = slots({ ...cron, hours: cron.hours.slice(0, 1), minutes: cron.minutes.slice(0, 1) }, days);
  const lasts = slots({ ...cron, hours: cron.hours.slice(-1), minutes: cron.minutes.slice(-1) }, days);
  const longest = Math.max(gapsBetween(next, next), gapsBetween(lasts, firsts));
  return Math.ceil((longest > 0 && longest < YEARLY_MS ? longest : YEAR_MS) / MINUTE_MS);
}

/** The longest time from one of these to the first of the others that comes after it, in milliseconds; 0 where none does. Both in order. */
function gapsBetween(from: readonly Date[], to: readonly Date[]): number {
  let longest = 0;
  let index = 0;
  for (const begin of from) {
    while ((to[index] ?? begin) < begin || to[index]?.getTime() === begin.getTime()) index += 1;
    const end = to[index];
    if (end === undefined) break;
    longest = Math.max(longest, end.getTime() - begin.getTime());
  }
  return longest;
}
