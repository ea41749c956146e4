import type { Db } from '../db/schema.ts';
import { testedStorage } from '../object-stores/deep-test/result.ts';

/**
 * True when the newest deep test at that endpoint saw a PUT with If-None-Match refuse to overwrite in this bucket. A
 * provider's table says what is usual; this says what was tried.
 */
export async function provenIfNoneMatch(
  db: Db,
  place: { readonly endpoint: string; readonly bucket: string },
): Promise<boolean> {
  const row = await db
    .selectFrom('storage_probes')
    .select('result')
    .where('endpoint', '=', place.endpoint)
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return false;
  // A result of another version proves nothing; no backup may fail over it.
  const parsed = testedStorage.safeParse(JSON.parse(row.result));
  const found = parsed.data?.buckets.find(({ bucket }) => bucket === place.bucket);
  return found?.checks.some(({ id, outcome }) => id === 'conditional' && outcome === 'ok') === true;
}
