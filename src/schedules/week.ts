import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { blackoutAt } from './blackouts.ts';
import { parseCron } from './cron.ts';
import { runsBetween } from './next-run.ts';
import { offsetAt } from './zone-offsets.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 7;
/** As many as a schedule can have that runs each minute. */
const MOST = DAYS * 24 * 60;

/** How many slots there are in each hour of seven days, the first of them today, by the clock of that zone. */
export interface Week {
  /** ISO dates by that clock. */
  readonly days: readonly string[];
  readonly hours: readonly { readonly day: number; readonly hour: number; readonly runs: number }[];
}

/** Those of paused schedules and in blackouts are left out. */
export async function weekAhead(
  { db, now }: Context,
  { environmentId, zone }: { readonly environmentId: string | null; readonly zone: string },
): Promise<Week> {
  const after = now();
  const until = new Date(after.getTime() + DAYS * DAY_MS);
  const onWall = wallOf(zone);
  const today = Math.floor(onWall(after.getTime()) / DAY_MS);
  const counts = new Map<number, number>();
  const windows = Map.groupBy(
    await db.selectFrom('server_blackouts').selectAll().execute(),
    (window) => window.server_id,
  );
  for (const group of await alike(db, environmentId)) {
    const slots = runsBetween(parseCron(group.cron_expression), group.time_zone, {
      after,
      until,
      most: MOST,
    });
    const blackouts = windows.get(group.server ?? '') ?? [];
    for (const slot of slots) {
      if (blackoutAt(blackouts, group.time_zone, slot) !== undefined) continue;
      const hour = Math.floor(onWall(slot.getTime()) / HOUR_MS) - today * 24;
      counts.set(hour, (counts.get(hour) ?? 0) + Number(group.count));
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
  return { days, hours };
}

/** How many databases have the same times; those on servers with blackouts by server. */
async function alike(db: Db, environmentId: string | null) {
  const withBlackouts = sql<string | null>`case when databases.server_id in
    (select server_id from server_blackouts) then databases.server_id end`;
  return db
    .selectFrom('database_schedules as when')
    .innerJoin('schedules', 'schedules.id', 'when.schedule_id')
    .innerJoin('databases', 'databases.id', 'when.database_id')
    .select(({ fn }) => [
      ...(['schedules.cron_expression', 'when.time_zone'] as const),
      withBlackouts.as('server'),
      fn.countAll<number>().as('count'),
    ])
    .where('when.due_at', 'is not', null)
    .where('when.is_paused', '=', 0)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .groupBy(['schedules.cron_expression', 'when.time_zone', 'server'])
    .execute();
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
