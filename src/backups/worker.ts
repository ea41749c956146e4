import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { BackupRuns, RunProgress } from '../services-port.ts';
import { type RunClaim, releaseClaim, renewClaims, superseded } from './claim.ts';
import { type ProgressTracker, trackProgress } from './progress.ts';
import { sweepDeleted } from './remove-deleted.ts';
import { askUncertainNow, endEarlierLeases, reconcileExpired } from './repair-backup.ts';
import { runBackup } from './run-backup.ts';
import type { RunServices } from './run-services.ts';

import { sweepLeftovers } from './sweep.ts';

export interface WorkerOptions extends WorkerTiming {
  /** How many runs at once, in all and per server; read before each claim. */
  readonly limits: () => Promise<{ total: number; perServer: number }>;
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
  readonly sweepEveryMs?: number;
  /** How long a storage may go on with a Complete whose caller is gone. */
  readonly completeMayTakeMs?: number;
  /** Pause before an uncertain run is asked about again. */
  readonly askAgainMs?: number;
}

export interface Worker extends BackupRuns {
  /** Repairs what an earlier process left, then claims backups until stopped. */
  start(): void;
  /**
   * Claims no more, aborts what runs and waits for it, at most that long. What is not settled by then keeps an open
   * outcome: its lease is ended, and the next start reconciles it.
   */
  stop(withinMs: number): Promise<void>;
}

interface ActiveRun {
  readonly claim: RunClaim;
  readonly serverId: string | null;
  readonly abort: AbortController;
  readonly progress: ProgressTracker;
  readonly done: Promise<void>;
}

const LEASE_MS = 30_000;
const TICK_MS = 2_000;
const COMPLETE_MAY_TAKE_MS = 10 * 60_000;
const ASK_AGAIN_MS = 30_000;
/** Leftovers and tombstones are looked at this often. */
const SWEEP_EVERY_MS = 15_000;

