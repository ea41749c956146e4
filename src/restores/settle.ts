import type { Stored } from '../backups/stored.ts';
import type { Db, RestoreRow, RestoreState } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError, toAppError } from '../errors.ts';
import { pauseMs } from '../leftovers/patience.ts';
import { type EndOfRun, endRun, isOwn, type RunClaim } from '../runs/claim.ts';
import { markKept } from './in-place.ts';
import { type Measured, recordRestored } from './record-restored.ts';
import { endRestore, loadRestore, whatExists } from './restores.ts';

/** Why a restore ends without what was asked for, and what is there of it. */
export interface FailedRestore {
  readonly error: unknown;
  readonly step: string;
  /** `done`: what was restored is there all the same, and can’t be taken back. */
  readonly state: Extract<RestoreState, 'none' | 'removed' | 'left' | 'done'>;
  readonly removalError?: string;
}

/** What the outcome needs is on its way for minutes: a restore of hours is not given up for a database that is away for a while. */
const PATIENCE_MS = 5 * 60_000;
/** Over about an hour and a half; then a person has to. */
const MOST_TRIES = 10;

/** What a restore proves of its backup, where all of it was restored and compared. */
export interface ProvenRestore {
  readonly measured: Measured;
  readonly stored: Stored;
}

export async function settleDone(
  db: Db,
  claim: RunClaim,
  at: Date,
  proven: ProvenRestore | null = null,
): Promise<void> {
  await write(
    db,
    async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await endRestore(trx, claim.runId, { state: 'done', at });
      if (proven !== null) {
        const { measured, stored } = proven;
        await recordRestored(trx, measured, { restore: await loadRestore(trx, claim.runId), stored, at });
      }
      await markKept(trx, claim.runId);
      await endRun(trx, claim, { state: 'completed', at, error: null, step: null, progress: 100 });
    },
    { patienceMs: PATIENCE_MS },
  );
}

/** Of a drill: what it made is gone again, as it is to be. */
export async function settleRemoved(db: Db, claim: RunClaim, at: Date): Promise<void> {
  await write(
    db,
    async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await endRestore(trx, claim.runId, { state: 'removed', at });
      await endRun(trx, claim, { state: 'completed', at, error: null, step: null, progress: 100 });
    },
    { patienceMs: PATIENCE_MS },
  );
}

/** The run says what failed, in the server's own words, and what is there now. */
export async function settleFailed(db: Db, claim: RunClaim, failed: FailedRestore, at: Date): Promise<void> {
  const { state, removalError = null } = failed;
  const known = toAppError(failed.error);
  await write(
    db,
    async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await endRestore(trx, claim.runId, { state, removalError, at });
      const exists = whatExists(await loadRestore(trx, claim.runId));
      const { stderr } = known.details;
      const error = {
        message: `${known.message} ${exists}`,
        why: known.message,
        code: known.code,
        step: failed.step,
        ...(stderr === undefined || stderr.trim() === '' ? {} : { stderr }),
      };
      await endRun(trx, claim, { state: endOf(failed.error), at, error: JSON.stringify(error), step: null });
    },
    { patienceMs: PATIENCE_MS },
  );
}

interface LaterRestore extends Omit<FailedRestore, 'state'> {
  readonly removalError: string;
  /** How it ends after the last try; absent: what it has made is left to a person. */
  readonly atLast?: FailedRestore;
}

/** What it has made could not be removed: it is tried again, with the login that was given, and after enough tries left to a person. */
export async function settleLater(
  db: Db,
  claim: RunClaim,
  { error, step, removalError, atLast }: LaterRestore,
  at: Date,
): Promise<void> {
  const { removal_tries: tries } = await loadRestore(db, claim.runId);
  if (tries + 1 >= MOST_TRIES) {
    await settleFailed(db, claim, atLast ?? { error, step, state: 'left', removalError }, at);
    return;
  }
  const { message, code } = toAppError(error);
  await write(
    db,
    async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await trx
        .updateTable('restores')
        .set({ removal_tries: tries + 1, removal_error: removalError })
        .where('id', '=', claim.runId)
        .execute();
      const askAgainAt = new Date(at.getTime() + pauseMs(tries));
      const text = JSON.stringify({ message, code, step });
      await endRun(trx, claim, { state: 'uncertain', at, error: text, step, askAgainAt });
    },
    { patienceMs: PATIENCE_MS },
  );
}

function endOf(error: unknown): EndOfRun['state'] {
  if (isAppError(error, 'cancelled')) return 'cancelled';
  return isAppError(error, 'shutdown') ? 'interrupted' : 'failed';
}

/** What a restore has made by its row, which says so before anything is made. */
export function mayHaveMade({ state }: Pick<RestoreRow, 'state'>): boolean {
  return state === 'making' || state === 'loading' || state === 'finishing';
}
