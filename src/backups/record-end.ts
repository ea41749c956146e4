import type { Trx } from '../db/schema.ts';
import { recordEvent } from '../events/events.ts';
import { sizeChange } from './size-changes.ts';
import type { BackupError } from './step-error.ts';

interface Ended {
  readonly id: string;
  readonly database_id: string;
}

/** Less than half, or more than twice, what is usual is worth telling people of; lists show also what is less than that. */
const FEWER = -0.5;
const MORE = 1;

/** The event of a backup that is there, in the transaction that writes so; after its database was counted anew. */
export async function recordCompleted(trx: Trx, backup: Ended, bytes: number, now: Date): Promise<void> {
  const database = await databaseOf(trx, backup);
  const usual = database.good_id === backup.id ? database.usual_size : null;
  const change = sizeChange(bytes, usual === null ? null : Number(usual));
  const isFar = change !== null && (change <= FEWER || change >= MORE);
  const data = { backupId: backup.id, bytes, sizeChange: isFar ? change : null };
  await recordEvent(
    trx,
    {
      type: 'backup.completed',
      ...eventOf(backup, database),
      data: { databaseName: database.name, ...data },
    },
    now,
  );
}

/** The event of one that ended without a backup, by itself. */
export async function recordFailed(
  trx: Trx,
  backup: Ended,
  { step, message }: Pick<BackupError, 'step' | 'message'>,
  now: Date,
): Promise<void> {
  const database = await databaseOf(trx, backup);
  const data = { databaseName: database.name, backupId: backup.id, step, error: message };
  await recordEvent(trx, { type: 'backup.failed', ...eventOf(backup, database), data }, now);
}

function databaseOf(trx: Trx, { database_id: id }: Ended) {
  return trx
    .selectFrom('databases')
    .leftJoin('newest_backups', 'newest_backups.database_id', 'databases.id')
    .select(['databases.name', 'databases.environment_id', 'good_id', 'usual_size'])
    .where('databases.id', '=', id)
    .executeTakeFirstOrThrow();
}

function eventOf(
  { database_id: databaseId }: Ended,
  { environment_id: environmentId }: { environment_id: string },
) {
  return { databaseId, environmentId };
}
