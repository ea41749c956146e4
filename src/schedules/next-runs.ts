import type { AliasableExpression } from 'kysely';
import type { Db } from '../db/schema.ts';

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
export async function nextRuns(
  db: Db,
  environmentId: string | null,
  limit: number,
): Promise<readonly NextRuns[]> {
  const slots = db
    .selectFrom('database_schedules')
    .select(({ fn }) => [
      ...(['due_at', 'schedule_id'] as const),
      fn.countAll<number>().as('count'),
      fn.min('run_at').as('begins_at'),
      fn.min('database_id').as('database_id'),
    ])
    .where('run_at', 'is not', null)
    .where('due_at', 'is not', null)
    .where('is_paused', '=', 0)
    .$if(environmentId !== null, (query) => query.where('database_id', 'in', databasesIn(db, environmentId)))
    .groupBy(['due_at', 'schedule_id']);
  return soonestByRule(db, slots, limit);
}

export function databasesIn(db: Db, environmentId: string | null) {
  return db
    .selectFrom('databases')
    .select('databases.id')
    .where('databases.environment_id', '=', environmentId ?? '');
}

/** What is due at one time by one schedule. */
interface Slot {
  readonly due_at: string | null;
  readonly schedule_id: string;
  readonly count: number;
  readonly begins_at: string | null;
  readonly database_id: string;
}

/** Of the thousands that one rule counts for, its name is looked for once. */
export async function soonestByRule(
  db: Db,
  slots: AliasableExpression<Slot>,
  limit: number,
): Promise<readonly NextRuns[]> {
  const rows = await db
    .selectFrom(slots.as('slot'))
    .leftJoin('schedules', 'schedules.id', 'slot.schedule_id')
    .select(({ fn }) => [
      'schedules.rule_name',
      fn.sum<number>('slot.count').as('count'),
      fn.min('slot.begins_at').as('begins_at'),
      fn.min('slot.schedule_id').as('schedule_id'),
      fn.min('slot.database_id').as('database_id'),
    ])
    .groupBy(['slot.due_at', 'schedules.rule_name'])
    .orderBy('begins_at')
    .orderBy('database_id')
    .limit(limit)
    .execute();
  return rows.flatMap(({ begins_at: runAt, count, rule_name: name, ...one }) => {
    if (runAt === null) return [];
    const rule = name === null ? null : { id: one.schedule_id, name };
    return [{ runAt, count: Number(count), databaseId: one.database_id, rule }];
  });
}