/** Runs pending backups in this process: claims, leases, limits, cancelling, and the repairs between runs. */
export function createWorker(services: RunServices, options: WorkerOptions): Worker {
  const { db, log, now } = services;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const completeMayTakeMs = options.completeMayTakeMs ?? COMPLETE_MAY_TAKE_MS;
  const me = newId();
  const active = new Map<string, ActiveRun>();
  let stopping = false;
  let started = false;
  const timers: NodeJS.Timeout[] = [];
  /** Runs that a repair has taken over and not settled yet, each with what ends its repair. */
  const repairing = new Map<string, AbortController>();
  const stopRepairs = new AbortController();
  let round: Promise<void> | undefined;
  let again = false;
  let repairs: Promise<void> | undefined;
  let isFirstRepair = true;
  let sweeps: Promise<void> | undefined;

  /** One round at a time; a wake during a round means another one right after it. */
  function tick(): void {
    if (stopping || !started) return;
    if (round) {
      again = true;
      return;
    }
    round = work()
      .catch((error: unknown) => log.error('the backup worker stumbled', { error }))
      .finally(() => {
        round = undefined;
        if (again) {
          again = false;
          tick();
        }
      });
  }

  async function work(): Promise<void> {
    await renewLeases();
    await persistProgress();
    await abortCancelled();
    while (!stopping && (await startNext())) {
      // As many as the limits allow.
    }
  }

  /** Beside the rounds: a storage that answers slowly or never must not hold up leases, claims and cancels. */
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
      if (options.isAlone === true) await endEarlierLeases(db, me, now());
    }
    isFirstRepair = false;
    await reconcileExpired(services, {
      claimedBy: me,
      leaseMs,
      completeMayTakeMs,
      askAgainMs: options.askAgainMs ?? ASK_AGAIN_MS,
      repairing,
      running: () => [...active.keys()],
      signal: stopRepairs.signal,
    });
  }

  function sweep(): void {
    if (stopping || !started || sweeps) return;
    sweeps = sweepLeftovers(services, stopRepairs.signal)
      .then(() => sweepDeleted(services, { completeMayTakeMs }, stopRepairs.signal))
      .catch((error: unknown) => log.error('a sweep stumbled', { error }))
      .finally(() => {
        sweeps = undefined;
      });
  }

  async function startNext(): Promise<boolean> {
    const limits = await options.limits();
    if (stopping || active.size >= limits.total) return false;
    const busyServers = serversAtLimit(active, limits.perServer);
    const next = await claimNext(db, { claimedBy: me, leaseUntil: lease(), startedAt: now() }, busyServers);
    if (!next) return false;
    const abort = new AbortController();
    const claim = { backupId: next.id, claimedBy: me };
    const progress = trackProgress({ now, uptimeMs: services.uptimeMs });
    progress.enter('connect', 10);
    const done = runBackup(services, claim, progress, abort.signal)
      .catch((error: unknown) => log.error('a backup ended without an outcome', { backupId: next.id, error }))
      .finally(() => {
        active.delete(next.id);
        tick();
        repair();
      });
    active.set(next.id, { claim, serverId: next.server_id, abort, progress, done });
    // Claimed while the stop began, which did not see this run.
    if (stopping) abort.abort(stopped());
    log.info('backup started', { backupId: next.id, databaseId: next.database_id });
    return true;
  }

  /** A run or repair whose claim is not this worker's any more must not go on beside the one who has it. */
  async function renewLeases(): Promise<void> {
    const lost = await renewClaims(db, me, [...active.keys(), ...repairing.keys()], lease());
    for (const id of lost) {
      const goingOn = active.get(id)?.abort ?? repairing.get(id);
      if (goingOn === undefined || goingOn.signal.aborted) continue;
      log.warn("a backup is no longer this run's own, which ends", { backupId: id });
      goingOn.abort(superseded());
    }
  }

  async function persistProgress(): Promise<void> {
    for (const [id, run] of active) {
      const { step, progress, bytesRead, bytesStored } = run.progress.snapshot();
      await write(db, (trx) =>
        trx
          .updateTable('backups')
          .set({ step, progress, bytes_read: bytesRead, bytes_stored: bytesStored })
          .where('id', '=', id)
          .where('claimed_by', '=', me)
          .where('status', '=', 'in_progress')
          .execute(),
      );
    }
  }

  async function abortCancelled(): Promise<void> {
    if (active.size === 0) return;
    const rows = await db
      .selectFrom('backups')
      .select('id')
      .where('id', 'in', [...active.keys()])
      .where('cancel_requested_at', 'is not', null)
      .execute();
    for (const row of rows) cancel(row.id);
  }

  function cancel(backupId: string): boolean {
    const run = active.get(backupId);
    run?.abort.abort(new AppError('cancelled', 'The backup was cancelled.'));
    return run !== undefined;
  }

  function lease(): string {
    return new Date(now().getTime() + leaseMs).toISOString();
  }

  return {
    wake: tick,
    cancel,
    progress: (backupId): RunProgress | null => active.get(backupId)?.progress.snapshot() ?? null,
    start() {
      started = true;
      every(options.tickMs ?? TICK_MS, tick);
      every(options.tickMs ?? TICK_MS, repair);
      every(options.sweepEveryMs ?? SWEEP_EVERY_MS, sweep);
    },
    async stop(withinMs) {
      stopping = true;
      for (const timer of timers) clearInterval(timer);
      stopRepairs.abort(stopped());
      for (const run of active.values()) run.abort.abort(stopped());
      await Promise.race([idle(), new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
      for (const backupId of [...active.keys(), ...repairing.keys()]) {
        await releaseClaim(db, { backupId, claimedBy: me }, now()).catch((error: unknown) =>
          // Its lease ends by itself, a little later.
          log.warn('a claim could not be given back', { backupId, error }),
        );
      }
    },
  };

  function every(ms: number, action: () => void): void {
    timers.push(setInterval(action, ms).unref());
    action();
  }

  /** When nothing of this worker goes on any more; a claim on its way may still add a run. */
  async function idle(): Promise<void> {
    await Promise.all([round, repairs, sweeps]);
    while (active.size > 0) await Promise.all([...active.values()].map((run) => run.done));
  }
}

function stopped(): AppError {
  return new AppError('shutdown', 'The app was stopped while the backup ran. Start the backup again.');
}

function serversAtLimit(active: ReadonlyMap<string, ActiveRun>, perServer: number): (string | null)[] {
  const counts = new Map<string | null, number>();
  for (const run of active.values()) counts.set(run.serverId, (counts.get(run.serverId) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= perServer).map(([serverId]) => serverId);
}

/** The oldest pending backup whose database is not running and whose server has room, claimed in one statement. */
async function claimNext(
  db: Db,
  claim: { claimedBy: string; leaseUntil: string; startedAt: Date },
  busyServers: readonly (string | null)[],
): Promise<{ id: string; database_id: string; server_id: string | null } | undefined> {
  const candidates = db
    .selectFrom('backups as waiting')
    .innerJoin('databases', 'databases.id', 'waiting.database_id')
    .select('waiting.id')
    .where('waiting.status', '=', sql.lit('pending'))
    .where('waiting.cancel_requested_at', 'is', null)
    .where(
      sql<string>`coalesce(databases.server_id, '')`,
      'not in',
      busyServers.length === 0 ? ['-'] : busyServers.map((id) => id ?? ''),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('backups as running')
            .select('running.id')
            .whereRef('running.database_id', '=', 'waiting.database_id')
            .where('running.status', '=', sql.lit('in_progress')),
        ),
      ),
    )
    .orderBy('waiting.created_at')
    .limit(1);
  const claimed = await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({
        status: 'in_progress',
        claimed_by: claim.claimedBy,
        lease_until: claim.leaseUntil,
        started_at: claim.startedAt.toISOString(),
        step: 'connect',
        progress: 10,
      })
      .where('id', '=', candidates)
      .where('status', '=', 'pending')
      .returning(['id', 'database_id'])
      .executeTakeFirst(),
  );
  if (!claimed) return undefined;
  const database = await db
    .selectFrom('databases')
    .select('server_id')
    .where('id', '=', claimed.database_id)
    .executeTakeFirstOrThrow();
  return { ...claimed, server_id: database.server_id };
}
