import { AppError } from '../errors.ts';
import { askUncertainNow, endEarlierLeases, type Taker, takeExpired } from './take.ts';

export interface Repairs {
  /** What is being repaired, by id, for the renewal of its lease; each is ended when it is no longer this process's. */
  readonly repairing: Map<string, AbortController>;
  /** Ids of this process's own runs, which are never taken over. */
  readonly running: () => readonly string[];
  /** Ends a repair; what it did not settle is left to the next start. */
  readonly signal: AbortSignal;
}

/** Repairs runs that nobody works on any more, one after the other: those whose lease is over, and uncertain ones. */
export async function repairExpired(taker: Taker, { repairing, running, signal }: Repairs): Promise<void> {
  while (!signal.aborted) {
    const run = await takeExpired(taker, running());
    if (run === undefined) return;
    const lost = new AbortController();
    repairing.set(run.id, lost);
    try {
      await taker.kinds[run.kind]?.repair(run, {
        claim: { runId: run.id, claimedBy: taker.claimedBy },
        signal: AbortSignal.any([signal, lost.signal]),
      });
    } finally {
      repairing.delete(run.id);
    }
  }
}

/** The repairs of a process: its first one also asks about what earlier processes left. */
export interface OwnRepairs {
  readonly repairing: ReadonlyMap<string, AbortController>;
  repairAll(): Promise<void>;
  stop(): void;
}

export function createRepairs(
  taker: Taker,
  { isAlone, running }: { readonly isAlone: boolean } & Pick<Repairs, 'running'>,
): OwnRepairs {
  const repairing = new Map<string, AbortController>();
  const stopped = new AbortController();
  let isFirst = true;
  return {
    repairing,
    async repairAll() {
      if (isFirst) {
        await askUncertainNow(taker.db, taker.now());
        if (isAlone) await endEarlierLeases(taker);
      }
      isFirst = false;
      await repairExpired(taker, { repairing, running, signal: stopped.signal });
    },
    stop: () => stopped.abort(new AppError('shutdown', 'The app was stopped.')),
  };
}
