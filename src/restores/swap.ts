import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { SWAPPED } from '../engines/in-place.ts';
import type { RestorePlan } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import type { Host } from '../hosts/host.ts';
import type { RunClaim } from '../runs/claim.ts';
import type { StartedBy } from '../servers/server-access.ts';
import type { RestoreRunContext, TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { noteOf } from './in-place.ts';
import { loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { loadRestore, recordRestore } from './restores.ts';

const LOOK_MS = 60_000;

/** Writes down what tells the thing that is replaced from all else, before anything is made; nothing where nothing is replaced. */
export async function recordReplaced(
  db: Db,
  claim: RunClaim,
  { host, plan, signal }: { readonly host: Host; readonly plan: RestorePlan; readonly signal: AbortSignal },
): Promise<void> {
  if (plan.swap === undefined) return;
  const { command, read } = plan.swap.identify;
  const options = {
    signal,
    explain: plan.explain,
    name: 'The look at what is replaced',
    idleTimeoutMs: LOOK_MS,
  };
  await recordRestore(db, claim, { replaced_id: read(await hostOutput(host, command, options)) });
}

/**
 * Gives what was restored its name, or its place. May be run again after one of which nobody knows whether it ended. What is kept is
 * looked at behind it; that this can't be done is no reason to fail what has come about.
 */
export async function runLast(
  { db, log }: Pick<RestoreRunContext, 'db' | 'log'>,
  id: string,
  { host, plan, signal }: { readonly host: Host; readonly plan: RestorePlan; readonly signal: AbortSignal },
): Promise<void> {
  const { swap, finish, explain } = plan;
  const row = await loadRestore(db, id);
  const command = swap === undefined ? finish : swap.swap(replacedIdOf(row));
  if (command === null) return;
  const said = await hostOutput(host, command, { signal, explain, name: 'The end of the restore' });
  if (swap === undefined || swap.isByLoad === true) return;
  try {
    const isJustDone = said.split('\n').includes(SWAPPED);
    await lookAtSwap(db, row, { host, plan, signal, isJustDone });
  } catch (error) {
    log.warn('what a restore keeps could not be looked at', { runId: id, error });
  }
}

/** Whether what was restored has taken its place by now; false of one that makes something new. Throws what the look throws. */
export async function isSwapped(
  context: TargetContext,
  row: RestoreRow,
  signal: AbortSignal,
  startedBy: StartedBy,
): Promise<boolean> {
  if (row.in_place === 0 || row.replaced_id === null) return false;
  const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, startedBy);
  try {
    return await lookAtSwap(context.db, row, { host, plan, signal, isJustDone: false });
  } finally {
    await host.close();
  }
}

interface Look {
  readonly host: Host;
  readonly plan: RestorePlan;
  readonly signal: AbortSignal;
  readonly isJustDone: boolean;
}

/**
 * Writes down what is kept, where the swap is done. Of one that was not done just now, nothing that was written: somebody may have gone
 * on with what is kept, and their rows would count as those of before.
 */
async function lookAtSwap(
  db: Db,
  row: RestoreRow,
  { host, plan, signal, isJustDone }: Look,
): Promise<boolean> {
  const look = plan.swap?.isDone(replacedIdOf(row));
  if (look === undefined) return false;
  const options = { signal, explain: plan.explain, name: 'The look at the swap', idleTimeoutMs: LOOK_MS };
  const { isDone, ...found } = look.read(await hostOutput(host, look.command, options));
  const kept = isJustDone ? found.kept : found.identity;
  const isNews = isDone && kept !== null && loadOptionsOf(row).kept === undefined;
  if (isNews) await write(db, (trx) => noteOf(trx, row.id, { kept }));
  return isDone;
}

export function replacedIdOf({ replaced_id: id }: Pick<RestoreRow, 'replaced_id'>): string {
  if (id !== null) return id;
  throw new AppError('internal', 'What this restore replaces was not recorded.');
}
