import * as z from 'zod';
import type { RestoreRow, RunRow } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import { AppError, toAppError } from '../../errors.ts';
import { endRun, isOwn } from '../../runs/claim.ts';
import type { RepairContext, RunKind } from '../../runs/kind.ts';
import type { RestoreRunContext } from '../context.ts';
import { factsOf } from '../dump-facts.ts';
import { isLive, loadOptionsOf } from '../load-options.ts';
import { openRestoreTarget } from '../open-target.ts';
import { removeMade } from '../remove-made.ts';
import { findRestore } from '../restores.ts';
import { type FailedRestore, mayHaveMade, settleDone, settleFailed, settleLater } from '../settle.ts';
import { isSwapped, runLast } from '../swap.ts';
import { afterCommit } from './after-commit.ts';
import { runRestore } from './run-restore.ts';

/** A program on a host may go on for a moment after its connection broke. */
const HOST_RESTS_MS = 5_000;
/** Nobody waits for it, whoever asked for the restore. */
const REPAIR = 'schedule';
const REMOVAL_MS = 10 * 60_000;
const knownError = z.object({ message: z.string(), code: z.string() });
/** Those that say how a run ends; what else it was, its message says. */
const ERRORS = ['cancelled', 'shutdown'] as const;

/** Restores as a kind of run: one that its app did not survive is never run again, and what it has made is removed. */
export function createRestoreKind(context: RestoreRunContext): RunKind {
  return {
    isLimited: true,
    words: { noun: 'restore', cancelled: 'The restore was cancelled.', stopped: 'The app was stopped.' },
    first: { step: 'look', progress: 5 },
    run: (run, claimed) => runRestore(context, run, claimed),
    repair: (run, claimed) => repairRestore(context, run, claimed),
    restMs: async () => HOST_RESTS_MS,
  };
}

async function repairRestore(context: RestoreRunContext, run: RunRow, claimed: RepairContext): Promise<void> {
  const { db, log, now } = context;
  const { claim } = claimed;
  const row = await findRestore(db, run.id);
  const why = reasonOf(run);
  const step = run.step ?? 'look';
  if (row === undefined) {
    await write(db, async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await endRun(trx, claim, { state: 'interrupted', at: now(), error: errorText(why), step: null });
    });
    return;
  }
  if (!mayHaveMade(row)) {
    await settleFailed(db, claim, { error: why, step, state: 'none' }, now());
    return;
  }
  if (isLive(row)) {
    await repairLive(context, run, { row, why, step, claimed });
    return;
  }
  if (row.state === 'finishing' && row.in_place === 1) {
    await repairSwap(context, run, { row, why, step, claimed });
    return;
  }
  if (row.state === 'finishing') {
    const failed = await finishAgain(context, row, claimed.signal);
    if (failed === null) return settleDone(db, claim, now());
    log.warn('a restore that was found whole could not be ended', { runId: run.id, error: failed });
    // Nobody knows whether it has its name by now: then it must not be removed as something half.
    return tryLater(context, claimed, run, failed);
  }
  const failed = await removeMade(context, row, removalSignal(claimed), REPAIR);
  if (failed === null) {
    await settleFailed(db, claim, { error: why, step, state: 'removed' }, now());
    return;
  }
  log.warn('what a restore has made could not be removed', { runId: run.id, error: failed });
  await tryLater(context, claimed, run, failed.message);
}

interface Swap {
  readonly row: RestoreRow;
  readonly why: AppError;
  readonly step: string;
  readonly claimed: RepairContext;
}

/**
 * A swap is both names or neither, and what has not taken its place can be removed without harm: so one that was not cancelled is ended,
 * and where that can't be, what was restored goes. Only what took its place can't be removed: then it is done, which is asked first, so
 * that nothing is repeated, and once more behind a removal that failed. A swap of long ago
 * is not ended: it would throw out who is connected now, and put aside what was written since. Where nothing was loaded, giving back the
 * name costs nothing, so that it is never ended.
 */
async function repairSwap(
  context: RestoreRunContext,
  run: RunRow,
  { row, why, step, claimed }: Swap,
): Promise<void> {
  const { db, log, now } = context;
  const { claim, signal } = claimed;
  if (await isSwappedNow(context, row, signal)) return settleDone(db, claim, now());
  const isGivenUp = why.code === 'cancelled' || loadOptionsOf(row).adopts !== undefined;
  const end = async () => (wasLongAgo(row, now()) ? TOO_LATE : finishAgain(context, row, signal));
  const notEnded = isGivenUp ? null : await end();
  if (!isGivenUp && notEnded === null) return settleDone(db, claim, now());
  const notRemoved = await removeMade(context, row, removalSignal(claimed), REPAIR);
  if (notRemoved === null) {
    const error = notEnded === null ? why : new AppError('conflict', `${why.message} ${notEnded}`);
    return settleFailed(db, claim, { error, step, state: 'removed' }, now());
  }
  if (await isSwappedNow(context, row, signal)) return settleDone(db, claim, now());
  log.warn('nobody knows yet what a swap came to', { runId: run.id, error: notRemoved });
  await tryLater(context, claimed, run, notRemoved.message);
}

