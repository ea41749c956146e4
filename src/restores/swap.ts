import type { Db, RestoreRow } from '../db/schema.ts';
import type { RestorePlan } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import type { Host, HostCommand } from '../hosts/host.ts';
import type { RunClaim } from '../runs/claim.ts';
import type { StartedBy } from '../servers/server-access.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
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

/** The last command of a restore, which may be run again; null where there is none. */
export async function lastCommand(db: Db, id: string, plan: RestorePlan): Promise<HostCommand | null> {
  return plan.swap === undefined ? plan.finish : plan.swap.swap(replacedIdOf(await loadRestore(db, id)));
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
    const look = plan.swap?.isDone(row.replaced_id);
    if (look === undefined) return false;
    const options = { signal, explain: plan.explain, name: 'The look at the swap', idleTimeoutMs: LOOK_MS };
    return look.read(await hostOutput(host, look.command, options));
  } finally {
    await host.close();
  }
}

export function replacedIdOf({ replaced_id: id }: Pick<RestoreRow, 'replaced_id'>): string {
  if (id !== null) return id;
  throw new AppError('internal', 'What this restore replaces was not recorded.');
}
