import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { Log } from '../log.ts';
import { recountDays } from './backup-days.ts';
import { findNewest, recordNewest } from './newest-backups.ts';
import { recountStored } from './stored-totals.ts';

/** Databases that are counted in one piece: of a hundred backups each, a millisecond or two. */
const IN_ONE_PIECE = 50;

/**
 * Counts those databases anew whose backups are not what the totals, the days and the newest ones tell, and logs them: it should
 * not happen. Reads an index from end to end, so not for every request, and in pieces between which requests have their turn
 * and `signal` may end it. Gives how many.
 */
export async function repairCounts(
  { db, log, now }: { readonly db: Db; readonly log: Log; readonly now: () => Date },
  signal?: AbortSignal,
): Promise<number> {
  let repaired = 0;
  let piece = await compare(db, '');
  while (piece.length > 0) {
    for (const row of piece) {
      if (await isTrue(db, row, now())) continue;
      await write(db, async (trx) => {
        await recountStored(trx, row.id);
        await recountDays(trx, row.id);
        await recordNewest(trx, row.id, now());
      });
      log.warn('the totals of a database did not fit its backups and were counted anew', {
        databaseId: row.id,
      });
      repaired += 1;
      await othersTurn();
      if (signal?.aborted) return repaired;
    }
    await othersTurn();
    if (signal?.aborted) return repaired;
    piece = await compare(db, piece.at(-1)?.id ?? '');
  }
  return repaired;
}

const othersTurn = () => new Promise((resolve) => setTimeout(resolve));

type Row = Awaited<ReturnType<typeof compare>>[number];

async function isTrue(db: Db, row: Row, now: Date): Promise<boolean> {
  const counted = Number(row.counted);
  if (counted !== Number(row.told) || counted !== Number(row.kept)) return false;
  // Written while the clock was ahead, it is told as it was then until one more ends.
  return (await isNewest(db, row, now)) || (await isNewest(db, row, LAST_DAY));
}

const LAST_DAY = new Date('9999-12-31T00:00:00.000Z');

async function isNewest(db: Db, row: Row, now: Date): Promise<boolean> {
  const newest = await findNewest(db, row.id, now);
  return (
    (newest?.good_id ?? null) === row.good_id &&
    (newest?.ended_id ?? null) === row.ended_id &&
    sizeOf(newest) === sizeOf(row)
  );
}

/** As numbers: drivers give big ones as texts. */
function sizeOf(row: { readonly good_size: number | string | bigint | null } | undefined): number | null {
  return row === undefined || row.good_size === null ? null : Number(row.good_size);
}

/** Of the databases after that id: how many backups there are, and what is told of them. */
function compare(db: Db, afterId: string) {
  return db
    .selectFrom('databases')
    .leftJoin('newest_backups', 'newest_backups.database_id', 'databases.id')
    .select(['databases.id', 'newest_backups.good_id', 'newest_backups.ended_id', 'newest_backups.good_size'])
    .select(({ selectFrom }) => [
      selectFrom('backups')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('backups.database_id', '=', 'databases.id')
        // A literal, as in the index: a parameter could be any status.
        .where('backups.status', '=', sql.lit('completed'))
        .where('backups.deleted_at', 'is', null)
        .as('counted'),
      selectFrom('stored_totals')
        .select(sql<number>`coalesce(sum(stored_totals.backups), 0)`.as('sum'))
        .whereRef('stored_totals.database_id', '=', 'databases.id')
        .as('told'),
      selectFrom('backup_days')
        .select(sql<number>`coalesce(sum(backup_days.kept), 0)`.as('sum'))
        .whereRef('backup_days.database_id', '=', 'databases.id')
        .as('kept'),
    ])
    .where('databases.id', '>', afterId)
    .orderBy('databases.id')
    .limit(IN_ONE_PIECE)
    .execute();
}
