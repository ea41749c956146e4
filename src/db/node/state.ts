import { join } from 'node:path';
import type { Config } from '../../config.ts';
import type { Log } from '../../log.ts';
import type { Db } from '../schema.ts';

/** The database that holds the state of the installation, open and with our tables. */
export interface State {
  readonly db: Db;
  /** The clock that all who work on it share. */
  readonly now: () => Date;
  /** Whether no other process can work on it. */
  readonly isAlone: boolean;
  /** Does what a start does only once while no other start does it. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  /** From now on there is an installation in it, whose loss is to be noticed. */
  markUsed(): void;
  close(): Promise<void>;
}

/** Who opens it. */
export interface Opening {
  readonly log: Log;
  readonly now: () => Date;
}

export function stateFile(config: Pick<Config, 'dataDir'>): string {
  return join(config.dataDir, 'bridgeport.sqlite');
}
