import type { Trx } from '../db/schema.ts';
import { countDeleted, countEnded, countShownAgain } from './backup-days.ts';
import { recordNewest } from './newest-backups.ts';
import { addToTotals, takeFromTotals } from './stored-totals.ts';

/** What is counted of backups: the totals, the days and the newest ones. Nothing else writes those tables, but their repair. */

/** To be called once, in the transaction in which a backup that people can see ends, well or not, after its row says so. */
export async function countIn(
  trx: Trx,
  backup: { readonly id: string; readonly database_id: string; readonly status: string },
  now: Date,
): Promise<void> {
  if (backup.status === 'completed') await addToTotals(trx, backup.id);
  await countEnded(trx, backup.id);
  await recordNewest(trx, backup.database_id, now);
}

/** To be called once, in the transaction in which a backup that people could see ceases to be seen, after its row says so. */
export async function countOut(
  trx: Trx,
  backup: { readonly id: string; readonly database_id: string; readonly status: string },
  now: Date,
): Promise<void> {
  if (backup.status === 'completed') await takeFromTotals(trx, backup.id);
  await countDeleted(trx, [backup.id], now);
  await recordNewest(trx, backup.database_id, now);
}

/** To be called once, in the transaction in which a completed backup that had ceased to be seen is seen again. */
export async function countBackIn(
  trx: Trx,
  backup: { readonly id: string; readonly database_id: string },
  deletedAt: string,
  now: Date,
): Promise<void> {
  await addToTotals(trx, backup.id);
  await countShownAgain(trx, backup.id, deletedAt);
  await recordNewest(trx, backup.database_id, now);
}
