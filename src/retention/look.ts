import { objectsOf } from '../backups/objects.ts';
import { isOurs } from '../backups/remove-deleted.ts';
import type { Db } from '../db/schema.ts';
import { isAppError, toAppError } from '../errors.ts';
import { limited } from '../leftovers/patience.ts';
import type { ObjectLock } from '../object-stores/object-store.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import type { Place } from '../object-stores/place.ts';
import { withStore } from '../object-stores/with-store.ts';

/** What a look at the objects of a backup says of removing them. */
export type Look =
  | { readonly says: 'ready' }
  | { readonly says: 'locked'; readonly lock: ObjectLock }
  | { readonly says: 'refused'; readonly reason: string };

/**
 * Looks at what a backup consists of before it is pruned: where its place can't be reached, or something holds it there, nothing
 * changes and the backup stays where it is seen. What is gone already is ready. Throws where the app stops.
 */
export async function lookBeforePruning(
  context: { readonly db: Db; readonly openPlace: OpenPlace },
  backup: { readonly id: string; readonly token: string },
  stop: AbortSignal,
): Promise<Look> {
  let look: Look = { says: 'ready' };
  try {
    for (const object of await objectsOf(context.db, backup.id)) {
      // It goes with the dump, whatever lies there.
      if (object.kind === 'manifest') continue;
      await withStore(context, object, async (store) => {
        const { key, version_id: versionId } = object;
        const head = await store.head(key, { versionId, signal: limited(stop) });
        if (head?.lock !== undefined) look = { says: 'locked', lock: head.lock };
        if (head === null || isOurs(head, object, backup.token)) return;
        look = {
          says: 'refused',
          reason: `What lies at ${key} is not what was stored: something else has taken its place, which is not removed. Look at it, then delete this backup by hand.`,
        };
      });
      if (look.says !== 'ready') break;
    }
    return look;
  } catch (error) {
    stop.throwIfAborted();
    if (isAppError(error, 'shutdown', 'cancelled', 'superseded')) throw error;
    return { says: 'refused', reason: toAppError(error).message };
  }
}

/** What tells the dump of a backup, and where it lies; null where nothing is recorded. */
export interface StoredAs {
  readonly token: string;
  readonly place: Pick<Place, 'endpoint' | 'bucket'> | null;
}

/** By the ids of these backups. */
export async function storedAs(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, StoredAs>> {
  const rows = await db
    .selectFrom('backups')
    .leftJoin('backup_objects', (join) =>
      join.onRef('backup_objects.backup_id', '=', 'backups.id').on('backup_objects.kind', '=', 'dump'),
    )
    .select(['backups.id', 'backups.token', 'backup_objects.endpoint', 'backup_objects.bucket'])
    .where('backups.id', 'in', ids)
    .execute();
  return new Map(
    rows.map(({ id, token, endpoint, bucket }) => [
      id,
      { token, place: endpoint === null || bucket === null ? null : { endpoint, bucket } },
    ]),
  );
}
