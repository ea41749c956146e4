import { objectsOf } from '../backups/objects.ts';
import { isOurs } from '../backups/remove-deleted.ts';
import type { Db } from '../db/schema.ts';
import { isAppError, toAppError } from '../errors.ts';
import { limited } from '../leftovers/patience.ts';
import type { ObjectLock } from '../object-stores/object-store.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
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
