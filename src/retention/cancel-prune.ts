import { type Actor, recordAudit } from '../audit/audit.ts';
import { pruneInputOf } from '../backups/ask-prune.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { askToCancel, cancelWaiting } from '../runs/claim.ts';
import type { Runs } from '../runs/runs.ts';

/** Ends a prune that waits or goes on; what it has not pruned yet stays until the next. Throws `not_found`, `conflict`. */
export async function cancelPrune(
  { db, now, runs }: Context & { readonly runs: Runs },
  actor: Actor,
  runId: string,
): Promise<void> {
  const asked = await write(db, async (trx) => {
    const row = await trx
      .selectFrom('runs')
      .select(['state', 'input'])
      .where('id', '=', runId)
      .where('kind', '=', 'prune')
      .executeTakeFirst();
    if (row === undefined) throw new AppError('not_found', 'Run not found');
    const message = 'The pruning was cancelled before it began.';
    const isWaiting = await cancelWaiting(trx, runId, now(), JSON.stringify({ message, code: 'cancelled' }));
    if (!isWaiting && !(await askToCancel(trx, runId, now()))) {
      throw new AppError('conflict', `The pruning has ended already: it is ${row.state}.`);
    }
    const database = await getDatabaseRow(trx, pruneInputOf(row).databaseId);
    const details = { runId, cancelled: true };
    await recordAudit(trx, actor, auditedDatabase('backup.rotate', database, { details }), now());
    return isWaiting ? 'waiting' : 'running';
  });
  if (asked === 'running') runs.cancel(runId);
}
