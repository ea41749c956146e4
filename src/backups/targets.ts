import { untilWritten } from '../db/until-written.ts';
import { dayOf } from './days.ts';
import { GRACE_HOURS } from './protection.ts';

/** How old backups may be, over many databases. */
export interface Targets {
  /** Databases that no schedule backs up. */
  readonly unscheduled: number;
  /** Of the databases that there were on that day, the least age in hours that a backup of one may have; null where there were none. */
  readonly leastOn: (day: string) => number | null;
}

/**
 * Of that environment, or (null) of all: one pass over its databases, as they are now; what their schedules were before nobody knows.
 * One that is paused is never due.
 */
export const targetsIn = untilWritten(async (db, environmentId: string | null): Promise<Targets> => {
  const rows = await db
    .selectFrom('databases')
    .leftJoin('database_schedules as when', (join) =>
      join.onRef('when.database_id', '=', 'databases.id').on('when.due_at', 'is not', null),
    )
    .select(['when.interval_minutes', 'when.is_paused', 'databases.max_backup_age_hours'])
    .select(({ fn }) => [
      fn.min<string>('databases.created_at').as('since'),
      fn.countAll<number>().as('count'),
    ])
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .groupBy(['when.interval_minutes', 'when.is_paused', 'databases.max_backup_age_hours'])
    .execute();
  const targets = rows
    .filter((row) => row.is_paused !== 1)
    .map((row) => ({
      since: dayOf(new Date(row.since)),
      hours:
        row.interval_minutes === null ? row.max_backup_age_hours : row.interval_minutes / 60 + GRACE_HOURS,
    }));
  return {
    unscheduled: rows
      .filter((row) => row.interval_minutes === null)
      .reduce((sum, row) => sum + Number(row.count), 0),
    leastOn(day) {
      const hours = targets.filter(({ since }) => since <= day).map((target) => target.hours);
      return hours.length === 0 ? null : Math.min(...hours);
    },
  };
});
