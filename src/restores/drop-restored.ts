import { auditEntry, recordAudit } from '../audit/audit.ts';
import { hasRole } from '../auth/roles.ts';
import type { UserActor } from '../auth/users.ts';
import { findBackup } from '../backups/backups.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, toAppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import { isNamed } from '../turned-text.ts';
import type { CleanUpLogin } from './clean-up.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { loadRestore } from './restores.ts';
import { refuseTaken } from './taken-since.ts';

const IDLE_MS = 120_000;

export interface DropRestoredInput extends CleanUpLogin {
  /** The name, or the path, of what was restored. */
  readonly confirm: string;
  /** Of a file: somebody says that nobody has it open, which the app may not be able to see. */
  readonly isUnused?: boolean | undefined;
  /** Where the backup is gone or damaged: somebody says that it is the only copy of what is in it. */
  readonly isOnlyCopy?: boolean | undefined;
}

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
  { confirm, isUnused = false, isOnlyCopy = false, ...login }: DropRestoredInput,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, vault } = context;
  const restore = await loadRestore(db, id);
  await refuseRole(db, actor, restore);
  refuseOther(restore);
  const name = restore.new_name;
  if (!isNamed(confirm, name)) {
    throw new AppError('invalid', `It is gone for good then. To drop it, confirm by its name: ${name}.`, {
      details: { field: 'confirm' },
    });
  }
  await refuseRenamed(db, restore);
  if (!isOnlyCopy) await refuseOnlyCopy(db, restore);
  await refuseTaken(db, restore);
  const { username = null, password = null } = login;
  const isTyped = username !== null || password !== null;
  const credentials = isTyped
    ? await vault.seal(JSON.stringify({ username, password }), SEALED.restoreCredentials.identity(id))
    : null;
  const failed = await drop(context, { ...restore, credentials }, isUnused, signal);
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

/** As who may have it made: of a database that is gone nobody knows whose it was. */
export async function isForAdmins(db: Db, row: RestoreRow): Promise<boolean> {
  const database = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  return database?.environment_id !== row.environment_id;
}

async function refuseRole(db: Db, actor: UserActor, row: RestoreRow): Promise<void> {
  if (hasRole(actor.role, 'admin') || !(await isForAdmins(db, row))) return;
  throw new AppError(
    'forbidden',
    'Only admins drop what was restored into another environment, or whose database is gone',
  );
}

/** Whether the backup is there no more, or is damaged, so that nothing else has what was restored of it. */
export async function isTheOnlyCopy(db: Db, row: RestoreRow): Promise<boolean> {
  const backup = await findBackup(db, row.backup_id);
  return backup?.status !== 'completed' || backup.verification === 'failed';
}

async function refuseOnlyCopy(db: Db, row: RestoreRow): Promise<void> {
  if (!(await isTheOnlyCopy(db, row))) return;
  throw new AppError(
    'invalid',
    `“${row.new_name}” is the only copy of what was restored into it: its backup is deleted, pruned or damaged. Say so, too, to drop it (in the API: isOnlyCopy).`,
    { details: { field: 'isOnlyCopy' } },
  );
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

async function drop(
  context: TargetContext,
  row: RestoreRow,
  isUnused: boolean,
  signal: AbortSignal,
): Promise<AppError | null> {
  try {
    const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, 'person');
    try {
      // Once more: opening its server may have taken a while.
      const { registered } = await refuseTaken(context.db, row);
      const command = plan.made?.drop(loadOptionsOf(row).made ?? '', { registered, isUnused });
      if (command === undefined) throw new AppError('conflict', whyNot(row));
      const options = { signal, name: 'The drop', idleTimeoutMs: IDLE_MS, explain: plan.explain };
      await hostOutput(host, command, options);
      return null;
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error);
  }
}
