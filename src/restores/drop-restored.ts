import { auditEntry, recordAudit } from '../audit/audit.ts';
import type { UserActor } from '../auth/users.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { TargetContext } from './context.ts';
import { type DropInput, dropOnHost, isBackupWhole, refuseRole, requireConfirmed } from './drop-on-host.ts';
import { loadOptionsOf } from './load-options.ts';
import { loadRestore } from './restores.ts';
import { refuseTaken } from './taken-since.ts';

/** Whether the app can drop what that restore has made: it stands beside its database, and was told from all else. */
export function isDroppable(row: RestoreRow): boolean {
  const { made, hasTakenPlace } = loadOptionsOf(row);
  const isBeside = row.state === 'done' && row.in_place === 0 && row.is_drill !== 1;
  return isBeside && made !== undefined && hasTakenPlace !== true;
}

/**
 * Drops what a restore has made beside its database: the very one, by what was read of it before it got its name. Throws `not_found`;
 * `conflict` where there is nothing to drop, what has that name is something else or was restored since, it is registered as a database,
 * or somebody may use it; `forbidden` to all but admins where it is in another environment than its database, or that is gone; `invalid` where the name is not confirmed; and why it was refused.
 */
export async function dropRestored(
  context: TargetContext,
  actor: UserActor,
  id: string,
  input: DropInput,
  signal: AbortSignal,
): Promise<void> {
  const { db, now } = context;
  const restore = await loadRestore(db, id);
  await refuseRole(db, actor, restore);
  refuseOther(restore);
  const name = restore.new_name;
  requireConfirmed(input.confirm, name);
  await refuseRenamed(db, restore);
  await refuseTaken(db, restore, name);
  const end = await dropOnHost(
    context,
    { ...restore, asked_by_id: actor.userId },
    {
      ...{ name, input, signal },
      isOnlyCopy: () => isTheOnlyCopy(db, restore),
      plan: ({ made }, facts) => made?.drop(loadOptionsOf(restore).made ?? '', facts),
    },
  );
  const failed = end instanceof AppError ? end : null;
  await write(db, async (trx) => {
    if (failed === null) {
      await trx
        .updateTable('restores')
        .set({ state: 'removed' })
        .where('id', '=', id)
        .where('state', '=', 'done')
        .execute();
    }
    const of = { id: restore.backup_id, name, environmentId: restore.environment_id };
    const more = { details: { runId: id }, ...(failed === null ? {} : { error: failed.message }) };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.drop_restored', of, more), now());
  });
  if (failed !== null) throw failed;
}

/** Whether the backup is there no more, or is damaged, so that nothing else has what was restored of it. */
export async function isTheOnlyCopy(db: Db, row: RestoreRow): Promise<boolean> {
  return !(await isBackupWhole(db, row.backup_id));
}

function refuseOther(row: RestoreRow): void {
  if (isDroppable(row)) return;
  throw new AppError('conflict', whyNot(row));
}

function whyNot(row: RestoreRow): string {
  const { state, new_name: name, in_place: inPlace, is_drill: isDrill } = row;
  if (inPlace === 1)
    return `“${name}” is the database itself: only what a restore made beside it is dropped.`;
  if (isDrill === 1) return 'A drill drops what it makes by itself.';
  if (state === 'removed') return `“${name}” was removed already.`;
  if (loadOptionsOf(row).hasTakenPlace === true)
    return `“${name}” is the database itself by now: it has taken its place.`;
  if (state !== 'done') return `There is nothing whole to drop: the restore is ${state}.`;
  return `“${name}” can’t be told from all else that may be called so. Look at it on its server, and drop it there.`;
}

/** One that was dropped meanwhile could take no place any more. */
async function refuseRenamed(db: Db, row: RestoreRow): Promise<void> {
  const { renamedBy } = loadOptionsOf(row);
  if (renamedBy === undefined) return;
  const run = await db.selectFrom('runs').select('state').where('id', '=', renamedBy).executeTakeFirst();
  if (run === undefined || !['pending', 'running', 'uncertain'].includes(run.state)) return;
  throw new AppError(
    'conflict',
    `“${row.new_name}” is to take the place of its database. Wait for the end of that, or cancel it.`,
  );
}
