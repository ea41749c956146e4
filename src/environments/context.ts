import type { Context } from '../db/context.ts';
import type { Trx } from '../db/schema.ts';

/** For what changes as whom the servers of an environment are signed in to. */
export interface SshUserContext extends Context {
  /** In the same write: what was given for the user before goes on to the next one, such as passwords of databases. */
  readonly followSshUser: (
    trx: Trx,
    environmentId: string,
    change: { readonly from: string; readonly to: string },
  ) => Promise<void>;
}
