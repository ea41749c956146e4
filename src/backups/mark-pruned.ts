import type { Trx } from '../db/schema.ts';
import { countBackIn, countOut } from './count-backup.ts';

/** Who marks it removes it; the sweep goes on with what was not removed by then. */
const OWN_TRY_MS = 60_000;

/**
 * Makes tombstones of completed backups that retention prunes, each with the rule that says so. Whoever calls this has decided it
 * in this very transaction. Gives the ids of those that were still to be seen.
 */
export async function markPruned(
  trx: Trx,
  backups: readonly { readonly id: string; readonly rule: string }[],
  now: Date,
): Promise<readonly string[]> {
  const marked: string[] = [];
  const sweepAt = new Date(now.getTime() + OWN_TRY_MS).toISOString();
  for (const { id, rule } of backups) {
    const deleted = await trx
      .updateTable('backups')
      .set({
        ...{ deleted_at: now.toISOString(), prune_rule: rule },
        ...{ removal_tries: null, removal_error: null, removal_next_try_at: sweepAt },
      })
      .where('id', '=', id)
      .where('status', '=', 'completed')
      .where('deleted_at', 'is', null)
      .where('is_pinned', '=', 0)
      .returning(['id', 'database_id', 'status'])
      .executeTakeFirst();
    if (deleted === undefined) continue;
    await countOut(trx, deleted, now);
    marked.push(id);
  }
  return marked;
}

/**
 * Shows a backup again that retention has pruned and whose storage refused to remove it: it is there, whole. False where it
 * is no tombstone of retention's any more.
 */
export async function unmarkPruned(
  trx: Trx,
  id: string,
  refused: { readonly reason: string; readonly tries: number; readonly nextTryAt: string },
  now: Date,
): Promise<boolean> {
  const tombstone = await trx
    .selectFrom('backups')
    .select('deleted_at')
    .where('id', '=', id)
    .where('prune_rule', 'is not', null)
    .executeTakeFirst();
  const deletedAt = tombstone?.deleted_at ?? null;
  if (deletedAt === null) return false;
  const shown = await trx
    .updateTable('backups')
    .set({
      ...{ deleted_at: null, prune_rule: null, removal_error: null },
      last_rotation_error: refused.reason,
      removal_tries: refused.tries,
      removal_next_try_at: refused.nextTryAt,
    })
    .where('id', '=', id)
    .returning(['id', 'database_id'])
    .executeTakeFirstOrThrow();
  await countBackIn(trx, shown, deletedAt, now);
  return true;
}

/** Hides a backup that is seen though its object is gone; nothing where it is not seen. */
export async function hideAgain(trx: Trx, id: string, now: Date): Promise<void> {
  const hidden = await trx
    .updateTable('backups')
    .set({ deleted_at: now.toISOString() })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .returning(['id', 'database_id', 'status'])
    .executeTakeFirst();
  if (hidden !== undefined) await countOut(trx, hidden, now);
}
