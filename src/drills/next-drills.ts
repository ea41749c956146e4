import type { Db } from '../db/schema.ts';
import { databasesIn, type NextRuns, soonestByRule } from '../schedules/next-runs.ts';

/** The next drill of each database of that environment, or (null) of all, the soonest first; at most so many groups. */
export async function nextDrills(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRuns[]> {
  const slots = db
    .selectFrom('drill_states as due')
    .innerJoin('database_schedules as counts', 'counts.database_id', 'due.database_id')
    .select(({ fn }) => [
      ...(['due.due_at', 'counts.schedule_id'] as const),
      fn.countAll<number>().as('count'),
      fn.min('due.run_at').as('begins_at'),
      fn.min('due.database_id').as('database_id'),
    ])
    .where('due.run_at', 'is not', null)
    .where('counts.is_paused', '=', 0)
    .$if(environmentId !== null, (query) =>
      query.where('due.database_id', 'in', databasesIn(db, environmentId)),
    )
    .groupBy(['due.due_at', 'counts.schedule_id']);
  return soonestByRule(db, slots, limit);
}
