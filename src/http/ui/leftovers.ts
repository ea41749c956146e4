import type { LeftoverItem } from '../../../views/storage.tsx';
import type { Db } from '../../db/schema.ts';

/** What failed runs could not remove yet, the oldest first; as many as a page shows. */
export async function listLeftovers(db: Db): Promise<readonly LeftoverItem[]> {
  const rows = await db
    .selectFrom('leftovers')
    .select(['id', 'kind', 'endpoint', 'bucket', 'key', 'tries', 'last_error'])
    .orderBy('created_at')
    .limit(100)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    place: [row.endpoint, row.bucket, row.key].filter((part) => part !== '').join('/'),
    tries: row.tries,
    lastError: row.last_error,
  }));
}
