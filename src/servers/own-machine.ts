import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';

/**
 * Whether databases and files of the app's own machine may be backed up. Not where the state lies in PostgreSQL: replicas run
 * on different machines, and whichever claims a run would look on its own.
 */
export function hasOwnMachine(config: Pick<Config, 'databaseUrl'>): boolean {
  return config.databaseUrl === null;
}

/** Throws `invalid` where it may not; `field` is the one of the request that names it. */
export function checkOwnMachine(config: Pick<Config, 'databaseUrl'>, field?: string): void {
  if (hasOwnMachine(config)) return;
  throw new AppError(
    'invalid',
    "The app's own machine is not backed up where the state lies in PostgreSQL (DATABASE_URL): replicas run on different " +
      'machines, and each would look for the database or the file on its own. Register that machine as a server, by an ' +
      'address that every replica reaches over SSH.',
    field === undefined ? {} : { details: { field } },
  );
}
