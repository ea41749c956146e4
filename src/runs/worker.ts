import type { Db } from '../db/schema.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { createActiveRuns } from './active-runs.ts';
import { superseded } from './claim.ts';
import type { RunKinds } from './kind.ts';
import { createRepairs } from './repair-expired.ts';
import { createRounds } from './rounds.ts';
import { releaseClaim, renewClaims, type Taker, takeNext } from './take.ts';
import type { Worker, WorkerOptions } from './worker-port.ts';

const LEASE_MS = 30_000;
const TICK_MS = 2_000;
/** What a run has done for hours is not given up for a database that is away for a while. */
const HOLD_PATIENCE_MS = 5 * 60_000;

/** Runs what waits, of the given kinds, in this process: claims, leases, limits, cancelling, and the repairs between runs. */
export function createWorker(
  { db, log, now }: { readonly db: Db; readonly log: Log; readonly now: () => Date },
  kinds: RunKinds,
  options: WorkerOptions,
): Worker {
  const { limits, isAlone = false, leaseMs = LEASE_MS, tickMs = TICK_MS } = options;
  const taker: Taker = { db, kinds, claimedBy: newId(), leaseMs, now };
  const timers: NodeJS.Timeout[] = [];
  let started = false;
  let stopping = false;
  const isOn = () => started && !stopping;
  const saying = (message: string) => (error: unknown) => log.error(message, { error });

  const active = createActiveRuns(taker, log, {
    renew: (runId) => renewLeases([runId], HOLD_PATIENCE_MS),
    onEnd() {
      working.begin();
      repairing.begin();
    },
  });
  const repairs = createRepairs(taker, { isAlone, running: active.ids });
  const claimed = () => [...active.ids(), ...repairs.repairing.keys()];

  const working = createRounds(work, { isOn, isRepeated: true, onError: saying('the worker stumbled') });
  /** Beside the rounds too, where other processes are: to claim may take long where many do. */
  const renewing = createRounds(() => renewLeases(claimed()), {
    isOn,
    onError: saying('the claims could not be renewed'),
  });
  /** Beside the rounds: a place that answers slowly or never must not hold up leases, claims and cancels. */
  const repairing = createRounds(repairs.repairAll, { isOn, onError: saying('a repair stumbled') });

  async function work(): Promise<void> {
    await active.keepNotes();
    await active.abortCancelled();
    while (!stopping && (await startNext())) {
      // As many as the limits allow.
    }
  }

  async function startNext(): Promise<boolean> {
    const allowed = await limits();
    if (stopping) return false;
    const run = await takeNext(taker, allowed);
    const kind = run && kinds[run.kind];
    if (run === undefined || kind === undefined) return false;
    active.begin(run, kind);
    // Claimed while the stop began, which did not see this run.
    if (stopping) active.stop();
    log.info(`${kind.words.noun} started`, { runId: run.id });
    return true;
  }

  /** A run or repair whose claim is not this worker's any more must not go on beside the one who has it. */
  async function renewLeases(ids: readonly string[], patienceMs?: number): Promise<void> {
    const lost = await renewClaims(taker, ids, patienceMs === undefined ? {} : { patienceMs });
    for (const id of lost) {
      const goingOn = active.abortOf(id) ?? repairs.repairing.get(id);
      if (goingOn === undefined || goingOn.signal.aborted) continue;
      log.warn('a run is no longer its own, and ends', { runId: id });
      goingOn.abort(superseded());
    }
  }

  function every(action: () => void): void {
    timers.push(setInterval(action, tickMs).unref());
    action();
  }

  /** When nothing of this worker goes on any more; a claim on its way may still add a run. */
  async function idle(): Promise<void> {
    await Promise.all([working.going(), repairing.going(), renewing.going()]);
    await active.ended();
  }

  return {
    wake: working.begin,
    cancel: active.cancel,
    start() {
      started = true;
      every(renewing.begin);
      every(working.begin);
      every(repairing.begin);
    },
    async stop(withinMs) {
      stopping = true;
      for (const timer of timers) clearInterval(timer);
      repairs.stop();
      active.stop();
      await Promise.race([idle(), new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
      for (const runId of claimed()) {
        await releaseClaim(db, { runId, claimedBy: taker.claimedBy }, now()).catch((error: unknown) =>
          // Its lease ends by itself, a little later.
          log.warn('a claim could not be given back', { runId, error }),
        );
      }
    },
  };
}
