import type { Db } from '../db/schema.ts';
import { untilWritten } from '../db/until-written.ts';
import { databasesIn, type NextRuns, toNextRuns } from '../schedules/next-runs.ts';

/** The next drill of each database of that environment, or (null) of all, the soonest first; at most so many groups. */
export const nextDrills = untilWritten(readNextDrills);

async function readNextDrills(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRuns[]> {
  const rows = await db
    .selectFrom('drill_states as due')
    .innerJoin('database_schedules as counts', 'counts.database_id', 'due.database_id')
    .leftJoin('schedules', 'schedules.id', 'counts.schedule_id')
    .select(({ fn }) => [
      'schedules.rule_name',
      fn.countAll<number>().as('count'),
      fn.min('due.run_at').as('begins_at'),
      fn.min('counts.schedule_id').as('schedule_id'),
      fn.min('due.database_id').as('database_id'),
    ])
    .where('due.run_at', 'is not', null)
    .where('counts.is_paused', '=', 0)
    .$if(environmentId !== null, (query) =>
      query.where('due.database_id', 'in', databasesIn(db, environmentId)),
    )
    .groupBy(['due.due_at', 'schedules.rule_name'])
    .orderBy('begins_at')
    .orderBy('database_id')
    .limit(limit)
    .execute();
  return rows.flatMap(toNextRuns);
}
