import { auditEntry, recordAudit } from '../audit/audit.ts';
import type { UserActor } from '../auth/users.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { DropOutcome } from '../engines/drop.ts';
import { AppError } from '../errors.ts';
import type { TargetContext } from './context.ts';
import { type DropInput, dropOnHost, isBackupWhole, refuseRole, requireConfirmed } from './drop-on-host.ts';
import { markDropped, markTakenBack } from './in-place.ts';
import { loadOptionsOf } from './load-options.ts';
import { loadRestore } from './restores.ts';
import { replacedIdOf } from './swap.ts';
import { refuseTaken } from './taken-since.ts';

/**
 * Drops what a restore in place has replaced: the very one, by what was recorded of it. `taken-back`: it has its place again by whoever
 * went back, so that nothing was dropped and nothing is kept any more. Throws `not_found`; `conflict` where nothing is kept, what has that
 * name is something else or registered as a database, or somebody may use it; `forbidden` to all but admins where its database is gone;
 * `invalid` where the name is not confirmed, or it is there, the only copy, and nobody said so; and why it was refused.
 */
export async function dropKept(
  context: TargetContext,
  actor: UserActor,
  id: string,
  input: DropInput,
  signal: AbortSignal,
): Promise<DropOutcome> {
  const { db, now } = context;
  const restore = await loadRestore(db, id);
  await refuseRole(db, actor, restore);
  const name = keptOf(restore);
  requireConfirmed(input.confirm, name);
  await refuseTaken(db, restore, name);
  const kept = loadOptionsOf(restore).kept ?? null;
  const end = await dropOnHost(
    context,
    { ...restore, asked_by_id: actor.userId },
    {
      ...{ name, input, signal },
      isOnlyCopy: () => isTheOnlyKept(db, restore),
      plan: ({ swap }, facts) => swap?.drop(replacedIdOf(restore), { ...facts, kept }),
    },
  );
  const failed = end instanceof AppError ? end : null;
  await write(db, async (trx) => {
    if (end === 'dropped') await markDropped(trx, id, now());
    if (end === 'taken-back') await markTakenBack(trx, restore);
    const of = { id: restore.backup_id, name: restore.new_name, environmentId: restore.environment_id };
    const details = { runId: id, keptName: name, ...(end === 'taken-back' ? { takenBack: true } : {}) };
    const more = { details, ...(failed === null ? {} : { error: failed.message }) };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.drop_kept', of, more), now());
  });
  if (end instanceof AppError) throw end;
  return end;
}

/** Whether no backup has what is kept: none was made before the restore, or it is there no more, or damaged. */
export async function isTheOnlyKept(db: Db, row: RestoreRow): Promise<boolean> {
  return !(await isBackupWhole(db, row.safety_backup_id));
}

function keptOf({ kept_name: name, kept_state: state }: RestoreRow): string {
  if (state === 'kept' && name !== null) return name;
  throw new AppError('conflict', whyNot(name, state));
}

function whyNot(name: string | null, state: RestoreRow['kept_state']): string {
  if (state === 'dropped') return `“${name}” was dropped already.`;
  if (state === 'taken-back') return `“${name}” has its place again: it is the database itself.`;
  return 'This restore keeps nothing that could be dropped.';
}
