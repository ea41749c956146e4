import { type HeldBack, heldBack } from '../backups/held-back.ts';
import type { Db } from '../db/schema.ts';

/** A database that is backed up by itself, and when. */
export interface Scheduled {
  readonly id: string;
  readonly name: string;
  readonly environment_id: string;
  /** Null: the app's own machine. */
  readonly server_id: string | null;
  readonly schedule_id: string;
  readonly rule_name: string | null;
  readonly cron_expression: string;
  readonly jitter_minutes: number;
  readonly time_zone: string;
  readonly is_paused: number;
  /** Why nothing can be stored, whenever it begins. */
  readonly held_back: HeldBack | null;
}

/** Those of that environment or (null) of all; what a schedule says of thousands of databases is read once. */
export async function scheduledDatabases(
  db: Db,
  environmentId: string | null,
): Promise<readonly Scheduled[]> {
  const schedules = await db
    .selectFrom('schedules')
    .select(['id', 'rule_name', 'cron_expression', 'jitter_minutes'])
    .execute();
  const byId = new Map(schedules.map(({ id, ...schedule }) => [id, schedule]));
  const rows = await db
    .selectFrom('database_schedules as when')
    .innerJoin('databases', 'databases.id', 'when.database_id')
    .select(['databases.id', 'databases.name', 'databases.environment_id', 'databases.server_id'])
    .select(['when.time_zone', 'when.is_paused', 'when.schedule_id', heldBack.as('held_back')])
    .where('when.due_at', 'is not', null)
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .execute();
  return rows.flatMap((row) => {
    const schedule = byId.get(row.schedule_id);
    return schedule === undefined ? [] : { ...row, ...schedule };
  });
}

/** One database, or so many (`count`), that have the same times on the same server. */
export interface ScheduledAlike
  extends Pick<Scheduled, 'cron_expression' | 'time_zone' | 'is_paused' | 'held_back' | 'server_id'> {
  readonly count?: number;
}

/** All that are backed up by themselves, counted by their times and servers: thousands of rows less to read. */
export async function scheduledAlike(db: Db): Promise<readonly Required<ScheduledAlike>[]> {
  const rows = await db
    .selectFrom('database_schedules as when')
    .innerJoin('databases', 'databases.id', 'when.database_id')
    .innerJoin('schedules', 'schedules.id', 'when.schedule_id')
    .select(['cron_expression', 'when.time_zone', 'when.is_paused', 'databases.server_id'])
    .select(heldBack.as('held_back'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('when.due_at', 'is not', null)
    .groupBy(['cron_expression', 'when.time_zone', 'when.is_paused', 'databases.server_id'])
    .groupBy(heldBack)
    .execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}
