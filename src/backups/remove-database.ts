import { sql } from 'kysely';
import { type Actor, recordAudit } from '../audit/audit.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import { byBytes } from '../db/kind.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { insertLeftoversOf } from '../leftovers/insert-leftover.ts';
import { refuseWhileRestoring, refuseWhileRunning, releaseTombstones } from '../leftovers/tombstones.ts';
import { isOnHost } from '../object-stores/place.ts';
import { cancelWaiting } from '../runs/claim.ts';
import { isNamed } from '../turned-text.ts';
import { countDatabaseGone } from './backup-days.ts';
import type { BackupContext } from './context.ts';

/** What goes with a database, or stays behind without it. */
export interface WhatDepends {
  readonly backups: number;
  /** Completed ones, their bytes, and where they lie: a bucket's name, or null for files on a host. */
  readonly stored: readonly {
    readonly bucket: string | null;
    readonly backups: number;
    readonly bytes: number;
  }[];
  readonly bytes: number;
  readonly pinned: number;
  /** A backup runs: nothing can be deleted before it has ended. */
  readonly isRunning: boolean;
}

/** To be told before a database is deleted. */
export async function whatDependsOn(db: Db | Trx, databaseId: string): Promise<WhatDepends> {
  const { backups, pinned } = await db
    .selectFrom('backups')
    .select(sql<number>`count(*)`.as('backups'))
    .select(({ selectFrom }) =>
      selectFrom('backups as kept')
        .select(sql<number>`count(*)`.as('count'))
        .where('kept.database_id', '=', databaseId)
        // Literals, as in the index.
        .where(sql<boolean>`is_pinned = 1`)
        .where('kept.deleted_at', 'is', null)
        .as('pinned'),
    )
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  const places = await db
    .selectFrom('stored_totals')
    .select(['endpoint', 'bucket', 'backups', 'bytes'])
    .where('database_id', '=', databaseId)
    .orderBy('bucket', byBytes(db))
    .execute();
  const running = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('status', '=', sql.lit('in_progress'))
    .executeTakeFirst();
  const stored = places.map((place) => ({
    bucket: isOnHost(place) ? null : place.bucket,
    backups: Number(place.backups),
    bytes: Number(place.bytes),
  }));
  return {
    backups: Number(backups),
    stored,
    bytes: stored.reduce((sum, { bytes }) => sum + bytes, 0),
    pinned: Number(pinned),
    isRunning: running !== undefined,
  };
}

/** What becomes of the files of its backups: they are removed, or they stay where they are and nobody here knows of them. */
export type FilesOfDatabase = 'delete' | 'keep';

/**
 * Deletes a database with all its backups, in one write: rows, audit, and for each stored file a leftover that is retried until
 * it is gone; or, with `keep`, no leftover for what is whole. Throws `not_found` (also for the second of two who do it at once),
 * `conflict` while a backup runs, `invalid` where the typed name is not the database's.
 */
export async function removeDatabase(
  context: BackupContext,
  actor: Actor,
  databaseId: string,
  { files, typedName }: { readonly files: FilesOfDatabase; readonly typedName?: string },
): Promise<WhatDepends> {
  const now = context.now();
  const gone = await write(context.db, async (trx) => {
    const row = await getDatabaseRow(trx, databaseId);
    if (typedName !== undefined && !isNamed(typedName.trim(), row.name.trim())) {
      throw new AppError('invalid', 'That is not the name of the database. Type it as it stands above.', {
        details: { field: 'name' },
      });
    }
    await refuseWhileRunning(trx, [databaseId]);
    await refuseWhileRestoring(trx, [databaseId]);
    const depends = await whatDependsOn(trx, databaseId);
    await endWaiting(trx, databaseId, now);
    await releaseTombstones(trx, [databaseId], now);
    if (files === 'delete') await insertLeftoversOf(trx, databaseId, now);
    await countDatabaseGone(trx, databaseId, now);
    await trx.deleteFrom('databases').where('id', '=', databaseId).execute();
    const { backups, bytes, stored } = depends;
    const details = { files, backups, bytes, buckets: stored.flatMap(({ bucket }) => bucket ?? []) };
    await recordAudit(trx, actor, auditedDatabase('delete', row, { details }), now);
    return depends;
  });
  context.runs.wake();
  return gone;
}

/** One that waits is claimed by nobody any more. */
async function endWaiting(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const waiting = await trx
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('status', '=', sql.lit('pending'))
    .executeTakeFirst();
  if (waiting === undefined) return;
  const error = JSON.stringify({ message: 'The database was deleted.', step: 'connect', code: 'cancelled' });
  await cancelWaiting(trx, waiting.id, now, error);
}
