import * as z from 'zod';
import type { Context } from '../db/context.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { recordEvent } from '../events/events.ts';
import { readTimeZone } from '../settings/settings.ts';
import { type BytesByPlace, bytesByPlace } from './places.ts';
import { isReportDue, reportWeekAt } from './week.ts';
import { makeWeeklyReport } from './weekly-report.ts';

/** Whether the report of this week is to be told, or nobody has noted yet from when on there are any. */
export async function hasWeeklyReport(context: Context): Promise<boolean> {
  return (await dueWeek(context)) !== null;
}

/**
 * Tells how things stand, once each week, from Monday at eight by the installation's clock; later where the app was not running then. A new
 * installation's first one comes on its next Monday. Whoever does it at the same time finds it done.
 */
export async function tellWeeklyReport(context: Context): Promise<void> {
  const { db, now } = context;
  const due = await dueWeek(context);
  if (due === null) return;
  const last = await lastReport(db);
  const made = last === null ? null : await makeWeeklyReport(context, last);
  const places = made?.places ?? (await bytesByPlace(db));
  await write(db, async (trx) => {
    const at = now();
    const before = await lastReport(trx);
    if (before !== null && !isReportDue(due, before.week)) return;
    // Of a clock that was set back since.
    await trx.deleteFrom('weekly_reports').where('week', '>', due).execute();
    const noted = await trx
      .insertInto('weekly_reports')
      .values({ week: due, places: JSON.stringify(places), created_at: at.toISOString() })
      .onConflict((conflict) => conflict.column('week').doNothing())
      .returning('week')
      .executeTakeFirst();
    if (noted === undefined) return;
    await forgetOld(trx);
    if (made === null) return;
    const data = { week: due, report: made.report };
    await recordEvent(trx, { type: 'report.weekly', databaseId: null, environmentId: null, data }, at);
  });
}

async function dueWeek({ db, now }: Context): Promise<string | null> {
  const week = reportWeekAt(now(), await readTimeZone(db));
  const last = await lastReport(db);
  return last === null || isReportDue(week, last.week) ? week : null;
}

const bytes = z.record(z.string(), z.number());

/** The newest that was told, or noted; null: none. */
export async function lastReport(
  db: Db | Trx,
): Promise<{ readonly week: string; readonly at: string; readonly places: BytesByPlace } | null> {
  const row = await db
    .selectFrom('weekly_reports')
    .selectAll()
    .orderBy('week', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  return { week: row.week, at: row.created_at, places: bytes.parse(JSON.parse(row.places)) };
}

const MOST_KEPT = 100;

/** By their number and not by their time: what a clock told that was ahead makes none of them old. */
async function forgetOld(trx: Trx): Promise<void> {
  const beyond = trx
    .selectFrom('weekly_reports')
    .select('week')
    .orderBy('week', 'desc')
    .limit(1)
    .offset(MOST_KEPT);
  await trx.deleteFrom('weekly_reports').where('week', '<=', beyond).execute();
}
