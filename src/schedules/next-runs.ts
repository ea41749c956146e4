import type { Db } from '../db/schema.ts';
import { untilWritten } from '../db/until-written.ts';

/** What begins together by itself: all whose slot is at one time, by one rule, or by schedules of databases' own. */
export interface NextRuns {
  /** When the first of them begins: a rule may spread them. */
  readonly runAt: string;
  readonly count: number;
  /** One of them. */
  readonly databaseId: string;
  /** Null: by schedules of their own. */
  readonly rule: { readonly id: string; readonly name: string } | null;
}

/** The next backup of each database of that environment, or (null) of all, the soonest first; at most so many groups. */
export const nextRuns = untilWritten(readNextRuns);

async function readNextRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRuns[]> {
  const rows = await db
    .selectFrom('database_schedules as due')
    .leftJoin('schedules', 'schedules.id', 'due.schedule_id')
    .select(({ fn }) => [
      'schedules.rule_name',
      fn.countAll<number>().as('count'),
      fn.min('due.run_at').as('begins_at'),
      fn.min('due.schedule_id').as('schedule_id'),
      fn.min('due.database_id').as('database_id'),
    ])
    .where('due.run_at', 'is not', null)
    .where('due.due_at', 'is not', null)
    .where('due.is_paused', '=', 0)
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

export function databasesIn(db: Db, environmentId: string | null) {
  return db
    .selectFrom('databases')
    .select('databases.id')
    .where('databases.environment_id', '=', environmentId ?? '');
}

/** A row of such a query; none where it has no time. */
export function toNextRuns(row: {
  readonly begins_at: string | null;
  readonly count: number;
  readonly database_id: string;
  readonly schedule_id: string;
  readonly rule_name: string | null;
}): readonly NextRuns[] {
  if (row.begins_at === null) return [];
  const rule = row.rule_name === null ? null : { id: row.schedule_id, name: row.rule_name };
  return [{ runAt: row.begins_at, count: Number(row.count), databaseId: row.database_id, rule }];
}
