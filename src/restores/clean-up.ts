import { auditEntry, recordAudit } from '../audit/audit.ts';
import type { UserActor } from '../auth/users.ts';
import type { RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, toAppError } from '../errors.ts';
import type { TargetContext } from './context.ts';
import { refuseRole, requireConfirmed } from './drop-on-host.ts';
import { markKept, noteOf } from './in-place.ts';
import { endIfNamed } from './named.ts';
import { removeMade } from './remove-made.ts';
import { endRestore, loadRestore } from './restores.ts';
import { isSwapped } from './swap.ts';
import { sealLogin, type TypedLogin } from './typed-login.ts';

/** The login is for this one time, where those that back up may not do it: what was given for the restore is forgotten by now. */
export interface CleanUpInput extends TypedLogin {
  /** The name that it was made for. */
  readonly confirm?: string | undefined;
  /** Somebody says that nothing of it is there any more, for where nobody can tell. */
  readonly mayBeGone?: boolean | undefined;
  /** Somebody has looked, and says that what has its name is what was restored, for where nobody can tell. */
  readonly isThatOne?: boolean | undefined;
}

export interface CleanedUp {
  readonly state: 'removed' | 'done';
  /** Nobody could look: it counts as removed by the word of who cleaned up. */
  readonly saidGone: boolean;
}

/**
 * Removes what a restore has made and could not remove by itself; one that turns out to have its name, or its place, is done instead,
 * and what it replaced is kept. It asks for as much as a drop: of whom, and for the name. Gives which of the two it came to. Throws
 * `not_found`, `conflict` where there is no such thing, `forbidden` as `refuseRole`, `invalid` where the name is not confirmed, and
 * `dump_refused` with why it could not be removed now either; or why nobody can tell whether it is gone, with the field `mayBeGone`, or
 * whether what has its name is it, with the field `isThatOne`.
 */
export async function cleanUpRestore(
  context: TargetContext,
  actor: UserActor,
  id: string,
  input: CleanUpInput,
  signal: AbortSignal,
): Promise<CleanedUp> {
  const { db, now } = context;
  const restore = await loadRestore(db, id);
  await refuseRole(db, actor, restore);
  refuseUnlessLeft(restore.state);
  const { new_name: name } = restore;
  requireConfirmed(input.confirm ?? '', name, `What was made for it is gone for good then. To clean up`);
  const credentials = await sealLogin(context, id, input);
  // It is this person who has its server opened, and not the one who had asked for it.
  const row = { ...restore, credentials, asked_by_id: actor.userId };
  const settled = await settle(context, row, input, signal);
  const { failed, state, saidGone } = settled;
  await write(db, async (trx) => {
    const present = await loadRestore(trx, id);
    if (present.state === 'left') {
      await endRestore(trx, id, { state, removalError: failed?.message ?? null, at: now() });
      if (state === 'done') await markKept(trx, id);
      if (saidGone) await noteOf(trx, id, { saidGone });
    }
    const of = { id: restore.backup_id, name, environmentId: restore.environment_id };
    const said = {
      ...(input.mayBeGone === true && { mayBeGone: true }),
      ...(input.isThatOne === true && { isThatOne: true }),
    };
    const details = { runId: id, state, ...said };
    const more = { details, ...(failed === null ? {} : { error: failed.message }) };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.clean_up', of, more), now());
  });
  if (settled.failed === null) return { state: settled.state, saidGone };
  const { message } = settled.failed;
  const field = questionOf(settled.failed);
  if (field !== undefined) throw new AppError('conflict', message, { details: { field } });
  throw new AppError('dump_refused', `It is still there. ${message}`);
}

type Settled =
  | (CleanedUp & { readonly failed: null })
  | { readonly failed: AppError; readonly state: 'left'; readonly saidGone: false };

async function settle(
  context: TargetContext,
  restore: RestoreRow,
  { mayBeGone, isThatOne }: CleanUpInput,
  signal: AbortSignal,
): Promise<Settled> {
  // It has its name, and somebody may use it by now: that is not removed as something half.
  const isNamed = await endIfNamed(context, restore, signal, isThatOne).catch(toAppError);
  if (isNamed === true) return { failed: null, state: 'done', saidGone: false };
  const failed = isNamed === false ? await removeMade(context, restore, signal, 'person') : isNamed;
  if (failed === null) return { failed, state: 'removed', saidGone: false };
  // Where that can't be looked at, why it could not be removed says enough.
  const isDone = await isSwapped(context, restore, signal, 'person').catch(() => false);
  if (isDone) return { failed: null, state: 'done', saidGone: false };
  // Only of what nobody could tell: what is there for certain could not be removed, whatever anybody says.
  const saidGone = mayBeGone === true && questionOf(failed) !== undefined;
  return saidGone ? { failed: null, state: 'removed', saidGone } : { failed, state: 'left', saidGone: false };
}

/** What a person is asked, where nobody can tell whether it is gone, or whether what has its name is it. */
function questionOf({ details }: AppError): string | undefined {
  return QUESTIONS.find((question) => question === details['field']);
}

const QUESTIONS = ['mayBeGone', 'isThatOne'] as const;

function refuseUnlessLeft(state: string): void {
  if (state === 'left') return;
  throw new AppError('conflict', `There is nothing to clean up: the restore is ${state}.`);
}
