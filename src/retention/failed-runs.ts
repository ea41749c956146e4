import { sql } from 'kysely';
import { countOut } from '../backups/count-backup.ts';
import type { Trx } from '../db/schema.ts';

const DAY_MS = 86_400_000;
/** Looked at in one transaction. */
const AT_ONCE = 500;

/**
 * Removes the rows of runs of a database that ended without a backup and are older than so many days: none has an object. What
 * explains the present state stays: while no newer good one is there, the newest and the first of those that failed since the
 * last good one; so do pinned ones, and what may still turn out to be a backup. Gives how many.
 */
export async function removeFailedRuns(
  trx: Trx,
  databaseId: string,
  { days, now }: { readonly days: number; readonly now: Date },
): Promise<number> {
  const before = new Date(now.getTime() - days * DAY_MS).toISOString();
  const failed = await trx
    .selectFrom('backups')
    .select(['id', 'database_id', 'status', 'created_at', 'completed_at'])
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .where('status', '=', sql.lit('failed'))
    .where('outcome', 'in', ['failed', 'cancelled', 'interrupted'])
    .where('is_pinned', '=', 0)
    .where('created_at', '<', before)
    .where('id', 'not in', (eb) =>
      eb
        .selectFrom('backup_objects')
        .innerJoin('backups as with_object', 'with_object.id', 'backup_objects.backup_id')
        .select('backup_objects.backup_id')
        .where('with_object.database_id', '=', databaseId)
        .where('with_object.status', '=', sql.lit('failed')),
    )
    .orderBy('created_at')
    .limit(AT_ONCE)
    .execute();
  if (failed.length === 0) return 0;
  const explaining = await explains(trx, databaseId);
  const old = failed.filter(
    // A run may take days: what counts is when it ended.
    ({ id, completed_at: endedAt }) => !explaining.has(id) && (endedAt ?? '') < before,
  );
  for (const backup of old) {
    await trx.deleteFrom('backups').where('id', '=', backup.id).execute();
    await countOut(trx, backup, now);
  }
  return old.length;
}

/** The first and the newest that failed since the last good one. */
async function explains(trx: Trx, databaseId: string): Promise<ReadonlySet<string>> {
  const good = await trx
    .selectFrom('backups')
    .select('created_at')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .where('status', '=', sql.lit('completed'))
    .where((eb) => eb.or([eb('verification', 'is', null), eb('verification', '!=', 'failed')]))
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const since = trx
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .where(sql<boolean>`outcome in ('failed', 'interrupted')`)
    .where('created_at', '>', good?.created_at ?? '')
    .limit(1);
  const first = await since.orderBy('created_at').orderBy('id').executeTakeFirst();
  const newest = await since.orderBy('created_at', 'desc').orderBy('id', 'desc').executeTakeFirst();
  return new Set([first, newest].flatMap((row) => row?.id ?? []));
}
