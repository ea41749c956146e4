import type { Log } from '../log.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { ServerContext } from '../servers/context.ts';

/** What a run of a backup, and its repair, are handed. */
export interface RunServices extends VaultContext, ServerContext {
  readonly openPlace: OpenPlace;
  /** Milliseconds of a clock that only goes forward, for durations; its zero means nothing. */
  readonly uptimeMs: () => number;
  readonly log: Log;
}
