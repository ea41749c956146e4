import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { askToCancel, cancelWaiting } from '../runs/claim.ts';
import type { Runs } from '../runs/runs.ts';
import { endRestore } from './restores.ts';

/** Ends one that waits or runs; what it has made by then is removed. Throws `not_found`, `conflict` for one that is over. */
export async function cancelRestore(
  { db, now, runs }: Context & { readonly runs: Runs },
  actor: Actor,
  runId: string,
): Promise<void> {
  const isRunning = await write(db, async (trx) => {
    const run = await trx
      .selectFrom('runs')
      .select(['state', 'subject_id', 'kind'])
      .where('id', '=', runId)
      .where('kind', 'in', ['restore', 'drill'])
      .executeTakeFirst();
    if (run === undefined) throw new AppError('not_found', 'Run not found');
    const message = `The ${run.kind} was cancelled before it began.`;
    const wasWaiting = await cancelWaiting(trx, runId, now(), JSON.stringify({ message, code: 'cancelled' }));
    if (wasWaiting) await endRestore(trx, runId, { state: 'none', at: now() });
    if (wasWaiting) await endCancelledDrill(trx, runId, now());
    if (!wasWaiting && !(await askToCancel(trx, runId, now()))) {
      throw new AppError('conflict', `The ${run.kind} has ended already: it is ${run.state}.`);
    }
    const about = { id: run.subject_id };
    await recordAudit(trx, actor, auditEntry('backup', 'cancel', about, { details: { runId } }), now());
    return !wasWaiting;
  });
  if (isRunning) runs.cancel(runId);
}

/** Nothing of a restore that is no drill's. */
async function endCancelledDrill(trx: Trx, runId: string, at: Date): Promise<void> {
  await trx
    .updateTable('drills')
    .set({ outcome: 'cancelled', ended_at: at.toISOString() })
    .where('id', '=', runId)
    .execute();
}
