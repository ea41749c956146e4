import type { BackupRow, Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { Log } from '../log.ts';
import type { ObjectLock } from '../object-stores/object-store.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import { withStore } from '../object-stores/with-store.ts';
import { objectsOf } from './objects.ts';

const DAY_MS = 86_400_000;

/** What is known of a lock, as the columns of a backup have it. One that holds until somebody lifts it is asked about once a day. */
export function lockColumns({ until, why }: ObjectLock, now: Date) {
  return {
    retained_until: until ?? new Date(now.getTime() + DAY_MS).toISOString(),
    retained_why: why,
  };
}

/** Whether the storage of a backup lets nobody remove it; null where it says no such thing. Throws where it can't be asked. */
export async function findLock(
  context: { readonly db: Db; readonly openPlace: OpenPlace },
  backupId: string,
  signal: AbortSignal,
): Promise<ObjectLock | null> {
  let found: ObjectLock | null = null;
  for (const { key, ...object } of await objectsOf(context.db, backupId)) {
    // It goes with the dump, whatever holds it.
    if (object.kind === 'manifest' || object.bucket === '') continue;
    await withStore(context, object, async (store) => {
      const head = await store.head(key, { versionId: object.version_id, signal });
      found = head?.lock ?? found;
    });
  }
  return found;
}

/**
 * Asks the storage before a person deletes a backup whether it would let anybody remove it, and writes down what it says: who
 * deletes it is told then, instead of a tombstone that is refused again and again. A storage that does not answer in time
 * stops nobody: what it refuses later is retried.
 */
export async function noteLock(
  context: {
    readonly db: Db;
    readonly openPlace: OpenPlace;
    readonly now: () => Date;
    readonly log: Log;
  },
  { id, status, retained_until: until }: Pick<BackupRow, 'id' | 'status' | 'retained_until'>,
  withinMs: number,
): Promise<void> {
  const now = context.now();
  if (status !== 'completed' || (until !== null && until > now.toISOString())) return;
  const lock = await findLock(context, id, AbortSignal.timeout(Math.ceil(withinMs))).catch(
    (error: unknown) => {
      const message = 'the storage of a backup could not be asked before it is deleted';
      context.log.info(message, { backupId: id, error });
      return null;
    },
  );
  if (lock === null) return;
  const columns = lockColumns(lock, now);
  await write(context.db, (trx) =>
    trx.updateTable('backups').set(columns).where('id', '=', id).where('deleted_at', 'is', null).execute(),
  );
}
