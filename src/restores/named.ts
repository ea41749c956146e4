import type { RestoreRow } from '../db/schema.ts';
import type { HostCommand } from '../hosts/host.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';

const LOOK_MS = 60_000;

/**
 * Whether what a restore has made beside its database has its name, so that somebody may use it: it is whole then, and what was left to do
 * besides is done. False of one that was not found whole, or can’t be told from all else. Throws what the look throws.
 */
export async function endIfNamed(
  context: TargetContext,
  row: RestoreRow,
  signal: AbortSignal,
): Promise<boolean> {
  const wasWhole = row.counts !== null || loadOptionsOf(row).made !== undefined;
  if (row.in_place === 1 || row.is_drill === 1 || !wasWhole) return false;
  const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, 'person');
  try {
    const options = {
      signal,
      explain: plan.explain,
      name: 'The look at what was made',
      idleTimeoutMs: LOOK_MS,
    };
    const run = (command: HostCommand) => hostOutput(host, command, options);
    const { isNamed } = plan;
    if (isNamed === undefined || !isNamed.read(await run(isNamed.command))) return false;
    if (plan.finish !== null) await run(plan.finish);
    return true;
  } finally {
    await host.close();
  }
}
