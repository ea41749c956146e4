import type { VaultContext } from '../secrets/context.ts';
import type { Sha256 } from './chain-row.ts';

/** For what chains the audit, shortens the chain, or checks it: its ends are signed by a sealed key. */
export interface ChainContext extends VaultContext {
  readonly sha256: Sha256;
}
