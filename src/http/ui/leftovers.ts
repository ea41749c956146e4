import type { LeftoverItem } from '../../../views/storage.tsx';
import type { Db } from '../../db/schema.ts';

/** What runs could not remove yet, or may have left, the oldest first; as many as a page shows. */
export async function listLeftovers(db: Db): Promise<readonly LeftoverItem[]> {
  const rows = await db
    .selectFrom('leftovers')
    .select(['id', 'kind', 'endpoint', 'bucket', 'key', 'upload_id', 'tries', 'last_error'])
    .orderBy('created_at')
    .limit(100)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind === 'upload' && row.upload_id === null ? 'upload, if there is one' : row.kind,
    place: [row.endpoint, row.bucket, row.key].filter((part) => part !== '').join('/'),
    tries: row.tries,
    lastError: row.last_error,
  }));
}
