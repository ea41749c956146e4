import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, toAppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { TargetContext } from './context.ts';
import { markKept } from './in-place.ts';
import { endIfNamed } from './named.ts';
import { removeMade } from './remove-made.ts';
import { endRestore, loadRestore } from './restores.ts';
import { isSwapped } from './swap.ts';

/** For this one time, where those that back up may not do it: what was given for the restore is forgotten by now. */
export interface CleanUpLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface CleanUpInput extends CleanUpLogin {
  /** Somebody says that nothing of it is there any more, for where nobody can tell. */
  readonly mayBeGone?: boolean | undefined;
}

/**
 * Removes what a restore has made and could not remove by itself; one that turns out to have its name, or its place, is done instead,
 * and what it replaced is kept. Gives which of the two it came to. Throws `not_found`, `conflict` where there is no such thing, and
 * `dump_refused` with why it could not be removed now either; or why nobody can tell whether it is gone, with the field `mayBeGone`.
 */
export async function cleanUpRestore(
  context: TargetContext,
  actor: Actor,
  id: string,
  input: CleanUpInput,
  signal: AbortSignal,
): Promise<'removed' | 'done'> {
  const { db, now, vault } = context;
  const restore = await loadRestore(db, id);
  refuseUnlessLeft(restore.state);
  const { username = null, password = null } = input;
  const isTyped = username !== null || password !== null;
  const credentials = isTyped
    ? await vault.seal(JSON.stringify({ username, password }), SEALED.restoreCredentials.identity(id))
    : null;
  const { failed, state } = await settle(context, { ...restore, credentials }, input, signal);
  await write(db, async (trx) => {
    const present = await loadRestore(trx, id);
    if (present.state === 'left') {
      await endRestore(trx, id, { state, removalError: failed?.message ?? null, at: now() });
      if (state === 'done') await markKept(trx, id);
    }
    const of = { id: restore.backup_id, name: restore.new_name, environmentId: restore.environment_id };
    const said = input.mayBeGone === true ? { mayBeGone: true } : {};
    const more = failed === null ? { details: { runId: id, state, ...said } } : { error: failed.message };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.clean_up', of, more), now());
  });
  if (failed === null) return state;
  if (mayBeAskedOf(failed))
    throw new AppError('conflict', failed.message, { details: { field: 'mayBeGone' } });
  throw new AppError('dump_refused', `It is still there. ${failed.message}`);
}

async function settle(
  context: TargetContext,
  restore: RestoreRow,
  { mayBeGone }: CleanUpInput,
  signal: AbortSignal,
) {
  // It has its name, and somebody may use it by now: that is not removed as something half.
  const isNamed = await endIfNamed(context, restore, signal).catch(toAppError);
  if (isNamed === true) return { failed: null, state: 'done' } as const;
  const failed = isNamed === false ? await removeMade(context, restore, signal, 'person') : isNamed;
  if (failed === null) return { failed, state: 'removed' } as const;
  // Where that can't be looked at, why it could not be removed says enough.
  const isDone = await isSwapped(context, restore, signal, 'person').catch(() => false);
  if (isDone) return { failed: null, state: 'done' } as const;
  // Only of what could not be found: what is there could not be removed, whatever anybody says.
  const isGone = mayBeGone === true && mayBeAskedOf(failed);
  return isGone ? ({ failed: null, state: 'removed' } as const) : ({ failed, state: 'left' } as const);
}

/** It was not found, and nobody can tell whether it is gone. */
function mayBeAskedOf({ details }: AppError): boolean {
  return details['field'] === 'mayBeGone';
}

function refuseUnlessLeft(state: string): void {
  if (state === 'left') return;
  throw new AppError('conflict', `There is nothing to clean up: the restore is ${state}.`);
}
