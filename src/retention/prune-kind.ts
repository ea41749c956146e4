import { createSlots } from '../at-once.ts';
import { type PruneInput, pruneInputOf } from '../backups/ask-prune.ts';
import type { RunRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { recordEvent } from '../events/events.ts';
import { beginAgain, endByError, type Repeatable } from '../runs/begin-again.ts';
import { endRun, isOwn, type RunClaim } from '../runs/claim.ts';
import type { RunContext, RunKind, RunNote } from '../runs/kind.ts';
import { type PruneContext, type Pruned, prune } from './prune.ts';

const FIRST_STEP = 'deciding';
/** Of one process: what is pruned is many small requests, and must not be in the way of backups. */
const AT_ONCE = 4;
/** One that is not begun again is asked for anew by the next backup or the daily sweep. */
const REPEATABLE: Repeatable = {
  mostAttempts: 5,
  cancelled: 'The pruning was cancelled. What was not pruned yet stays.',
  interrupted: 'The app stopped while backups were pruned.',
};
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
    repair: (run, { claim }) => beginAgain(context, run, claim, REPEATABLE),
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
    const input = pruneInputOf(run);
    const pruned = await prune(context, {
      input,
      claim,
      signal,
      onPruned({ count, left }) {
        const progress = Math.min(99, Math.floor((100 * count) / Math.max(1, count + left)));
        note = { step: 'removing', progress, detail: { pruned: count, left } };
      },
    });
    await write(context.db, async (trx) => {
      if (!(await isOwn(trx, claim))) return;
      await tell(trx, input, pruned, context.now());
      await settle(trx, claim, pruned, context.now());
    });
  } catch (error) {
    // The database was deleted meanwhile, or somebody ended it: nothing is wrong.
    if (!isAppError(error, 'not_found', 'cancelled', 'superseded', 'shutdown')) {
      context.log.error('the backups of a database could not be pruned', { runId: run.id, error });
    }
    await endByError(context, run, claim, error, REPEATABLE);
  }
}

/** Events for people; nobody is left to be told of a database that is gone. */
async function tell(trx: Trx, input: PruneInput, { count, bytesFreed, errors }: Pruned, at: Date) {
  const database = await trx
    .selectFrom('databases')
    .select(['name', 'environment_id'])
    .where('id', '=', input.databaseId)
    .executeTakeFirst();
  if (database === undefined) return;
  const of = { databaseId: input.databaseId, environmentId: database.environment_id };
  const { name: databaseName } = database;
  if (input.trigger === 'policy-change' && count > 0) {
    const data = { databaseName, pruned: count, bytesFreed };
    await recordEvent(trx, { type: 'backup.policy_first_prune', ...of, data }, at);
  }
  const [first, ...more] = errors.filter(({ isNew }) => isNew);
  if (first === undefined) return;
  const data = { databaseName, failed: 1 + more.length, error: first.error };
  await recordEvent(trx, { type: 'backup.rotation_error', ...of, data }, at);
}

async function settle(trx: Trx, claim: RunClaim, { count, bytesFreed, errors, freeze }: Pruned, at: Date) {
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
  const detail = {
    pruned: count,
    bytesFreed,
    errors: errors.slice(0, MOST_ERRORS).map(({ backupId, error }) => ({ backupId, error })),
    frozen: freeze !== null,
  };
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
