import type { Db, RunRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { superseded } from './claim.ts';
import type { RunContext, RunKind, RunKinds, RunNote } from './kind.ts';
import {
  askUncertainNow,
  endEarlierLeases,
  type RunLimits,
  releaseClaim,
  renewClaims,
  type Taker,
  takeExpired,
  takeNext,
} from './take.ts';

export interface WorkerOptions extends WorkerTiming {
  /** How many limited runs at once; read before each claim. */
  readonly limits: () => Promise<RunLimits>;
  /**
   * Whether no other process can work on this database, as where this one holds the lock of its folder: claims that are
   * there when it starts are then those of a process that has ended, and nobody waits for their leases.
   */
  readonly isAlone?: boolean;
}

export interface WorkerTiming {
  /** How long a claim counts without being renewed. */
  readonly leaseMs?: number;
  readonly tickMs?: number;
}

export interface Worker {
  /** Repairs what an earlier process left, then claims runs until stopped. */
  start(): void;
  /** Looks for waiting runs now, not at the next round. */
  wake(): void;
  /** Aborts a run of this process; false when it runs none of that id. */
  cancel(runId: string): boolean;
  /**
   * Claims no more, aborts what runs and waits for it, at most that long. What is not settled by then keeps an open
   * outcome: its lease is ended, and the next start repairs it.
   */
  stop(withinMs: number): Promise<void>;
}

interface ActiveRun {
  readonly run: RunRow;
  readonly kind: RunKind;
  readonly abort: AbortController;
  done: Promise<void>;
  note: (() => RunNote) | undefined;
}

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
  const me = newId();
  const taker: Taker = { db, kinds, claimedBy: me, leaseMs: options.leaseMs ?? LEASE_MS, now };
  const active = new Map<string, ActiveRun>();
  /** Runs that a repair has taken over and not settled yet, each with what ends its repair. */
  const repairing = new Map<string, AbortController>();
  const stopRepairs = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  let stopping = false;
  let started = false;
  let round: Promise<void> | undefined;
  let again = false;
  let renewal: Promise<void> | undefined;
  let repairs: Promise<void> | undefined;
  let isFirstRepair = true;

  /** One round at a time; a wake during a round means another one right after it. */
  function tick(): void {
    if (stopping || !started) return;
    if (round) {
      again = true;
      return;
    }
    round = work()
      .catch((error: unknown) => log.error('the worker stumbled', { error }))
      .finally(() => {
        round = undefined;
        if (again) {
          again = false;
          tick();
        }
      });
  }

  /** Beside the rounds too, where other processes are: to claim may take long where many do. */
  function renew(): void {
    if (stopping || !started || renewal) return;
    renewal = renewLeases([...active.keys(), ...repairing.keys()])
      .catch((error: unknown) => log.error('the claims could not be renewed', { error }))
      .finally(() => {
        renewal = undefined;
      });
  }

  async function work(): Promise<void> {
    for (const run of active.values()) await keepNote(run);
    await abortCancelled();
    while (!stopping && (await startNext())) {
      // As many as the limits allow.
    }
  }

  /** Beside the rounds: a place that answers slowly or never must not hold up leases, claims and cancels. */
  function repair(): void {
    if (stopping || !started || repairs) return;
    repairs = repairAll()
      .catch((error: unknown) => log.error('a repair stumbled', { error }))
      .finally(() => {
        repairs = undefined;
      });
  }

  async function repairAll(): Promise<void> {
    if (isFirstRepair) {
      await askUncertainNow(db, now());
      if (options.isAlone === true) await endEarlierLeases(taker);
    }
    isFirstRepair = false;
    await repairExpired(taker, { repairing, running: () => [...active.keys()], signal: stopRepairs.signal });
  }

  async function startNext(): Promise<boolean> {
    const limits = await options.limits();
    if (stopping) return false;
    const run = await takeNext(taker, limits);
    const kind = run && kinds[run.kind];
    if (run === undefined || kind === undefined) return false;
    const abort = new AbortController();
    const claim = { runId: run.id, claimedBy: me };
    const entry: ActiveRun = { run, kind, abort, done: Promise.resolve(), note: undefined };
    active.set(run.id, entry);
    const context: RunContext = {
      claim,
      signal: abort.signal,
      follow(note) {
        entry.note = note;
      },
      async hold() {
        await renewLeases([run.id], { patienceMs: HOLD_PATIENCE_MS });
        abort.signal.throwIfAborted();
      },
      keepNote: () => keepNote(entry),
    };
    entry.done = kind
      .run(run, context)
      .catch((error: unknown) =>
        log.error(`a ${kind.words.noun} ended without an outcome`, { runId: run.id, error }),
      )
      .finally(() => {
        active.delete(run.id);
        tick();
        repair();
      });
    // Claimed while the stop began, which did not see this run.
    if (stopping) abort.abort(stopped(kind));
    log.info(`${kind.words.noun} started`, { runId: run.id });
    return true;
  }

  /** A run or repair whose claim is not this worker's any more must not go on beside the one who has it. */
  async function renewLeases(
    ids: readonly string[],
    patience: { readonly patienceMs?: number } = {},
  ): Promise<void> {
    const lost = await renewClaims(taker, ids, patience);
    for (const id of lost) {
      const goingOn = active.get(id)?.abort ?? repairing.get(id);
      if (goingOn === undefined || goingOn.signal.aborted) continue;
      log.warn('a run is no longer its own, and ends', { runId: id });
      goingOn.abort(superseded());
    }
  }

  async function keepNote({ run, kind, note }: ActiveRun): Promise<void> {
    if (note === undefined) return;
    const { step, progress, detail } = note();
    await write(db, async (trx) => {
      const kept = await trx
        .updateTable('runs')
        .set({ step, progress, ...(detail === undefined ? {} : { detail: JSON.stringify(detail) }) })
        .where('id', '=', run.id)
        .where('claimed_by', '=', me)
        .where('state', '=', 'running')
        .returning('id')
        .executeTakeFirst();
      if (kept !== undefined) await kind.keep?.(trx, run);
    });
  }

  async function abortCancelled(): Promise<void> {
    if (active.size === 0) return;
    const rows = await db
      .selectFrom('runs')
      .select('id')
      .where('id', 'in', [...active.keys()])
      .where('cancel_requested_at', 'is not', null)
      .execute();
    for (const row of rows) cancel(row.id);
  }

  function cancel(runId: string): boolean {
    const run = active.get(runId);
    run?.abort.abort(new AppError('cancelled', run.kind.words.cancelled));
    return run !== undefined;
  }

  function every(ms: number, action: () => void): void {
    timers.push(setInterval(action, ms).unref());
    action();
  }

  /** When nothing of this worker goes on any more; a claim on its way may still add a run. */
  async function idle(): Promise<void> {
    await Promise.all([round, repairs, renewal]);
    while (active.size > 0) await Promise.all([...active.values()].map((run) => run.done));
  }

  return {
    wake: tick,
    cancel,
    start() {
      started = true;
      every(options.tickMs ?? TICK_MS, renew);
      every(options.tickMs ?? TICK_MS, tick);
      every(options.tickMs ?? TICK_MS, repair);
    },
    async stop(withinMs) {
      stopping = true;
      for (const timer of timers) clearInterval(timer);
      stopRepairs.abort(new AppError('shutdown', 'The app was stopped.'));
      for (const run of active.values()) run.abort.abort(stopped(run.kind));
      await Promise.race([idle(), new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
      for (const runId of [...active.keys(), ...repairing.keys()]) {
        await releaseClaim(db, { runId, claimedBy: me }, now()).catch((error: unknown) =>
          // Its lease ends by itself, a little later.
          log.warn('a claim could not be given back', { runId, error }),
        );
      }
    },
  };
}

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

function stopped({ words }: RunKind): AppError {
  return new AppError('shutdown', words.stopped);
}
