import type { LeftoverRow, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';

/** What is left where, as its row says it. */
export type LeftWhere = Pick<
  LeftoverRow,
  'backup_id' | 'kind' | 'endpoint' | 'region' | 'bucket' | 'key' | 'upload_id' | 'version_id'
>;

/** Something to be removed, first tried `afterMs` from now. In the transaction of what left it. */
export async function insertLeftover(trx: Trx, left: LeftWhere, now: Date, afterMs: number): Promise<void> {
  const { backup_id, kind, endpoint, region, bucket, key, upload_id, version_id } = left;
  await trx
    .insertInto('leftovers')
    .values({
      ...{ id: newId(), backup_id, kind, endpoint, region, bucket, key, upload_id, version_id },
      tries: 0,
      last_error: null,
      created_at: now.toISOString(),
      next_try_at: new Date(now.getTime() + afterMs).toISOString(),
    })
    .execute();
}
