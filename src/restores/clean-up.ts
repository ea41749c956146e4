import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { TargetContext } from './context.ts';
import { markKept } from './in-place.ts';
import { removeMade } from './remove-made.ts';
import { endRestore, loadRestore } from './restores.ts';
import { isSwapped } from './swap.ts';

/** For this one time, where those that back up may not do it: what was given for the restore is forgotten by now. */
export interface CleanUpLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/**
 * Removes what a restore has made and could not remove by itself; one in place that turns out to have taken the place is done instead,
 * and what it replaced is kept. Throws `not_found`, `conflict` where there is no such thing, and
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
  const { failed, state } = await settle(context, { ...restore, credentials }, signal);
  await write(db, async (trx) => {
    const present = await loadRestore(trx, id);
    if (present.state === 'left') {
      await endRestore(trx, id, { state, removalError: failed, at: now() });
      if (state === 'done') await markKept(trx, id);
    }
    const of = { id: restore.backup_id, name: restore.new_name, environmentId: restore.environment_id };
    const more = failed === null ? { details: { runId: id, state } } : { error: failed };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.clean_up', of, more), now());
  });
  if (failed !== null) throw new AppError('dump_refused', `It is still there. ${failed}`);
}

async function settle(context: TargetContext, restore: RestoreRow, signal: AbortSignal) {
  const failed = await removeMade(context, restore, signal, 'person');
  if (failed === null) return { failed, state: 'removed' } as const;
  // Where that can't be looked at, why it could not be removed says enough.
  const isDone = await isSwapped(context, restore, signal, 'person').catch(() => false);
  return isDone ? ({ failed: null, state: 'done' } as const) : ({ failed, state: 'left' } as const);
}

function refuseUnlessLeft(state: string): void {
  if (state === 'left') return;
  throw new AppError('conflict', `There is nothing to clean up: the restore is ${state}.`);
}
