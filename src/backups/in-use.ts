import type { Db } from '../db/schema.ts';
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
