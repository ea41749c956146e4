import { explainFailure, type Purpose } from '../../databases/look-at-database.ts';
import type { RestorePlan } from '../../engines/restore.ts';
import { AppError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { type DumpSource, type Fed, feedDump } from './feed-dump.ts';

const LOAD: Purpose = { name: 'The restore', ifSilent: 'See on the host what it waits for.' };

interface Loading {
  readonly host: Host;
  readonly plan: RestorePlan;
  readonly store: Pick<ObjectStore, 'get'>;
  readonly stored: DumpSource;
  /** Kept up to date. */
  readonly fed: Fed;
  readonly signal: AbortSignal;
}

/**
 * Feeds a dump to the plan's program, which is killed where the source fails, so that it never takes that for the dump's end. Throws
 * what the source throws, and what the plan makes of the program's failure.
 */
export async function loadDump({ host, plan, store, stored, fed, signal }: Loading): Promise<void> {
  const over = new AbortController();
  try {
    const reading = AbortSignal.any([signal, over.signal]);
    const input = feedDump(store, stored, plan, { fed, signal: reading });
    for await (const _ of host.run(plan.load, { signal, input })) {
      // What it prints there is nobody's business.
    }
  } catch (error) {
    throw explainFailure(error, plan, LOAD);
  } finally {
    over.abort(new AppError('cancelled', 'The restore that read this backup is over.'));
  }
  if (fed.isProven) return;
  throw new AppError('dump_failed', 'The program that restores ended before it had seen the whole dump.');
}
