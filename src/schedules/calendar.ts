import { Cron as Croner } from 'croner';
import type { Cron } from './cron.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * The first instant at or after this one that the expression names, by a clock that has no zone: both as if they were UTC.
 * Null where no day fits. What days there are is croner's to know; its timers and its zones are not used.
 */
export function nextOnWall(cron: Cron, wallMs: number): number | null {
  const from = Math.ceil(wallMs / MINUTE_MS) * MINUTE_MS;
  let earliest = Math.floor(from / DAY_MS);
  let minuteOfDay = (from - earliest * DAY_MS) / MINUTE_MS;
  for (;;) {
    const day = nextDay(cron.days, earliest);
    if (day === null) return null;
    const time = nextTime(cron, day === earliest ? minuteOfDay : 0);
    if (time !== null) return day * DAY_MS + time * MINUTE_MS;
    earliest = day + 1;
    minuteOfDay = 0;
  }
}

/** Minutes since midnight, from these on. */
function nextTime({ minutes, hours }: Cron, from: number): number | null {
  const thisHour = Math.floor(from / 60);
  const left = hours.includes(thisHour) ? minutes.find((minute) => minute >= from % 60) : undefined;
  if (left !== undefined) return thisHour * 60 + left;
  const hour = hours.find((candidate) => candidate > thisHour);
  return hour === undefined ? null : hour * 60 + (minutes[0] ?? 0);
}

/** Days since 1970, that one or a later one. */
function nextDay(days: string, from: number): number | null {
  if (days === '* * *') return from;
  const known = found.get(days) ?? new Map<number, number | null>();
  const day = known.get(from);
  if (day !== undefined) return day;
  // A croner of its own each time would cost as much as the question.
  const croner = croners.get(days) ?? new Croner(`0 0 ${days}`, { timezone: 'UTC' });
  const next = croner.nextRun(new Date(from * DAY_MS - 1000));
  const answer = next === null ? null : next.getTime() / DAY_MS;
  if (croners.size >= MOST_PATTERNS) {
    croners.clear();
    found.clear();
  }
  if (known.size >= MOST_DAYS) known.clear();
  croners.set(days, croner);
  found.set(days, known.set(from, answer));
  return answer;
}

/** What was found, of as many patterns and days as a busy installation asks about again and again. */
const MOST_PATTERNS = 500;
const MOST_DAYS = 400;
const croners = new Map<string, Croner>();
const found = new Map<string, Map<number, number | null>>();
