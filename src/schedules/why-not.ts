import type { Db, SlotReason } from '../db/schema.ts';

/** What the schedule of a database tells of why no backup came. */
export interface ScheduleStand {
  /** Why somebody paused it; null where it is not paused. */
  readonly pausedReason: string | null;
  /** What became of the last time that has come; null where none has. */
  readonly lastTime: {
    readonly at: string;
    /** Null where a backup began. */
    readonly reason: SlotReason | null;
    readonly detail: string | null;
  } | null;
}

/** Of these databases, by id; one that no schedule backs up is left out. */
export async function scheduleStands(
  db: Db,
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, ScheduleStand>> {
  if (databaseIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('database_schedules as when')
    .leftJoin('schedules', 'schedules.id', 'when.schedule_id')
    .leftJoin('schedule_slots as slot', (join) =>
      join.onRef('slot.database_id', '=', 'when.database_id').on('slot.due_at', '=', (eb) =>
        eb
          .selectFrom('schedule_slots as newest')
          .select(({ fn }) => fn.max<string>('newest.due_at').as('due_at'))
          .whereRef('newest.database_id', '=', 'when.database_id'),
      ),
    )
    .select(['when.database_id', 'when.is_paused', 'schedules.paused_reason'])
    .select(['slot.last_due_at', 'slot.reason', 'slot.detail', 'slot.backup_id'])
    .where('when.database_id', 'in', [...databaseIds])
    .where('when.due_at', 'is not', null)
    .execute();
  return new Map(
    rows.map((row) => [
      row.database_id,
      {
        pausedReason: row.is_paused === 1 ? (row.paused_reason ?? '') : null,
        lastTime:
          row.last_due_at === null
            ? null
            : {
                at: row.last_due_at,
                reason: row.backup_id === null ? row.reason : null,
                detail: row.detail,
              },
      },
    ]),
  );
}
