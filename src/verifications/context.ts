import type { Context } from '../db/context.ts';
import type { Log } from '../log.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Runs } from '../runs/runs.ts';

/** For what asks for verifications. */
export interface VerificationContext extends Context {
  readonly runs: Runs;
}

/** What a verification itself is handed. */
export interface VerifyContext extends Context {
  readonly openPlace: OpenPlace;
  readonly log: Log;
}
