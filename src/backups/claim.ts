import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';

/** Which run speaks: whatever it writes is written only while the row is still that run's. */
export interface RunClaim {
  readonly backupId: string;
  readonly claimedBy: string;
}

/**
 * Renews the claims of one process on these backups. Gives the ids that are no longer its own: settled, removed, or taken
 * over by another process, which this one's run must not go on beside.
 */
export async function renewClaims(
  db: Db,
  claimedBy: string,
  backupIds: readonly string[],
  leaseUntil: string,
): Promise<readonly string[]> {
  if (backupIds.length === 0) return [];
  const renewed = await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ lease_until: leaseUntil })
      .where('id', 'in', backupIds)
      .where('claimed_by', '=', claimedBy)
      .returning('id')
      .execute(),
  );
  const own = new Set(renewed.map(({ id }) => id));
  return backupIds.filter((id) => !own.has(id));
}

/** Gives an unfinished run to reconcile at once: its lease ends now, its outcome stays open. */
export async function releaseClaim(db: Db, claim: RunClaim, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ lease_until: now.toISOString() })
      .where('id', '=', claim.backupId)
      .where('claimed_by', '=', claim.claimedBy)
      .where('status', '=', 'in_progress')
      .execute(),
  );
}

/** The times of the claimed row; undefined where it is no longer this run's. */
export async function claimedRow(
  trx: Trx,
  claim: RunClaim,
): Promise<{ started_at: string | null; completed_at: string | null } | undefined> {
  return trx
    .selectFrom('backups')
    .select(['started_at', 'completed_at'])
    .where('id', '=', claim.backupId)
    .where('claimed_by', '=', claim.claimedBy)
    .executeTakeFirst();
}

/** Throws `superseded` where the row is no longer this run's. */
export async function requireClaim(trx: Trx, claim: RunClaim): Promise<void> {
  if ((await claimedRow(trx, claim)) === undefined) throw superseded();
}

/**
 * Ends a run whose row is another's or gone. Its outcome is nobody's to read: what became of the backup is decided by the
 * one who has it now, so that nothing that may be the backup is removed.
 */
export function superseded(): AppError {
  return new AppError(
    'superseded',
    'This run no longer owns its backup: another process took it over, or its row was removed. What it had begun is cleaned up.',
  );
}
