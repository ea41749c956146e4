import { sql } from 'kysely';
import { builtOnce } from '../db/built-once.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';

const PATIENCE_MS = 2_000;

/** Keeps retention from pruning a backup until then. False where it is not there any more. Throws as `write`. */
export async function markInUse(db: Db, backupId: string, until: Date): Promise<boolean> {
  const marked = await write(
    db,
    (trx) =>
      trx
        .updateTable('backups')
        .set({ in_use_until: until.toISOString() })
        .where('id', '=', backupId)
        .where('deleted_at', 'is', null)
        .returning('id')
        .executeTakeFirst(),
    { patienceMs: PATIENCE_MS },
  );
  return marked !== undefined;
}

/** The backups that are being restored, that a restore waits for, or that keep what it replaces: few. Nobody may remove them. */
export async function beingRestored(db: Db | Trx): Promise<readonly string[]> {
  const rows = await openRestores(db).execute();
  return rows.flatMap((row) => [row.subject_id ?? [], row.safety_backup_id ?? []].flat());
}

const openRestores = builtOnce((db) => {
  const inState = (state: 'pending' | 'running' | 'uncertain') =>
    db
      .selectFrom('runs')
      .leftJoin('restores', 'restores.id', 'runs.id')
      .select(['subject_id', 'safety_backup_id'])
      // A literal, as in the index: one for each state.
      .where('runs.state', '=', sql.lit(state))
      .where('kind', 'in', ['restore', 'drill'])
      .where('subject_id', 'is not', null);
  return inState('pending').unionAll(inState('running')).unionAll(inState('uncertain'));
});

export async function isBeingRestored(db: Db | Trx, backupId: string): Promise<boolean> {
  return (await beingRestored(db)).includes(backupId);
}
