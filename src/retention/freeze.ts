import type { Db, Trx } from '../db/schema.ts';
import type { Shrink } from './shrink.ts';
import type { Vanished } from './vanished.ts';

/** Why the newest good backups may have lost data. */
export type Loss = Shrink | Vanished;

/** Pruning of a database stands still. Backing up goes on. */
export interface Freeze {
  readonly since: string;
  /** In words. */
  readonly reason: string;
  /** The backup that it is about. */
  readonly backupId: string | null;
}

export interface FreezeState {
  /** Null while pruning goes on. */
  readonly freeze: Freeze | null;
  /** Backups before that instant are no measure of how large a backup should be: a person said so. */
  readonly acceptedThrough: string | null;
}

export async function freezeOf(db: Db | Trx, databaseId: string): Promise<FreezeState> {
  const row = await db
    .selectFrom('retention_freezes')
    .selectAll()
    .where('database_id', '=', databaseId)
    .executeTakeFirst();
  if (row === undefined) return { freeze: null, acceptedThrough: null };
  const { frozen_at: since, reason, backup_id: backupId, accepted_through: acceptedThrough } = row;
  return { freeze: since === null ? null : { since, reason: reason ?? '', backupId }, acceptedThrough };
}

/** Stops the pruning of a database until a person accepts what its backups no longer have. */
export async function freeze(trx: Trx, databaseId: string, loss: Loss, now: Date): Promise<Freeze> {
  const frozen = frozenBy(loss, now);
  const values = { frozen_at: frozen.since, reason: frozen.reason, backup_id: frozen.backupId };
  await trx
    .insertInto('retention_freezes')
    .values({ database_id: databaseId, ...values })
    .onConflict((conflict) => conflict.column('database_id').doUpdateSet(values))
    .execute();
  return frozen;
}

/** Lets pruning go on, with that backup and what is newer as the measure from now on. */
export async function thaw(
  trx: Trx,
  databaseId: string,
  { through, userId }: { readonly through: string | null; readonly userId: string | null },
  now: Date,
): Promise<void> {
  await trx
    .updateTable('retention_freezes')
    .set({
      ...{ frozen_at: null, reason: null, backup_id: null },
      ...{ accepted_at: now.toISOString(), accepted_by_id: userId, accepted_through: through },
    })
    .where('database_id', '=', databaseId)
    .execute();
}

/** What it says when pruning stops. */
export function frozenBy(loss: Loss, now: Date): Freeze {
  return { since: now.toISOString(), reason: reasonOf(loss), backupId: loss.backupId };
}

/** Why pruning stops, and what to do. */
function reasonOf(loss: Loss): string {
  return 'count' in loss ? reasonOfVanished(loss) : reasonOfShrink(loss);
}

function reasonOfVanished({ createdAt, count, firstNames }: Vanished): string {
  const day = dayOf(createdAt);
  const names = firstNames.join(', ');
  if (count === 1) {
    return `The table ${names} is not in the backup of ${day}, and was in each of the three before it. ${STOPPED}: see whether it was dropped on purpose, then accept it.`;
  }
  const more = count > firstNames.length ? ` and ${count - firstNames.length} more` : '';
  return `${count} tables are not in the backup of ${day}, and were in each of the three before it: ${names}${more}. ${STOPPED}: see whether they were dropped on purpose, then accept it.`;
}

const STOPPED = 'Nothing of this database is pruned until somebody has looked';

function reasonOfShrink({ createdAt, bytes, usualBytes }: Shrink): string {
  const day = dayOf(createdAt);
  const percent = Math.round(100 * (1 - bytes / usualBytes));
  return `The backup of ${day} has ${sizeText(bytes)}, ${percent} % less than the ${sizeText(usualBytes)} of those before it. ${STOPPED}: see whether all its tables are there, then accept the new size.`;
}

const dayOf = (instant: string) => `${instant.slice(0, 16).replace('T', ' ')} UTC`;

function sizeText(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 1024)} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
