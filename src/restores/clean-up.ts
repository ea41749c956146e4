import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { TargetContext } from './context.ts';
import { removeMade } from './remove-made.ts';
import { endRestore, loadRestore } from './restores.ts';

/** For this one time, where those that back up may not do it: what was given for the restore is forgotten by now. */
export interface CleanUpLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/**
 * Removes what a restore has made and could not remove by itself. Throws `not_found`, `conflict` where there is no such thing, and
 * `dump_refused` with why it could not be removed now either.
 */
export async function cleanUpRestore(
  context: TargetContext,
  actor: Actor,
  id: string,
  login: CleanUpLogin,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, vault } = context;
  const restore = await loadRestore(db, id);
  refuseUnlessLeft(restore.state);
  const { username = null, password = null } = login;
  const isTyped = username !== null || password !== null;
  const credentials = isTyped
    ? await vault.seal(JSON.stringify({ username, password }), SEALED.restoreCredentials.identity(id))
    : null;
  const failed = await removeMade(context, { ...restore, credentials }, signal);
  await write(db, async (trx) => {
    const present = await loadRestore(trx, id);
    const state = failed === null ? 'removed' : present.state;
    if (present.state === 'left') await endRestore(trx, id, { state, removalError: failed, at: now() });
    const of = { id: restore.backup_id, name: restore.new_name, environmentId: restore.environment_id };
    const more = failed === null ? {} : { error: failed };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.clean_up', of, more), now());
  });
  if (failed !== null) throw new AppError('dump_refused', `It is still there. ${failed}`);
}

function refuseUnlessLeft(state: string): void {
  if (state === 'left') return;
  throw new AppError('conflict', `There is nothing to clean up: the restore is ${state}.`);
}
