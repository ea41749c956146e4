import type { BackupObjectRow, LeftoverRow } from '../db/schema.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { RunServices } from './run-backup.ts';

const STORE_TIMEOUT_MS = 60_000;
const MAX_PAUSE_MS = 3_600_000;

/** Tries again to remove what runs could not; each gone one loses its row, each other waits longer. */
export async function sweepLeftovers(services: RunServices): Promise<void> {
  const due = await services.db
    .selectFrom('leftovers')
    .selectAll()
    .where('next_try_at', '<=', services.now().toISOString())
    .orderBy('next_try_at')
    .limit(20)
    .execute();
  for (const leftover of due) await retryLeftover(services, leftover);
}

async function retryLeftover(services: RunServices, leftover: LeftoverRow): Promise<void> {
  const { db, now } = services;
  try {
    await withStore(services, leftover, (store) => removeLeftover(store, leftover));
    await db.deleteFrom('leftovers').where('id', '=', leftover.id).execute();
  } catch (error) {
    const tries = leftover.tries + 1;
    const pauseMs = Math.min(MAX_PAUSE_MS, 15_000 * 2 ** Math.min(tries, 10));
    await db
      .updateTable('leftovers')
      .set({
        tries,
        last_error: error instanceof Error ? error.message : String(error),
        next_try_at: new Date(now().getTime() + pauseMs).toISOString(),
      })
      .where('id', '=', leftover.id)
      .execute();
  }
}

async function removeLeftover(store: ObjectStore, leftover: LeftoverRow): Promise<void> {
  const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
  if (leftover.kind !== 'upload') {
    await store.remove(leftover.key, { versionId: leftover.version_id, signal });
    return;
  }
  const uploads = new Set(await store.listUploads(leftover.key, { token: '', signal }));
  if (leftover.upload_id !== null) uploads.add(leftover.upload_id);
  for (const uploadId of uploads) await store.abortUpload(leftover.key, uploadId, { signal });
}

/** Removes the objects of deleted backups, then their rows; one whose storage refuses is kept and tried again. */
export async function sweepDeleted(services: RunServices): Promise<void> {
  const deleted = await services.db
    .selectFrom('backups')
    .select('id')
    .where('deleted_at', 'is not', null)
    .where('status', 'in', ['completed', 'failed'])
    .where((eb) => eb.or([eb('outcome', 'is', null), eb('outcome', '!=', 'uncertain')]))
    .orderBy('deleted_at')
    .limit(50)
    .execute();
  for (const backup of deleted) {
    try {
      await removeObjects(services, backup.id);
      await services.db.deleteFrom('backups').where('id', '=', backup.id).execute();
    } catch (error) {
      services.log.warn('a deleted backup could not be removed from its storage yet', {
        backupId: backup.id,
        error,
      });
    }
  }
}

async function removeObjects(services: RunServices, backupId: string): Promise<void> {
  const objects = await services.db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .execute();
  for (const object of objects) {
    await withStore(services, object, (store) =>
      store.remove(object.key, {
        versionId: object.version_id,
        signal: AbortSignal.timeout(STORE_TIMEOUT_MS),
      }),
    );
  }
}

async function withStore(
  services: RunServices,
  place: Pick<BackupObjectRow, 'endpoint' | 'region' | 'bucket'>,
  action: (store: ObjectStore) => Promise<void>,
): Promise<void> {
  const opened = await services.openPlace(place);
  try {
    await action(opened.store);
  } finally {
    await opened.close();
  }
}
