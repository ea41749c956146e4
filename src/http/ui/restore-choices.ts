import type { RestoreChoices } from '../../../views/restore/which-backup.tsx';
import { dayOf, daysUntil, weekdayOf } from '../../backups/days.ts';
import { backupsToRestore } from '../../restores/backups-to-restore.ts';
import type { Services } from '../../services-port.ts';

/** More are no list to choose from; the page of the database has them all. */
const MOST = 1000;
const LISTED = 100;
const WEEKS = 26;
const DAYS_A_WEEK = 7;

/** The backups of a database that a restore can be of: the newest by name, and those of half a year by their days. */
export async function restoreChoices(
  { db, now }: Pick<Services, 'db' | 'now'>,
  databaseId: string,
): Promise<RestoreChoices> {
  const backups = await backupsToRestore(db, databaseId, MOST);
  const today = dayOf(now());
  const byDay = Map.groupBy(backups, ({ createdAt }) => createdAt.slice(0, 10));
  // Whole weeks, of which the last one is not over.
  const days = daysUntil(today, (WEEKS - 1) * DAYS_A_WEEK + weekdayOf(today) + 1);
  return {
    listed: backups.slice(0, LISTED),
    days: days.map((day) => {
      const of = byDay.get(day) ?? [];
      return { day, good: of.length, failed: 0, state: of.length === 0 ? 'none' : 'good' };
    }),
    newestOf: new Map([...byDay].flatMap(([day, [newest]]) => (newest ? [[day, newest.id] as const] : []))),
  };
}
