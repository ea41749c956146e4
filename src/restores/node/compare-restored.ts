import type { Db } from '../../db/schema.ts';
import type { RestorePlan } from '../../engines/restore.ts';
import type { Host } from '../../hosts/host.ts';
import type { RunClaim } from '../../runs/claim.ts';
import { type Comparison, compareCounts } from '../compare.ts';
import type { KnownDump } from '../dump-facts.ts';
import { hostOutput } from '../host-output.ts';
import { recordRestore } from '../restores.ts';

export interface Comparing {
  readonly db: Db;
  readonly claim: RunClaim;
  readonly host: Host;
  readonly plan: RestorePlan;
  readonly dump: KnownDump;
  readonly signal: AbortSignal;
}

/** Counts the rows that are there, writes them down beside those of the dump, and tells how they differ. */
export async function compareRestored(comparing: Comparing): Promise<Comparison> {
  const { db, claim, host, plan, dump, signal } = comparing;
  const { explain, count } = plan;
  const counted = await hostOutput(host, count.command, { signal, explain, name: 'The counting' });
  const compared = compareCounts(dump.contents, count.read(counted));
  await recordRestore(db, claim, { counts: JSON.stringify(compared.tables) });
  return compared;
}
