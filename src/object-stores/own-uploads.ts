import { isAppError } from '../errors.ts';
import type { ObjectHead, ObjectStore } from './object-store.ts';

/** The version that is there now, or null. */
export async function versionOf(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<string | null> {
  return (await lookAt(store, key, signal))?.versionId ?? null;
}

export async function isThere(store: ObjectStore, key: string, signal: AbortSignal): Promise<boolean> {
  return (await lookAt(store, key, signal)) !== null;
}

/** Null also where a key may delete and not look. */
async function lookAt(store: ObjectStore, key: string, signal: AbortSignal): Promise<ObjectHead | null> {
  try {
    return await store.head(key, { signal });
  } catch (error) {
    if (isAppError(error, 'storage_denied')) return null;
    throw error;
  }
}

/**
 * Ends the recorded upload and whatever other uploads of the key are seen. The key belongs to one run only. A storage
 * that refuses to list is taken at its word where the upload's id is known.
 */
export async function abortUploads(
  store: ObjectStore,
  upload: {
    readonly key: string;
    readonly uploadId: string | null;
    readonly token: string;
    /** Never aborted: it was completed. */
    readonly spared?: string | null;
  },
  signal: AbortSignal,
): Promise<void> {
  const { key, uploadId, token, spared } = upload;
  if (uploadId !== null) await store.abortUpload(key, uploadId, { signal });
  try {
    for (const stray of await store.listUploads(key, { token, signal })) {
      if (stray !== uploadId && stray !== spared) await store.abortUpload(key, stray, { signal });
    }
  } catch (error) {
    if (uploadId === null || !isAppError(error, 'storage_denied')) throw error;
  }
}
