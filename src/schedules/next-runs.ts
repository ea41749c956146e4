import type { Db } from '../db/schema.ts';

/** A backup that begins by itself. */
export interface NextRun {
  readonly databaseId: string;
  readonly databaseName: string;
  readonly environmentName: string;
  readonly runAt: string;
}

/** The next of each database of that environment, or (null) of all, the soonest first; at most so many. */
export async function nextRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRun[]> {
  const rows = await db
    .selectFrom('database_schedules')
    .innerJoin('databases', 'databases.id', 'database_schedules.database_id')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'environments.name as environment_name', 'run_at'])
    .where('run_at', 'is not', null)
    .where('due_at', 'is not', null)
    .where('is_paused', '=', 0)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .orderBy('run_at')
    .orderBy('database_id')
    .limit(limit)
    .execute();
  return rows.flatMap(({ id, name, environment_name: environmentName, run_at: runAt }) =>
    runAt === null ? [] : [{ databaseId: id, databaseName: name, environmentName, runAt }],
  );
}
