import type { Context } from '../db/context.ts';
import { beginsBetween } from './upcoming.ts';
import { offsetAt } from './zone-offsets.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 7;

/** How many runs begin in each hour of seven days, the first of them today, by the clock of that zone. */
export interface Week {
  /** ISO dates by that clock. */
  readonly days: readonly string[];
  readonly hours: readonly { readonly day: number; readonly hour: number; readonly runs: number }[];
}

export async function weekAhead(
  { db, now }: Context,
  { environmentId, zone }: { readonly environmentId: string | null; readonly zone: string },
): Promise<Week> {
  const at = now().getTime();
  const onWall = (instant: number) => instant + offsetAt(zone, instant);
  const today = Math.floor(onWall(at) / DAY_MS);
  const counts = new Map<number, number>();
  const until = new Date(at + DAYS * DAY_MS);
  for (const begins of await beginsBetween(db, environmentId, { from: new Date(at), until })) {
    const hour = Math.floor(onWall(begins) / HOUR_MS) - today * 24;
    counts.set(hour, (counts.get(hour) ?? 0) + 1);
  }
  const days = Array.from({ length: DAYS }, (_, day) =>
    new Date((today + day) * DAY_MS).toISOString().slice(0, 10),
  );
  const hours = Array.from({ length: DAYS * 24 }, (_, index) => ({
    day: Math.floor(index / 24),
    hour: index % 24,
    runs: counts.get(index) ?? 0,
  }));
  return { days, hours };
}
