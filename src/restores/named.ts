import type { RestoreRow } from '../db/schema.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { wasRestoredSince } from './taken-since.ts';

const LOOK_MS = 60_000;

/**
 * Whether what a restore has made beside its database has its name, so that somebody may use it: it is whole then, and what was left to do
 * besides is done. False of one that was not found whole, or can’t be told from all else. Throws what the look throws. `isThatOne`: a
 * person has looked, and says so where nobody could tell.
 */
export async function endIfNamed(
  context: TargetContext,
  row: RestoreRow,
  signal: AbortSignal,
  isThatOne = false,
): Promise<boolean> {
  const { foundWhole, made } = loadOptionsOf(row);
  // Its counts say nothing: they are written down before they are judged.
  const wasWhole = foundWhole === true || made !== undefined;
  if (row.in_place === 1 || row.is_drill === 1 || !wasWhole) return false;
  // What can’t be told from all else is told by its name, which is the later one’s by now.
  if (made === undefined && (await wasRestoredSince(context.db, row))) return false;
  const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, 'person', isThatOne);
  try {
    const { explain, finish, isNamed } = plan;
    if (isNamed === undefined) return false;
    const looked = await hostOutput(host, isNamed.command, {
      ...{ signal, explain, name: 'The look at what was made', idleTimeoutMs: LOOK_MS },
    });
    if (!isNamed.read(looked)) return false;
    // As long as it takes: a server may say nothing for hours while it makes statistics.
    if (finish !== null) await hostOutput(host, finish, { signal, explain, name: 'The end of the restore' });
    return true;
  } finally {
    await host.close();
  }
}
