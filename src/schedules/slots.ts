import type { Db, ScheduleSlotRow, SlotOutcome, SlotReason, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';
import type { Page } from '../page.ts';

/** What became of a slot, or of several after each other. */
export interface Line {
  readonly databaseId: string;
  readonly dueAt: Date;
  readonly lastDueAt: Date;
  readonly slots: number;
  readonly outcome: SlotOutcome;
  readonly reason: SlotReason | null;
  readonly detail: string | null;
  readonly backupId: string | null;
  /** Whether a retry may follow. */
  readonly isWatched: boolean;
}

/**
 * Writes the line. Slots that did not run for the same reason as those before them are added to that line, so that a year of
 * a paused schedule is one row. False where the slot has a line already; then nothing was written.
 */
export async function addLine(trx: Trx, line: Line, now: Date): Promise<boolean> {
  const before = await newestLine(trx, line.databaseId);
  if (before !== undefined && continues(before, line)) {
    await trx
      .updateTable('schedule_slots')
      .set({
        last_due_at: line.lastDueAt.toISOString(),
        slots: before.slots + line.slots,
        decided_at: now.toISOString(),
      })
      .where('id', '=', before.id)
      .execute();
    return true;
  }
  const inserted = await trx
    .insertInto('schedule_slots')
    .values({
      id: newId(),
      database_id: line.databaseId,
      due_at: line.dueAt.toISOString(),
      last_due_at: line.lastDueAt.toISOString(),
      slots: line.slots,
      outcome: line.outcome,
      reason: line.reason,
      detail: line.detail,
      backup_id: line.backupId,
      decided_at: now.toISOString(),
      tries: 1,
      is_watched: line.isWatched ? 1 : 0,
    })
    .onConflict((conflict) => conflict.columns(['database_id', 'due_at']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

function continues(before: ScheduleSlotRow, line: Line): boolean {
  return (
    line.backupId === null &&
    before.backup_id === null &&
    before.outcome === line.outcome &&
    before.reason === line.reason &&
    before.detail === line.detail &&
    before.last_due_at < line.dueAt.toISOString()
  );
}

function newestLine(db: Db | Trx, databaseId: string): Promise<ScheduleSlotRow | undefined> {
  return db
    .selectFrom('schedule_slots')
    .selectAll()
    .where('database_id', '=', databaseId)
    .orderBy('due_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Whether that slot has its line. */
export async function hasLine(trx: Trx, databaseId: string, due: Date): Promise<boolean> {
  const at = due.toISOString();
  const row = await trx
    .selectFrom('schedule_slots')
    .select('last_due_at')
    .where('database_id', '=', databaseId)
    .where('due_at', '<=', at)
    .orderBy('due_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined && row.last_due_at >= at;
}

/** Newest first. */
export async function slotHistory(
  db: Db,
  databaseId: string,
  page: Page,
): Promise<{ readonly slots: readonly ScheduleSlotRow[]; readonly total: number }> {
  const slots = await db
    .selectFrom('schedule_slots')
    .selectAll()
    .where('database_id', '=', databaseId)
    .orderBy('due_at', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const { total } = await db
    .selectFrom('schedule_slots')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('database_id', '=', databaseId)
    .executeTakeFirstOrThrow();
  return { slots, total: Number(total) };
}
