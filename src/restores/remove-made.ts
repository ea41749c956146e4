import type { RestoreRow } from '../db/schema.ts';
import { type AppError, toAppError } from '../errors.ts';
import type { StartedBy } from '../servers/server-access.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { mayBeSwapped } from './in-place.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';

/** Not for what a swap may have changed: the server takes that back for as long as it is large, and says nothing meanwhile. */
const IDLE_MS = 120_000;

/**
 * Removes what a restore has made and not finished; gives why that failed, as the engine explains it, or null where nothing of it is there any more. Only what
 * its row names is removed.
 */
export async function removeMade(
  context: TargetContext,
  restore: RestoreRow,
  signal: AbortSignal,
  startedBy: StartedBy,
): Promise<AppError | null> {
  try {
    const { host, plan } = await openRestoreTarget(context, restore, UNKNOWN_DUMP, startedBy);
    try {
      const { explain } = plan;
      await hostOutput(host, plan.remove, {
        ...{ signal, name: 'The removal', explain },
        ...(mayBeSwapped(restore) ? {} : { idleTimeoutMs: IDLE_MS }),
      });
      return null;
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error);
  }
}
