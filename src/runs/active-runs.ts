import type { RunRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RunContext, RunKind, RunNote } from './kind.ts';
import type { Taker } from './take.ts';

/** The runs that this process has claimed and not ended. */
export interface ActiveRuns {
  readonly ids: () => readonly string[];
  /** What ends that run; undefined where it does not go on here. */
  abortOf(runId: string): AbortController | undefined;
  /** Runs what was claimed. */
  begin(run: RunRow, kind: RunKind): void;
  /** Keeps in each row how far its run is. */
  keepNotes(): Promise<void>;
  /** Aborts those that somebody has asked to cancel, at whatever process. */
  abortCancelled(): Promise<void>;
  /** Aborts one; false where it does not go on here. */
  cancel(runId: string): boolean;
  /** Aborts all, since the app stops. */
  stop(): void;
  /** Until none goes on; a claim on its way may still add one. */
  ended(): Promise<void>;
}

interface ActiveRun {
  readonly run: RunRow;
  readonly kind: RunKind;
  readonly abort: AbortController;
  done: Promise<void>;
  note: (() => RunNote) | undefined;
}

export function createActiveRuns(
  { db, claimedBy }: Pick<Taker, 'db' | 'claimedBy'>,
  log: Log,
  {
    renew,
    onEnd,
  }: {
    /** Renews the claim of that run, with the patience that is due to what has gone on for hours. */
    readonly renew: (runId: string) => Promise<void>;
    readonly onEnd: () => void;
  },
): ActiveRuns {
  const active = new Map<string, ActiveRun>();

  function begin(run: RunRow, kind: RunKind): void {
    const abort = new AbortController();
    const entry: ActiveRun = { run, kind, abort, done: Promise.resolve(), note: undefined };
    active.set(run.id, entry);
    entry.done = kind
      .run(run, contextOf(entry))
      .catch((error: unknown) =>
        log.error(`a ${kind.words.noun} ended without an outcome`, { runId: run.id, error }),
      )
      .finally(() => {
        active.delete(run.id);
        onEnd();
      });
  }

  function contextOf(entry: ActiveRun): RunContext {
    const { run, abort } = entry;
    return {
      claim: { runId: run.id, claimedBy },
      signal: abort.signal,
      follow(note) {
        entry.note = note;
      },
      async hold() {
        await renew(run.id);
        abort.signal.throwIfAborted();
      },
      keepNote: () => keepNote(entry),
    };
  }

  async function keepNote({ run, kind, note }: ActiveRun): Promise<void> {
    if (note === undefined) return;
    const { step, progress, detail } = note();
    await write(db, async (trx) => {
      const kept = await trx
        .updateTable('runs')
        .set({ step, progress, ...(detail === undefined ? {} : { detail: JSON.stringify(detail) }) })
        .where('id', '=', run.id)
        .where('claimed_by', '=', claimedBy)
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

  return {
    ids: () => [...active.keys()],
    abortOf: (runId) => active.get(runId)?.abort,
    begin,
    async keepNotes() {
      for (const run of active.values()) await keepNote(run);
    },
    abortCancelled,
    cancel,
    stop() {
      for (const { abort, kind } of active.values())
        abort.abort(new AppError('shutdown', kind.words.stopped));
    },
    async ended() {
      while (active.size > 0) await Promise.all([...active.values()].map((run) => run.done));
    },
  };
}
