import type { Context } from '../db/context.ts';
import type { Log } from '../log.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Runs } from '../runs/runs.ts';

/** For what people do to backups: the worker is told, and what lies in stores is reached. */
export interface BackupContext extends Context {
  readonly runs: Runs;
  readonly openPlace: OpenPlace;
  readonly log: Log;
}
