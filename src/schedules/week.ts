import { breathe } from '../breathe.ts';
import type { Context } from '../db/context.ts';
import { blackoutAt } from './blackouts.ts';
import { parseCron } from './cron.ts';
import { runsBetween } from './next-run.ts';
import type { ScheduledAlike } from './scheduled.ts';
import { type BlackoutsByServer, blackoutsByServer } from './server-blackouts.ts';
import { offsetAt } from './zone-offsets.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 7;
/** As many as a schedule can have that runs each minute. */
const MOST = DAYS * 24 * 60;
/** Different ones, between which everything else has its turn. */
const AT_ONCE = 20;

/** How many slots there are in each hour of seven days, the first of them today, by the clock of that zone. */
export interface Week {
  /** ISO dates by that clock. */
  readonly days: readonly string[];
  readonly hours: readonly { readonly day: number; readonly hour: number; readonly runs: number }[];
  /** Of the seven times 24 hours from now on, whose last ones belong to none of these days. */
  readonly total: number;
}

/** Those of paused schedules, in blackouts, and of what can't be stored are left out. */
export async function weekAhead(
  { db, now }: Context,
  scheduled: readonly ScheduledAlike[],
  zone: string,
): Promise<Week> {
  const after = now();
  const until = new Date(after.getTime() + DAYS * DAY_MS);
  const onWall = wallOf(zone);
  const today = Math.floor(onWall(after.getTime()) / DAY_MS);
  const counts = new Map<number, number>();
  let total = 0;
  const windows = await blackoutsByServer(db);
  for (const [index, { first, count }] of [...alike(scheduled, windows)].entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await breathe();
    const slots = runsBetween(parseCron(first.cron_expression), first.time_zone, {
      after,
      until,
      most: MOST,
    });
    const blackouts = windows.get(first.server_id ?? '') ?? [];
    for (const slot of slots) {
      if (blackoutAt(blackouts, first.time_zone, slot) !== undefined) continue;
      const hour = Math.floor(onWall(slot.getTime()) / HOUR_MS) - today * 24;
      counts.set(hour, (counts.get(hour) ?? 0) + count);
      total += count;
    }
  }
  const days = Array.from({ length: DAYS }, (_, day) =>
    new Date((today + day) * DAY_MS).toISOString().slice(0, 10),
  );
  const hours = Array.from({ length: DAYS * 24 }, (_, index) => ({
    day: Math.floor(index / 24),
    hour: index % 24,
    runs: counts.get(index) ?? 0,
  }));
  return { days, hours, total };
}

/** Databases that have the same times, which are computed once; those on servers with blackouts by server. */
function alike(scheduled: readonly ScheduledAlike[], windows: BlackoutsByServer) {
  const groups = new Map<string, { readonly first: ScheduledAlike; count: number }>();
  for (const one of scheduled) {
    if (one.is_paused === 1 || one.held_back !== null) continue;
    const server = windows.has(one.server_id ?? '') ? one.server_id : '';
    const key = [one.cron_expression, one.time_zone, server].join('\n');
    const group = groups.get(key);
    const count = one.count ?? 1;
    if (group === undefined) groups.set(key, { first: one, count });
    else group.count += count;
  }
  return groups.values();
}

/** What the clock on the wall shows, as if it were UTC. A zone changes on a quarter of an hour. */
function wallOf(zone: string): (at: number) => number {
  const offsets = new Map<number, number>();
  return (at) => {
    const quarter = Math.floor(at / QUARTER_MS);
    const offset = offsets.get(quarter) ?? offsetAt(zone, quarter * QUARTER_MS);
    offsets.set(quarter, offset);
    return at + offset;
  };
}
