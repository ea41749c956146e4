import * as z from 'zod';
import { loadStored } from '../../backups/stored.ts';
import type { RunRow } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { RestoreRunContext } from '../../restores/context.ts';
import { runRestore, settleRemoval } from '../../restores/node/run-restore.ts';
import { removeMade } from '../../restores/remove-made.ts';
import { loadRestore } from '../../restores/restores.ts';
import { mayHaveMade, settleFailed, settleLater } from '../../restores/settle.ts';
import { requireClaim } from '../../runs/claim.ts';
import type { RepairContext, RunContext, RunKind } from '../../runs/kind.ts';
import { readInFull } from '../../verifications/node/read-in-full.ts';
import { recordProof } from '../../verifications/record-proof.ts';
import { endDrill, findDrill } from '../drills.ts';
import { drillFailureOf, wordsOf } from '../failure.ts';
import { recordFailed, recordProven } from '../record-outcome.ts';

/** A program on a host may go on for a moment after its connection broke. */
const HOST_RESTS_MS = 5_000;
const REPAIR_MS = 10 * 60_000;
const CANCELLED = 'The drill was cancelled.';
const STOPPED = 'The app stopped while the drill ran; a drill is never begun again by itself.';

/** Drills as a kind of run: a restore that is compared, measured, told of and removed. Whatever becomes of it, nothing of it stays. */
export function createDrillKind(context: RestoreRunContext): RunKind {
  return {
    isLimited: true,
    words: { noun: 'drill', cancelled: CANCELLED, stopped: 'The app was stopped.' },
    first: { step: 'look', progress: 5 },
    run: (run, claimed) => runDrill(context, run, claimed),
    repair: (run, claimed) => repairDrill(context, run, claimed),
    restMs: async () => HOST_RESTS_MS,
  };
}

async function runDrill(context: RestoreRunContext, run: RunRow, claimed: RunContext): Promise<void> {
  const { db, now } = context;
  await runRestore(context, run, claimed, {
    async proven(measured) {
      const stored = await loadStored(db, run.subject_id ?? '');
      await write(db, async (trx) => {
        await requireClaim(trx, claimed.claim);
        const restore = await loadRestore(trx, run.id);
        await recordProven(trx, measured, { restore, at: now(), stored });
      });
    },
    async failed(error) {
      if (!isAppError(error, 'cancelled')) return tellFailure(context, run, claimed, error);
      await write(db, async (trx) => {
        await requireClaim(trx, claimed.claim);
        await endDrill(trx, run.id, { outcome: 'cancelled', at: now() });
      });
    },
  });
}

/** A backup is condemned by two readings alone: the drill's own may have met with a fault on its way. */
async function tellFailure(
  context: RestoreRunContext,
  run: RunRow,
  { claim, signal }: RunContext,
  error: unknown,
): Promise<void> {
  const { db, now, log } = context;
  const suspected = drillFailureOf(error);
  const read = suspected === 'damaged' ? await readAgain(context, run, signal) : null;
  const damage = read?.read.damage ?? null;
  const failure = suspected === 'damaged' && damage === null ? 'other' : suspected;
  const again =
    suspected !== 'damaged' || damage !== null
      ? ''
      : read === null
        ? ' It could not be read a second time, so that nothing is said of the backup.'
        : ' Read a second time the backup is whole: it was a fault on the way, or its rows had been counted wrongly.';
  const says = damage ?? `${wordsOf(error)}${again}`;
  if (failure === 'damaged') log.error('a backup is damaged', { backupId: run.subject_id, damage: says });
  await write(db, async (trx) => {
    await requireClaim(trx, claim);
    const at = now();
    // Whole, too: rows that were counted wrongly when it was made are written down anew.
    if (read !== null) await recordProof(trx, read.stored, read.read, at);
    await recordFailed(trx, { failure, says }, { restore: await loadRestore(trx, run.id), at });
  });
}

/** Null where it could not be read. */
async function readAgain({ db, openPlace, log }: RestoreRunContext, run: RunRow, signal: AbortSignal) {
  try {
    const stored = await loadStored(db, run.subject_id ?? '');
    const { store, close } = await openPlace(stored.place);
    try {
      return { stored, read: await readInFull(store, stored, { signal, onProgress: () => {} }) };
    } finally {
      await close().catch((error: unknown) =>
        log.warn('a connection of a drill could not be closed', { error }),
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    log.warn('a backup that a drill suspects could not be read a second time', { runId: run.id, error });
    return null;
  }
}

/** One that its app did not survive: what it has made is removed, and what it had told of stays told. */
async function repairDrill(context: RestoreRunContext, run: RunRow, claimed: RepairContext): Promise<void> {
  const { db, log, now } = context;
  const { claim } = claimed;
  const signal = AbortSignal.any([claimed.signal, AbortSignal.timeout(REPAIR_MS)]);
  const outcome = run.cancel_requested_at === null ? 'interrupted' : 'cancelled';
  await write(db, (trx) => endDrill(trx, run.id, { outcome, at: now() }));
  const [row, drill] = [await loadRestore(db, run.id), await findDrill(db, run.id)];
  const [error, step] = [reasonOf(run), run.step ?? 'look'];
  if (!mayHaveMade(row)) {
    await settleFailed(db, claim, { error, step, state: 'none' }, now());
    return;
  }
  if (drill?.outcome === 'proven') {
    // The app stops: the next start begins with it.
    if (!claimed.signal.aborted) await settleRemoval(context, row, claim, signal);
    return;
  }
  const failed = await removeMade(context, row, signal, 'schedule');
  if (failed === null) {
    await settleFailed(db, claim, { error, step, state: 'removed' }, now());
    return;
  }
  log.warn('what a drill has made could not be removed', { runId: run.id, error: failed });
  if (claimed.signal.aborted) return;
  await settleLater(db, claim, { error, step, removalError: failed.message }, now());
}

const knownError = z.object({ message: z.string(), code: z.string() });

/** What it failed of, where that is known already. */
function reasonOf(run: RunRow): AppError {
  if (run.error !== null) {
    const { message, code } = knownError.parse(JSON.parse(run.error));
    const known = (['cancelled', 'shutdown'] as const).find((one) => one === code);
    return new AppError(known ?? 'dump_failed', message);
  }
  return run.cancel_requested_at === null
    ? new AppError('shutdown', STOPPED)
    : new AppError('cancelled', CANCELLED);
}
