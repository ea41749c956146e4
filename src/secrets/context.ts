import type { Context } from '../db/context.ts';
import type { Vault } from './vault.ts';

/** For what reads or writes sealed columns. */
export interface VaultContext extends Context {
  readonly vault: Vault;
}
