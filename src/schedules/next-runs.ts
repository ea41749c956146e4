import { type HeldBack, heldBackById } from '../backups/held-back.ts';
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
  /** Why nothing of them can be stored at that time, as it is set now. */
  readonly heldBack: HeldBack | null;
}

/** The next backup of each database of that environment, or (null) of all, the soonest first; at most so many groups. */
export const nextRuns = untilWritten(readNextRuns);

async function readNextRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRuns[]> {
  // Told of each before they are grouped: told of a group it would be asked for twice.
  const due = db
    .selectFrom('database_schedules as each')
    .select([
      'due_at',
      'run_at',
      'schedule_id',
      'database_id',
      heldBackById('each.database_id').as('held_back'),
    ])
    .where('run_at', 'is not', null)
    .where('due_at', 'is not', null)
    .where('is_paused', '=', 0)
    .$if(environmentId !== null, (query) => query.where('database_id', 'in', databasesIn(db, environmentId)));
  const rows = await db
    .selectFrom(due.as('due'))
    .leftJoin('schedules', 'schedules.id', 'due.schedule_id')
    .select(({ fn }) => [
      'schedules.rule_name',
      'due.held_back',
      fn.countAll<number>().as('count'),
      fn.min('due.run_at').as('begins_at'),
      fn.min('due.schedule_id').as('schedule_id'),
      fn.min('due.database_id').as('database_id'),
    ])
    .groupBy(['due.due_at', 'schedules.rule_name', 'due.held_back'])
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
  readonly held_back?: HeldBack | null;
}): readonly NextRuns[] {
  if (row.begins_at === null) return [];
  const rule = row.rule_name === null ? null : { id: row.schedule_id, name: row.rule_name };
  const { begins_at: runAt, database_id: databaseId, held_back: why = null } = row;
  return [{ runAt, count: Number(row.count), databaseId, rule, heldBack: why }];
}
