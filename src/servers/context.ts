import type { Context } from '../db/context.ts';
import type { ServerAccess } from './server-access.ts';

/** For what opens a machine. */
export interface ServerContext extends Context {
  readonly servers: ServerAccess;
}
