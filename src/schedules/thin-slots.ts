import { type ExpressionBuilder, sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db, ScheduleSlotRow, Schema, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';

/** Lines are kept one by one for a month at least. */
const KEPT_MS = 31 * 86_400_000;
const AT_ONCE = 100;

/**
 * Makes one line of those of a month of a database of which the same became, once that month is long over: so that years of
 * thousands of schedules stay a few rows for each month. How many slots a line speaks of, and why they did not run, stays.
 */
export async function thinSlots({ db, now }: Context, signal?: AbortSignal): Promise<void> {
  const before = `${new Date(now().getTime() - KEPT_MS).toISOString().slice(0, 7)}-01`;
  const groups = await thickGroups(db, before);
  for (let at = 0; at < groups.length && !signal?.aborted; at += AT_ONCE) {
    await write(db, async (trx) => {
      for (const group of groups.slice(at, at + AT_ONCE)) await merge(trx, group);
    });
  }
}

type Group = Pick<ScheduleSlotRow, 'database_id' | 'outcome' | 'reason'> & { readonly month: string };

/** Those of months before that day which have more than one line. */
async function thickGroups(db: Db, before: string): Promise<readonly Group[]> {
  return db
    .selectFrom('schedule_slots')
    .select(['database_id', 'outcome', 'reason', sql<string>`substr(due_at, 1, 7)`.as('month')])
    .where('due_at', '<', before)
    .where('is_watched', '=', 0)
    .groupBy(['database_id', 'outcome', 'reason', sql`substr(due_at, 1, 7)`])
    .having(sql<boolean>`count(*) > 1`)
    .execute();
}

async function merge(trx: Trx, { database_id: databaseId, outcome, reason, month }: Group): Promise<void> {
  const isOfGroup = (eb: ExpressionBuilder<Schema, 'schedule_slots'>) =>
    eb.and([
      eb('database_id', '=', databaseId),
      eb('due_at', '>=', month),
      // After every instant of the month, by its text.
      eb('due_at', '<', `${month}-32`),
      eb('outcome', '=', outcome),
      eb('reason', reason === null ? 'is' : '=', reason),
      eb('is_watched', '=', 0),
    ]);
  const lines = await trx
    .selectFrom('schedule_slots')
    .select(['id', 'last_due_at', 'slots'])
    .where(isOfGroup)
    .orderBy('due_at')
    .execute();
  const [first, ...rest] = lines;
  if (first === undefined || rest.length === 0) return;
  // Not by their ids: of a schedule that runs each minute there are more than a statement takes.
  await trx.deleteFrom('schedule_slots').where(isOfGroup).where('id', '!=', first.id).execute();
  await trx
    .updateTable('schedule_slots')
    .set({
      last_due_at: lines.map((line) => line.last_due_at).reduce((a, b) => (a > b ? a : b)),
      slots: lines.reduce((sum, line) => sum + line.slots, 0),
      backup_id: null,
      detail: null,
    })
    .where('id', '=', first.id)
    .execute();
}
