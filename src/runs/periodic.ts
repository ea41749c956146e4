import { breathe } from '../breathe.ts';
import { databaseNow } from '../db/clock.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';

/** Something that is done every so often, for as long as the app runs. */
export interface PeriodicTask {
  readonly name: string;
  readonly everyMs: number;
  /** Where it is asked often and seldom has anything to do: looked at before it is claimed, which writes. */
  hasWork?(): Promise<boolean>;
  /** So long after the start of the process it is looked at first, in ms; 0 by itself. For what may be much and has time: pages come first. */
  readonly firstAfterMs?: number;
  /** Ends soon after the signal is aborted; what it throws is logged, and it is tried again when it is due again, ever more rarely while it fails. */
  run(signal: AbortSignal): Promise<unknown>;
}

export interface PeriodicOptions {
  /** As of the worker: with it, what an earlier process held or did is no reason to wait. */
  readonly isAlone?: boolean;
  /** Where it is alone: gives back what else an earlier process held, in the write that gives back the tasks. */
  readonly giveBack?: (trx: Trx) => Promise<void>;
  readonly leaseMs?: number;
  /** Pause before the tasks are listed again where that failed. */
  readonly listAgainMs?: number;
}

export interface Periodic {
  start(): void;
  /** Aborts what is being done and waits for it, at most that long. */
  stop(withinMs: number): Promise<void>;
}

const LEASE_MS = 30_000;
/** However rare a task is, whether it is due is looked at this often: another process may have ended in the middle. */
const LOOK_EVERY_MS = 60_000;
/** One that is due and that another process has. */
const HELD_PAUSE_MS = 5_000;

/**
 * Does each task when it is due, in one process at a time: each has a row, claimed in one statement, whose lease is
 * renewed while the task goes on. A process that died in the middle of one leaves it to the next once its lease is over.
 */
