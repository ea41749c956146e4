import type { Stored } from '../backups/stored.ts';
import type { PreflightCheck } from '../engines/restore.ts';
import type { ObjectStore } from '../object-stores/object-store.ts';

/** Whether what is to be restored lies where it should, as a line for a person. Throws what the storage throws. */
export async function lookAtSource(
  store: Pick<ObjectStore, 'head' | 'label'>,
  { key, versionId, bytes, sha256 }: Pick<Stored, 'key' | 'versionId' | 'bytes' | 'sha256'>,
  signal: AbortSignal,
): Promise<PreflightCheck> {
  const name = 'Backup';
  const head = await store.head(key, { versionId, signal, isPatient: true });
  if (head === null) {
    const gone = { name, ok: false, obstacle: 'damaged' } as const;
    return { ...gone, says: `It is not there any more: nothing lies at ${key} in ${store.label}.` };
  }
  if (head.archive !== undefined) {
    return {
      name,
      ok: false,
      says: `It lies in an archive (${head.archive}). Have the storage restore it from there first.`,
    };
  }
  if (head.bytes !== bytes) {
    return {
      ...({ name, ok: false, obstacle: 'damaged' } as const),
      says: `It has ${head.bytes} bytes instead of ${bytes}: something else lies there.`,
    };
  }
  const hash =
    sha256 === null
      ? 'its SHA-256 was not recorded, so that only size and end can be compared'
      : 'its SHA-256 is known';
  return { name, ok: true, says: `It is there, with all its ${bytes} bytes; ${hash}.` };
}
