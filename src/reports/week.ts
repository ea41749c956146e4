import { dayAfter, weekdayOf } from '../backups/days.ts';
import { clockOf } from '../time-zone.ts';

/** By the clock of the installation's zone. */
const REPORT_HOUR = 8;

/** The Monday whose report is the last that is due, as `2026-02-23`: from eight in the morning on, by the clock of that zone. */
export function reportWeekAt(at: Date, timeZone: string): string {
  const { day, hour } = clockOf(at, timeZone);
  const sinceMonday = weekdayOf(day);
  return dayAfter(day, sinceMonday === 0 && hour < REPORT_HOUR ? -7 : -sinceMonday);
}

/**
 * Whether the report of `week` is to be told, where `last` is the newest that was. One that lies further ahead than the next was told by a
 * clock that has been set back since: it counts for nothing.
 */
export function isReportDue(week: string, last: string): boolean {
  return last < week || last > dayAfter(week, 7);
}
