import type { Context } from '../db/context.ts';
import type { Log } from '../log.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Runs } from '../runs/runs.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { ServerContext } from '../servers/context.ts';

/** For what people do to backups: the worker is told, and what lies in stores is reached. */
export interface BackupContext extends Context {
  readonly runs: Runs;
  readonly openPlace: OpenPlace;
  readonly log: Log;
}

/** What a run of a backup, and its repair, are handed. */
export interface BackupRunContext extends VaultContext, ServerContext {
  readonly openPlace: OpenPlace;
  /** Milliseconds of a clock that only goes forward, for durations; its zero means nothing. */
  readonly uptimeMs: () => number;
  readonly log: Log;
}
