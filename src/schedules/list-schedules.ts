import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Page } from '../page.ts';
import { type EffectiveSchedule, effectiveSchedules } from './schedules.ts';

/** A database with the schedule that counts for it. */
export interface ListedSchedule extends EffectiveSchedule {
  readonly databaseName: string;
  readonly environmentId: string;
}

/** Of that environment or (null) of all: every database that has one, by name. */
export async function listSchedules(
  { db, now }: Context,
  environmentId: string | null,
  page: Page,
): Promise<{ readonly schedules: readonly ListedSchedule[]; readonly total: number }> {
  const scheduled = db
    .selectFrom('database_schedules')
    .innerJoin('databases', 'databases.id', 'database_schedules.database_id')
    .$if(environmentId !== null, (query) =>
      query.where('databases.environment_id', '=', environmentId ?? ''),
    );
  const rows = await scheduled
    .select(['databases.id', 'databases.name', 'databases.environment_id'])
    .orderBy('databases.name', byBytes(db))
    .orderBy('databases.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const { total } = await scheduled
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const found = await effectiveSchedules(
    db,
    now(),
    rows.map(({ id }) => id),
  );
  const schedules = rows.flatMap(({ id, name, environment_id: of }) => {
    const schedule = found.get(id);
    return schedule === undefined ? [] : [{ ...schedule, databaseName: name, environmentId: of }];
  });
  return { schedules, total: Number(total) };
}
