import type { RestoreRow } from '../../db/schema.ts';
import type { RunContext } from '../../runs/kind.ts';
import { adoptedChecks } from '../ask-rename.ts';
import type { RestoreRunContext } from '../context.ts';
import { hostOutput } from '../host-output.ts';
import { openRestoreTarget, starterOf, UNKNOWN_DUMP } from '../open-target.ts';
import { recordLooked, recordRestore } from '../restores.ts';
import { safetyChecks } from '../safety-backup.ts';
import { placeChecks } from '../same-place.ts';
import { recordReplaced, runLast } from '../swap.ts';
import { closeQuietly } from './close-quietly.ts';
import type { Progress } from './progress.ts';
import { refuseFailed } from './refused.ts';

const LOOK_MS = 60_000;

/** What another restore has made takes the place: nothing is read, and nothing is loaded. */
export async function adoptRestored(
  context: RestoreRunContext,
  row: RestoreRow,
  { claim, signal, hold }: RunContext,
  progress: Progress,
) {
  const { db, uptimeMs } = context;
  const begunAt = uptimeMs();
  const place = [...(await placeChecks(db, row)), ...(await adoptedChecks(db, row))];
  await refuseFailed(context, claim, place);
  const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, starterOf(row));
  try {
    const { command, explain, read } = plan.preflight;
    const options = { signal, explain, name: 'The look at the target', idleTimeoutMs: LOOK_MS };
    const printed = await hostOutput(host, command, options);
    const found = read(printed);
    const checks = [...place, ...(await safetyChecks(db, row)), ...found];
    await recordLooked(db, claim, { checks, place: plan.preflight.place?.(printed) });
    await refuseFailed(context, claim, checks);
    await recordReplaced(db, claim, { host, plan, signal });
    progress.enter('create');
    await hold();
    await recordRestore(db, claim, { state: 'making' });
    const name = 'The taking of its name';
    await hostOutput(host, plan.create, { signal, explain: plan.explain, name });
    progress.enter('finish');
    await hold();
    await recordRestore(db, claim, { state: 'finishing' });
    await runLast(context, claim.runId, { host, plan, signal });
    const measured = { restoreMs: Math.round(uptimeMs() - begunAt), dumpBytes: 0 };
    return { measured, isCompared: false, difference: null };
  } finally {
    await closeQuietly(context, () => host.close());
  }
}
