import { nextOnWall } from './calendar.ts';
import type { Cron } from './cron.ts';
import { stretches } from './zone-offsets.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A schedule that has no run within that time has none. */
export const LONGEST_WAIT_MS = 5 * 366 * DAY_MS;

/**
 * The instants after `afterMs`, up to `untilMs`, at which it is due in the zone, in their order. A time that daylight saving
 * skips is due once, right after the gap. In an hour that comes twice, what runs in each hour of the day is due in both,
 * anything else in the first alone.
 */
function* instants(cron: Cron, zone: string, afterMs: number, untilMs: number): Generator<number> {
  const isEveryHour = cron.hours.length === 24;
  let last = afterMs;
  for (const { from, until, offset, offsetBefore } of stretches(zone, afterMs, untilMs)) {
    if (from > untilMs) return;
    const isSkipping = offset > offsetBefore && from > afterMs;
    if (isSkipping && isNamedBetween(cron, from + offsetBefore, from + offset)) {
      last = from;
      yield from;
    }
    const isDoubling = offset < offsetBefore && !isEveryHour;
    const begin = Math.max(from, last + 1) + offset;
    let wall = nextOnWall(cron, isDoubling ? Math.max(begin, from + offsetBefore) : begin);
    while (wall !== null && wall - offset < until) {
      if (wall - offset > untilMs) return;
      last = wall - offset;
      yield last;
      wall = nextOnWall(cron, wall + MINUTE_MS);
    }
    if (wall === null) return;
  }
}

function isNamedBetween(cron: Cron, from: number, until: number): boolean {
  const next = nextOnWall(cron, from);
  return next !== null && next < until;
}

/** The first instant after `after` at which it is due; null where there is none within five years. */
export function nextRun(cron: Cron, zone: string, after: Date): Date | null {
  const afterMs = after.getTime();
  for (const at of instants(cron, zone, afterMs, afterMs + LONGEST_WAIT_MS)) return new Date(at);
  return null;
}

/** What is due after `after`, up to `until` and as many as `most`. */
export function runsBetween(
  cron: Cron,
  zone: string,
  { after, until, most }: { readonly after: Date; readonly until: Date; readonly most: number },
): readonly Date[] {
  const found: Date[] = [];
  for (const at of instants(cron, zone, after.getTime(), until.getTime())) {
    if (found.length >= most) break;
    found.push(new Date(at));
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
    const found = lastAfter(cron, zone, at.getTime() - ms, at);
    if (found !== null) return found;
  }
  return lastAfter(cron, zone, from.getTime(), at) ?? from;
}

function lastAfter(cron: Cron, zone: string, afterMs: number, at: Date): Date | null {
  let last: number | null = null;
  for (const instant of instants(cron, zone, afterMs, at.getTime())) last = instant;
  return last === null ? null : new Date(last);
}
