import type { Stored } from '../../backups/stored.ts';
import { AppError } from '../../errors.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { readInFull } from '../../verifications/node/read-in-full.ts';

/**
 * Reads a backup in full before the first byte of it reaches a database that is in use: a forged archive would not wait for its end to
 * do harm. Gives the storage that holds this very object from now on, and fails where another one lies there. Throws
 * `storage_mismatch` for one that is not whole, `conflict` where nobody recorded what it was.
 */
export async function proveBefore(
  store: ObjectStore,
  stored: Stored,
  options: { readonly signal: AbortSignal; readonly onProgress: (bytes: number) => void },
): Promise<Pick<ObjectStore, 'get'>> {
  if (stored.sha256 === null) {
    throw new AppError(
      'conflict',
      'The SHA-256 of this backup was not recorded, so that nobody can tell whether what lies there is still the same. Restore it beside the database.',
    );
  }
  const same = sameObject(store);
  const { damage } = await readInFull(same, stored, options);
  if (damage !== null) {
    throw new AppError('storage_mismatch', `${damage} Nothing of it was sent to the database.`);
  }
  return same;
}

/** A storage that gives no other object under a key than it gave first, where it tells them apart (`If-Match`). */
function sameObject(store: ObjectStore): Pick<ObjectStore, 'get'> {
  let etag: string | null = null;
  return {
    async get(key, options = {}) {
      const body = await store.get(key, { ...options, ifMatch: options.ifMatch ?? etag });
      etag ??= body.etag ?? null;
      return body;
    },
  };
}
