import type { Db, LeftoverRow } from '../db/schema.ts';

/** Something that is still to be removed from a storage or a host, as people see it. */
export interface LeftBehind {
  readonly id: string;
  /** What it is, in words. */
  readonly kind: string;
  readonly place: string;
  readonly since: string;
  /** Why it is still there. */
  readonly reason: string;
  readonly tries: number;
  /** Null while a first try is on its way. */
  readonly nextTryAt: string | null;
}

/**
 * What could not be removed yet, the oldest first, at most so many of each kind: what runs left or may have left, and
 * deleted backups whose object is still there.
 */
export async function listLeftBehind(db: Db, limit = 100): Promise<readonly LeftBehind[]> {
  const [leftovers, deleted] = [await listLeftovers(db, limit), await listDeleted(db, limit)];
  return [...leftovers, ...deleted].sort((a, b) => (a.since < b.since ? -1 : 1)).slice(0, limit);
}

/** How much of it was tried in vain, at most so many: a deleted backup that was not tried yet is on its way, and no news. */
export async function countLeftBehind(db: Db, most: number): Promise<number> {
  const leftovers = await db.selectFrom('leftovers').select('id').limit(most).execute();
  const deleted = await db
    .selectFrom('backups')
    .select('id')
    .where('deleted_at', 'is not', null)
    .where('removal_tries', '>', 0)
    .limit(most)
    .execute();
  return Math.min(most, leftovers.length + deleted.length);
}

async function listLeftovers(db: Db, limit: number): Promise<readonly LeftBehind[]> {
  const rows = await db.selectFrom('leftovers').selectAll().orderBy('created_at').limit(limit).execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind === 'upload' && row.upload_id === null ? 'upload, if there is one' : row.kind,
    place: placeOf(row),
    since: row.created_at,
    reason: row.last_error ?? reasonOf(row),
    tries: row.tries,
    nextTryAt: row.next_try_at,
  }));
}

function reasonOf({ kind, upload_id: uploadId, version_id: versionId }: LeftoverRow): string {
  if (kind === 'upload' && uploadId !== null)
    return 'The storage refused to end this upload, or could not be reached.';
  if (kind === 'file' || versionId !== null) return 'It could not be removed when its backup ended.';
  return 'An answer of the storage was lost, so that something may still appear here: it is looked for again.';
}

async function listDeleted(db: Db, limit: number): Promise<readonly LeftBehind[]> {
  const rows = await db
    .selectFrom('backups')
    .innerJoin('backup_objects', 'backup_objects.backup_id', 'backups.id')
    .select(['backups.id', 'backups.deleted_at', 'backups.outcome', 'backups.status'])
    .select(['backups.removal_tries', 'backups.removal_error', 'backups.removal_next_try_at'])
    .select(['backup_objects.endpoint', 'backup_objects.bucket', 'backup_objects.key'])
    .where('backups.deleted_at', 'is not', null)
    .where('backup_objects.kind', '!=', 'manifest')
    .orderBy('backups.deleted_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: 'deleted backup',
    place: placeOf(row),
    since: row.deleted_at ?? '',
    reason: row.removal_error ?? waitOf(row),
    tries: row.removal_tries ?? 0,
    nextTryAt: row.removal_next_try_at,
  }));
}

function waitOf({ status, outcome }: { status: string; outcome: string | null }): string {
  if (status === 'in_progress') return 'Its run is being stopped.';
  if (outcome === 'uncertain')
    return 'The storage may still be finishing it: it is removed when that is over.';
  return 'It is being removed.';
}

function placeOf({ endpoint, bucket, key }: Pick<LeftoverRow, 'endpoint' | 'bucket' | 'key'>): string {
  return [endpoint, bucket, key].filter((part) => part !== '').join('/');
}