export function createPeriodic(
  { db, log, now }: { readonly db: Db; readonly log: Log; readonly now: () => Date },
  tasks: readonly PeriodicTask[],
  options: PeriodicOptions = {},
): Periodic {
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const me = newId();
  const going = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  const timers = new Map<string, NodeJS.Timeout>();
  /** How often each has failed in a row. */
  const failures = new Map<string, number>();
  let stopping = false;
  const at = async () => (await databaseNow({ db, now })).getTime();

  function look(task: PeriodicTask): void {
    if (stopping) return;
    const abort = new AbortController();
    const done = doIfDue(task, abort)
      .then(() => void failures.delete(task.name))
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        failures.set(task.name, (failures.get(task.name) ?? 0) + 1);
        // What is full or away is no defect of ours.
        const level = isAppError(error, 'unavailable') ? 'warn' : 'error';
        log[level]('a periodic task stumbled', { task: task.name, error });
      })
      .then(() => pauseOf(task))
      .catch(() => task.everyMs)
      .then((usualMs) => {
        going.delete(task.name);
        if (stopping) return;
        const pauseMs = pauseAfter(task, usualMs, failures.get(task.name) ?? 0);
        timers.set(task.name, setTimeout(() => look(task), pauseMs).unref());
      });
    going.set(task.name, { abort, done });
  }

  /** Until it is due, as far as its row tells; while another process does it, until it would have been due again. */
  async function pauseOf({ name, everyMs }: PeriodicTask): Promise<number> {
    const row = await db
      .selectFrom('periodic_tasks')
      .select('due_at')
      .where('name', '=', name)
      .executeTakeFirst();
    const leftMs = row === undefined ? everyMs : Date.parse(row.due_at) - (await at());
    return leftMs > 0 ? Math.min(leftMs + 1, everyMs) : Math.min(everyMs, HELD_PAUSE_MS);
  }

  async function doIfDue(task: PeriodicTask, abort: AbortController): Promise<void> {
    if (task.hasWork !== undefined && !(await task.hasWork())) return;
    if (!(await claim(task))) return;
    const renewal = setInterval(() => {
      renew(task).then(
        (isOwn) => isOwn || abort.abort(new AppError('superseded', 'Another process does this now.')),
        (error: unknown) =>
          log.warn('the lease of a periodic task could not be renewed', { task: task.name, error }),
      );
    }, leaseMs / 3).unref();
    try {
      await task.run(abort.signal);
    } finally {
      clearInterval(renewal);
      await release(task);
    }
  }

  async function claim({ name, everyMs }: PeriodicTask): Promise<boolean> {
    const present = await at();
    const due = db
      .selectFrom('periodic_tasks')
      .select('name')
      .where('name', '=', name)
      // Further ahead than any of its pauses or leases: the clock was set back.
      .where((eb) => eb.or([eb('due_at', '<=', iso(present)), eb('due_at', '>', iso(present + 2 * everyMs))]))
      .where((eb) =>
        eb.or([
          eb('lease_until', 'is', null),
          eb('lease_until', '<=', iso(present)),
          eb('lease_until', '>', iso(present + 2 * leaseMs)),
        ]),
      );
    if ((await due.executeTakeFirst()) === undefined) return false;
    const values = { due_at: iso(present + everyMs), claimed_by: me, lease_until: iso(present + leaseMs) };
    const claimed = await write(db, (trx) =>
      trx
        .updateTable('periodic_tasks')
        .set(values)
        .where('name', 'in', due)
        .returning('name')
        .executeTakeFirst(),
    );
    return claimed !== undefined;
  }

  async function renew({ name }: PeriodicTask): Promise<boolean> {
    const present = await at();
    const renewed = await write(db, (trx) =>
      trx
        .updateTable('periodic_tasks')
        .set({ lease_until: iso(present + leaseMs) })
        .where('name', '=', name)
        .where('claimed_by', '=', me)
        .returning('name')
        .executeTakeFirst(),
    );
    return renewed !== undefined;
  }

  async function release({ name }: PeriodicTask): Promise<void> {
    await write(db, (trx) =>
      trx
        .updateTable('periodic_tasks')
        .set({ claimed_by: null, lease_until: null })
        .where('name', '=', name)
        .where('claimed_by', '=', me)
        .execute(),
    );
  }

  async function list(): Promise<void> {
    const dueAt = iso(await at());
    await write(db, async (trx) => {
      if (options.isAlone === true) await options.giveBack?.(trx);
      for (const { name } of tasks) {
        await trx
          .insertInto('periodic_tasks')
          .values({ name, due_at: dueAt })
          .onConflict((conflict) =>
            options.isAlone === true
              ? conflict.column('name').doUpdateSet({ due_at: dueAt, claimed_by: null, lease_until: null })
              : conflict.column('name').doNothing(),
          )
          .execute();
      }
    });
  }

  /** Until they are listed: a database that is away for a while must not end what is periodic for good. */
  function begin(): void {
    list().then(lookAtEach, (error: unknown) => {
      log.error('the periodic tasks could not be listed', { error });
      if (!stopping) timers.set('', setTimeout(begin, options.listAgainMs ?? HELD_PAUSE_MS).unref());
    });
  }

  /** One after the other: all of them in one piece would let nobody in for a sixth of a second, right after the start. */
  async function lookAtEach(): Promise<void> {
    for (const task of tasks) {
      if (stopping) return;
      if (task.firstAfterMs === undefined) look(task);
      else timers.set(task.name, setTimeout(() => look(task), task.firstAfterMs).unref());
      await breathe();
    }
  }

  return {
    start: begin,
    async stop(withinMs) {
      stopping = true;
      for (const timer of timers.values()) clearTimeout(timer);
      for (const { abort } of going.values()) abort.abort(new AppError('shutdown', 'The app was stopped.'));
      const idle = Promise.all([...going.values()].map(({ done }) => done));
      await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
    },
  };
}

/** What fails is looked at ever more rarely, so that a database that is away fills no log. */
export function pauseAfter(
  { everyMs }: Pick<PeriodicTask, 'everyMs'>,
  usualMs: number,
  failures: number,
): number {
  const pauseMs = failures === 0 ? usualMs : Math.max(usualMs, everyMs * 2 ** Math.min(failures, 16));
  return Math.min(pauseMs, LOOK_EVERY_MS);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
