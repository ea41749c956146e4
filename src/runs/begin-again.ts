import type { Context } from '../db/context.ts';
import type { RunRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError, toAppError } from '../errors.ts';
import { endRun, isOwn, type RunClaim, requeueRun } from './claim.ts';

/** Of a kind whose run can simply be begun again: what it had done stands, or changed nothing. */
export interface Repeatable {
  /** One that its app did not survive so often is not begun again. */
  readonly mostAttempts: number;
  /** What its row says where it was cancelled, and where it is not begun again. */
  readonly cancelled: string;
  readonly interrupted: string;
}

/** Lets a run that its app did not survive wait for its next turn, or ends it where that is of no use. */
export async function beginAgain(
  { db, now }: Context,
  run: RunRow,
  claim: RunClaim,
  { mostAttempts, cancelled, interrupted }: Repeatable,
): Promise<void> {
  await write(db, async (trx) => {
    if (!(await isOwn(trx, claim))) return;
    if (run.cancel_requested_at !== null) {
      await end(trx, claim, 'cancelled', new AppError('cancelled', cancelled), now());
      return;
    }
    if (run.attempts < mostAttempts && (await requeueRun(trx, claim))) return;
    await end(trx, claim, 'interrupted', new AppError('shutdown', interrupted), now());
  });
}

/** Ends a run by what it threw; a stop of the app lets it wait for the next start, and another's run is left alone. */
export async function endByError(
  context: Context,
  run: RunRow,
  claim: RunClaim,
  error: unknown,
  repeatable: Repeatable,
): Promise<void> {
  if (isAppError(error, 'superseded')) return;
  if (isAppError(error, 'shutdown')) {
    await beginAgain(context, run, claim, repeatable);
    return;
  }
  const known = toAppError(error);
  await write(context.db, async (trx) => {
    if (!(await isOwn(trx, claim))) return;
    await end(trx, claim, known.code === 'cancelled' ? 'cancelled' : 'failed', known, context.now());
  });
}

async function end(
  trx: Trx,
  claim: RunClaim,
  state: 'failed' | 'cancelled' | 'interrupted',
  { code, message }: AppError,
  at: Date,
): Promise<void> {
  await endRun(trx, claim, { state, at, step: null, error: JSON.stringify({ message, code }) });
}
