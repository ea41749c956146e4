import type { Context } from '../db/context.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { parseCron } from '../schedules/cron.ts';
import { beginsAt, runAt } from '../schedules/jitter.ts';
import { nextRun } from '../schedules/next-run.ts';

const CHUNK = 200;

/**
 * Lets `drill_states` say when each database's next drill is due, by the schedule that counts for it: one that is new or has changed
 * waits for its next time, and one that lies further ahead than the next time of all does so too, since the clock was set back. Where
 * the jitter alone has changed, one that has come and not begun yet stays.
 */
export async function followDrills({ db, now }: Context): Promise<void> {
  const changed = (await changes(db, now())).map(({ database_id }) => database_id);
  for (let at = 0; at < changed.length; at += CHUNK) {
    await write(db, async (trx) => {
      // As they are by now: another process may have followed meanwhile, and have begun what had come.
      for (const { database_id, ...values } of await changes(trx, now(), changed.slice(at, at + CHUNK))) {
        await trx
          .insertInto('drill_states')
          .values({ database_id, ...values })
          .onConflict((conflict) => conflict.column('database_id').doUpdateSet(values))
          .execute();
      }
    });
  }
}

interface Due {
  readonly database_id: string;
  readonly settled_as: string | null;
  readonly due_at: string | null;
  readonly run_at: string | null;
}

/** Of all databases where none are named. */
async function changes(db: Db | Trx, now: Date, ids?: readonly string[]): Promise<readonly Due[]> {
  const rows = await db
    .selectFrom('database_schedules as counts')
    .innerJoin('schedules', 'schedules.id', 'counts.schedule_id')
    .leftJoin('drill_states as state', 'state.database_id', 'counts.database_id')
    .select(['counts.database_id', 'counts.time_zone', 'state.settled_as'])
    .select(['state.due_at', 'state.run_at'])
    .select(['schedules.drill_cron', 'schedules.enabled', 'schedules.jitter_minutes'])
    .where('schedules.drill_cron', 'is not', null)
    .$if(ids !== undefined, (query) => query.where('counts.database_id', 'in', ids ?? []))
    .execute();
  const next = memo(now);
  const changed: Due[] = [];
  for (const row of rows) {
    const { database_id, time_zone: zone, drill_cron: expression, jitter_minutes: jitterMinutes } = row;
    if (expression === null) continue;
    const times = [expression, zone, row.enabled];
    const settled_as = JSON.stringify([...times, jitterMinutes]);
    const { cron, due } = next(expression, zone);
    const isAhead = row.due_at !== null && due !== null && row.due_at > due.toISOString();
    if (settled_as === row.settled_as && !isAhead) continue;
    const isOfTimes = row.settled_as?.startsWith(`${JSON.stringify(times).slice(0, -1)},`) === true;
    const staying = isOfTimes && !isAhead && row.due_at !== null ? new Date(row.due_at) : null;
    const dueAt = row.enabled === 1 ? (staying ?? due) : null;
    const begins = dueAt && runAt(dueAt, { cron, zone, databaseId: database_id, jitterMinutes });
    changed.push({
      ...{ database_id, settled_as },
      due_at: dueAt?.toISOString() ?? null,
      run_at: begins && beginsAt(begins, staying === null ? null : row.run_at, now),
    });
  }
  const known = new Set(rows.map(({ database_id }) => database_id));
  const settled = await db
    .selectFrom('drill_states')
    .select('database_id')
    .where('settled_as', 'is not', null)
    .$if(ids !== undefined, (query) => query.where('database_id', 'in', ids ?? []))
    .execute();
  const gone = settled.filter(({ database_id }) => !known.has(database_id));
  return [...changed, ...gone.map((row) => ({ ...row, settled_as: null, due_at: null, run_at: null }))];
}

/** What many databases share is computed once. */
function memo(now: Date) {
  const known = new Map<string, { cron: ReturnType<typeof parseCron>; due: Date | null }>();
  return (expression: string, zone: string) => {
    const key = `${expression}\n${zone}`;
    const cron = parseCron(expression);
    const found = known.get(key) ?? { cron, due: nextRun(cron, zone, now) };
    known.set(key, found);
    return found;
  };
}
