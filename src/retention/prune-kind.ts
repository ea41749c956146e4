import { createSlots } from '../at-once.ts';
import { pruneInputOf } from '../backups/ask-prune.ts';
import type { RunRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError, toAppError } from '../errors.ts';
import { endRun, isOwn, type RunClaim, requeueRun } from '../runs/claim.ts';
import type { RunContext, RunKind, RunNote } from '../runs/kind.ts';
import { type PruneContext, type Pruned, prune } from './prune.ts';

const FIRST_STEP = 'deciding';
/** Of one process: what is pruned is many small requests, and must not be in the way of backups. */
const AT_ONCE = 4;
/** One that its app did not survive so often is not begun again; the next backup or the daily sweep asks anew. */
const MOST_ATTEMPTS = 5;
/** What was pruned is in the audit; the runs themselves are not kept longer. */
const KEPT_MS = 90 * 86_400_000;
const MOST_ERRORS = 100;

/** Pruning as a kind of run. One that had nothing to do leaves no row: it is asked for after every backup. */
export function createPruneKind(context: PruneContext): RunKind {
  const slots = createSlots(AT_ONCE);
  return {
    isLimited: false,
    words: {
      noun: 'pruning',
      cancelled: 'The pruning was cancelled. What was not pruned yet stays.',
      stopped: 'The app stops.',
    },
    first: { step: FIRST_STEP, progress: 0 },
    async run(run, runContext) {
      const release = await slots.take(runContext.signal).catch(() => null);
      try {
        await runPrune(context, run, runContext);
      } finally {
        release?.();
      }
    },
    repair: (run, { claim }) => beginAgain(context, run, claim),
  };
}

async function runPrune(
  context: PruneContext,
  run: RunRow,
  { claim, signal, follow }: RunContext,
): Promise<void> {
  let note: RunNote = { step: FIRST_STEP, progress: 0 };
  follow(() => note);
  try {
    const pruned = await prune(context, {
      input: pruneInputOf(run),
      claim,
      signal,
      onPruned({ count, left }) {
        const progress = Math.min(99, Math.floor((100 * count) / Math.max(1, count + left)));
        note = { step: 'removing', progress, detail: { pruned: count, left } };
      },
    });
    await write(context.db, (trx) => settle(trx, claim, pruned, context.now()));
  } catch (error) {
    await settleWithout(context, run, claim, error);
  }
}

async function settle(trx: Trx, claim: RunClaim, { count, bytesFreed, errors, freeze }: Pruned, at: Date) {
  if (!(await isOwn(trx, claim))) return;
  if (count === 0 && errors.length === 0) {
    await trx.deleteFrom('runs').where('id', '=', claim.runId).execute();
    return;
  }
  const [first] = errors;
  const message = `${errors.length} of ${count + errors.length} backups could not be removed: ${first?.error}`;
  await endRun(trx, claim, {
    state: first === undefined ? 'completed' : 'failed',
    at,
    error: first === undefined ? null : JSON.stringify({ message, code: 'storage_refused' }),
    step: null,
    progress: 100,
  });
  const detail = { pruned: count, bytesFreed, errors: errors.slice(0, MOST_ERRORS), frozen: freeze !== null };
  await trx
    .updateTable('runs')
    .set({ detail: JSON.stringify(detail) })
    .where('id', '=', claim.runId)
    .execute();
  await trx
    .deleteFrom('runs')
    .where('kind', '=', 'prune')
    .where('created_at', '<', new Date(at.getTime() - KEPT_MS).toISOString())
    .where('state', 'in', ['completed', 'failed', 'cancelled', 'interrupted'])
    .execute();
}

async function settleWithout(
  context: PruneContext,
  run: RunRow,
  claim: RunClaim,
  error: unknown,
): Promise<void> {
  if (isAppError(error, 'superseded')) return;
  if (isAppError(error, 'shutdown')) {
    await beginAgain(context, run, claim);
    return;
  }
  // The database was deleted meanwhile, or somebody ended it: nothing is wrong.
  if (!isAppError(error, 'not_found', 'cancelled')) {
    context.log.error('the backups of a database could not be pruned', { runId: run.id, error });
  }
  const { code, message } = toAppError(error);
  const state = code === 'cancelled' ? 'cancelled' : 'failed';
  await write(context.db, (trx) => end(trx, claim, { state, at: context.now(), error: { code, message } }));
}

async function beginAgain({ db, now }: PruneContext, run: RunRow, claim: RunClaim): Promise<void> {
  await write(db, async (trx) => {
    if (!(await isOwn(trx, claim))) return;
    if (run.cancel_requested_at !== null) {
      const error = new AppError('cancelled', 'The pruning was cancelled. What was not pruned yet stays.');
      await end(trx, claim, { state: 'cancelled', at: now(), error });
      return;
    }
    if (run.attempts < MOST_ATTEMPTS && (await requeueRun(trx, claim))) return;
    const error = new AppError('shutdown', 'The app stopped while backups were pruned.');
    await end(trx, claim, { state: 'interrupted', at: now(), error });
  });
}

async function end(
  trx: Trx,
  claim: RunClaim,
  {
    state,
    at,
    error,
  }: { state: 'failed' | 'cancelled' | 'interrupted'; at: Date; error: Pick<AppError, 'code' | 'message'> },
): Promise<void> {
  if (!(await isOwn(trx, claim))) return;
  const { code, message } = error;
  await endRun(trx, claim, { state, at, step: null, error: JSON.stringify({ message, code }) });
}