/** Statistics are made before the names are changed, which may take a while. */
const LONG_AGO_MS = 60 * 60_000;
const TOO_LATE =
  'Its swap had begun more than an hour before, or nobody knows when, and was not done by itself now: restore it again.';

/** What was begun before that was written down is of another version of the app, and nobody knows how long ago. */
function wasLongAgo(row: RestoreRow, now: Date): boolean {
  const { swapAt } = loadOptionsOf(row);
  return swapAt === undefined || now.getTime() - Date.parse(swapAt) > LONG_AGO_MS;
}

/**
 * One that went into a database in use has committed, whole, or nothing of it is there. What of it still goes on is ended first; what has
 * committed is compared, as it would have been.
 */
async function repairLive(
  context: RestoreRunContext,
  run: RunRow,
  { row, why, step, claimed }: Swap,
): Promise<void> {
  const { db, log, now } = context;
  const { claim, signal } = claimed;
  const notRemoved = await removeMade(context, row, removalSignal(claimed), REPAIR);
  if (notRemoved === null) return settleFailed(db, claim, { error: why, step, state: 'removed' }, now());
  if (await isSwappedNow(context, row, signal)) {
    const compared = await compareAgain(context, row, claimed);
    if (typeof compared === 'object') {
      if (compared.difference === null) return settleDone(db, claim, now());
      const error = new AppError('dump_failed', compared.difference);
      return settleFailed(db, claim, { error, step: 'compare', state: 'done' }, now());
    }
    // It was restored, for certain: only its rows could not be counted, however often it was tried.
    const error = new AppError(
      'dump_failed',
      `It was restored, and its rows could not be counted: ${compared}`,
    );
    return tryLater(context, claimed, run, compared, { error, step: 'compare', state: 'done' });
  }
  log.warn('nobody knows yet what a restore came to', { runId: run.id, error: notRemoved });
  await tryLater(context, claimed, run, notRemoved.message);
}

/** Gives why it could not be compared. */
async function compareAgain(context: RestoreRunContext, row: RestoreRow, { claim, signal }: RepairContext) {
  try {
    const dump = await factsOf(context.db, row.backup_id);
    const { host, plan } = await openRestoreTarget(context, row, dump, REPAIR);
    try {
      return await afterCommit({ db: context.db, claim, host, plan, dump, signal });
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error).message;
  }
}

/** As long as it takes: one that is broken off could never be ended. Gives why it could not be. */
async function finishAgain(
  context: RestoreRunContext,
  row: RestoreRow,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { host, plan } = await openRestoreTarget(
      context,
      row,
      await factsOf(context.db, row.backup_id),
      REPAIR,
    );
    try {
      await runLast(context, row.id, { host, plan, signal });
      return null;
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error).message;
  }
}

/** False where that can't be looked at. */
async function isSwappedNow(
  context: RestoreRunContext,
  row: RestoreRow,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await isSwapped(context, row, signal, REPAIR);
  } catch (error) {
    context.log.warn('what a swap came to could not be looked at', { runId: row.id, error });
    return false;
  }
}

/** Counted from now: what came before it, such as statistics of a large database, takes nothing from it. */
function removalSignal({ signal }: RepairContext): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(REMOVAL_MS)]);
}

async function tryLater(
  { db, now }: RestoreRunContext,
  { claim, signal }: RepairContext,
  run: RunRow,
  removalError: string,
  atLast?: FailedRestore,
): Promise<void> {
  // The app stops: the next start begins with it.
  if (signal.aborted) return;
  const step = run.step ?? 'look';
  const failed = { error: reasonOf(run), step, removalError };
  await settleLater(db, claim, atLast === undefined ? failed : { ...failed, atLast }, now());
}

/** What it failed of, where that is known already. */
function reasonOf(run: RunRow): AppError {
  if (run.error !== null) {
    const { message, code } = knownError.parse(JSON.parse(run.error));
    return new AppError(ERRORS.find((known) => known === code) ?? 'dump_failed', message);
  }
  return run.cancel_requested_at === null
    ? new AppError(
        'shutdown',
        'The app stopped while the restore ran; a restore is never begun again by itself.',
      )
    : new AppError('cancelled', 'The restore was cancelled.');
}

function errorText({ message, code }: AppError): string {
  return JSON.stringify({ message, code });
}
