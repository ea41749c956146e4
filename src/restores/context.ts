import type { Log } from '../log.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Runs } from '../runs/runs.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { ServerContext } from '../servers/context.ts';

/** For what reaches the target of a restore. */
export interface TargetContext extends VaultContext, ServerContext {}

/** For what people do about restores. */
export interface RestoreContext extends TargetContext {
  readonly runs: Runs;
  readonly log: Log;
}

/** What a restore itself, and its repair, are handed. */
export interface RestoreRunContext extends TargetContext {
  readonly openPlace: OpenPlace;
  /** Milliseconds of a clock that only goes forward. */
  readonly uptimeMs: () => number;
  readonly log: Log;
}
