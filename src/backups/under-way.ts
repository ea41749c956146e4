import { sql } from 'kysely';
import { builtOnce } from '../db/built-once.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { ProtectionFacts } from './protection.ts';

/** Good backups of which the longest counts. */
const LOOKED_AT = 10;

/**
 * The backups that are being made at this moment, by the id of the database: claimed, and by a process that renews its claim. One that
 * waits for its turn, or that is repaired, is none. As many rows as runs may go on at once. To be read before what is known of the
 * databases: one that ends in between has left its good backup there.
 */
export async function backupsUnderWay(
  db: Db | Trx,
  now: Date,
): Promise<ReadonlyMap<string, ProtectionFacts['underWay']>> {
  const rows = await running(db).where('runs.lease_until', '>', now.toISOString()).execute();
  return new Map(
    rows.map(({ database_id: databaseId, id, started_at: at, longest, last }) => [
      databaseId,
      at === null ? null : { id, at, longestSeconds: longest, lastSeconds: last },
    ]),
  );
}

const running = builtOnce((db) =>
  db
    .selectFrom('runs')
    .innerJoin('backups', 'backups.id', 'runs.id')
    .leftJoin('newest_backups as newest', 'newest.database_id', 'backups.database_id')
    .leftJoin('backups as good', 'good.id', 'newest.good_id')
    .select(['runs.id', 'runs.started_at', 'backups.database_id', 'good.duration as last'])
    .select(
      // The literals are those of the index.
      sql<number | null>`(select max(one.duration) from (
        select completed.duration from backups as completed
        where completed.database_id = backups.database_id
          and completed.status = 'completed' and completed.deleted_at is null
        order by completed.created_at desc, completed.id desc limit ${sql.lit(LOOKED_AT)}) as one)`.as(
        'longest',
      ),
    )
    .where('runs.state', '=', sql.lit('running'))
    .where('runs.kind', '=', sql.lit('backup'))
    .where('runs.in_repair', '=', 0),
);
