import { nextOnWall } from './calendar.ts';
import type { Cron } from './cron.ts';
import { stretches } from './zone-offsets.ts';

const DAY_MS = 86_400_000;
/** A schedule that has no run within that time has none. */
export const LONGEST_WAIT_MS = 5 * 366 * DAY_MS;

/**
 * The first instant after `after` at which it is due in the zone; null where there is none within five years. A time that
 * daylight saving skips is due once, right after the gap. In an hour that comes twice, what runs in each hour of the day is
 * due in both, anything else in the first alone.
 */
export function nextRun(cron: Cron, zone: string, after: Date): Date | null {
  const afterMs = after.getTime();
  const isEveryHour = cron.hours.length === 24;
  for (const { from, until, offset, offsetBefore } of stretches(zone, afterMs, afterMs + LONGEST_WAIT_MS)) {
    const isSkipping = offset > offsetBefore && from > afterMs;
    if (isSkipping && isNamedBetween(cron, from + offsetBefore, from + offset)) return new Date(from);
    const wall = Math.max(from, afterMs + 1) + offset;
    const isDoubling = offset < offsetBefore && !isEveryHour;
    const next = nextOnWall(cron, isDoubling ? Math.max(wall, from + offsetBefore) : wall);
    if (next === null || next - offset > afterMs + LONGEST_WAIT_MS) return null;
    if (next - offset < until) return new Date(next - offset);
  }
  return null;
}

function isNamedBetween(cron: Cron, from: number, until: number): boolean {
  const next = nextOnWall(cron, from);
  return next !== null && next < until;
}

/** What is due after `after`, up to `until` and as many as `most`. */
export function runsBetween(
  cron: Cron,
  zone: string,
  { after, until, most }: { readonly after: Date; readonly until: Date; readonly most: number },
): readonly Date[] {
  const found: Date[] = [];
  let last: Date | null = nextRun(cron, zone, after);
  while (last !== null && last <= until && found.length < most) {
    found.push(last);
    last = nextRun(cron, zone, last);
  }
  return found;
}

/** The last instant at which it was due from `from` up to `at`; `from` itself is one. */
export function lastRun(
  cron: Cron,
  zone: string,
  { from, at }: { readonly from: Date; readonly at: Date },
): Date {
  // Backwards in steps that grow, since a schedule of minutes has too many instants in a year to go through.
  for (let ms = 3_600_000; at.getTime() - ms > from.getTime(); ms *= 12) {
    const found = lastAfter(cron, zone, new Date(at.getTime() - ms), at);
    if (found !== null) return found;
  }
  return lastAfter(cron, zone, from, at) ?? from;
}

function lastAfter(cron: Cron, zone: string, after: Date, at: Date): Date | null {
  let last: Date | null = null;
  for (let next = nextRun(cron, zone, after); next !== null && next <= at; next = nextRun(cron, zone, next)) {
    last = next;
  }
  return last;
}
