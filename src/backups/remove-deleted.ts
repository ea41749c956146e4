import type { BackupRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import type { RunServices } from './run-services.ts';
import { abortUploads, limited, MAX_PAUSE_MS, pauseMs, versionOf, withStore } from './sweep.ts';

type RemovalServices = Pick<RunServices, 'db' | 'openPlace' | 'now' | 'log'>;
type Tombstone = Pick<BackupRow, 'id' | 'token' | 'outcome' | 'removal_tries'>;

const TOMBSTONE = ['id', 'token', 'outcome', 'removal_tries'] as const;

/**
 * Removes the objects of deleted backups, then their rows; one whose storage refuses is kept with the reason and tried
 * again. An uncertain one is reconcile's until no Complete can be on its way any more.
 */
export async function sweepDeleted(
  services: RemovalServices,
  { completeMayTakeMs }: { readonly completeMayTakeMs: number },
  signal: AbortSignal,
): Promise<void> {
  const now = services.now().getTime();
  const at = (ms: number) => new Date(ms).toISOString();
  const deleted = await services.db
    .selectFrom('backups')
    .select(TOMBSTONE)
    .where('deleted_at', 'is not', null)
    .where('status', 'in', ['completed', 'failed'])
    .where((eb) =>
      eb.or([
        eb('outcome', 'is', null),
        eb('outcome', '!=', 'uncertain'),
        eb('completed_at', '<=', at(now - completeMayTakeMs)),
      ]),
    )
    .where((eb) =>
      eb.or([
        eb('removal_next_try_at', 'is', null),
        eb('removal_next_try_at', '<=', at(now)),
        // No pause is that long: the clock was set back.
        eb('removal_next_try_at', '>', at(now + 2 * MAX_PAUSE_MS)),
      ]),
    )
    .orderBy('deleted_at')
    .limit(50)
    .execute();
  for (const backup of deleted) {
    if (signal.aborted) return;
    await tryRemoval(services, backup, signal);
  }
}

/**
 * Tries to remove a backup that was deleted just now, at most that long; whatever comes of it, the sweep goes on with what
 * is left. One that still runs or is uncertain is left to the end of its run.
 */
export async function removeAtOnce(
  services: RemovalServices,
  backupId: string,
  withinMs: number,
): Promise<void> {
  const backup = await services.db
    .selectFrom('backups')
    .select(TOMBSTONE)
    .where('id', '=', backupId)
    .where('deleted_at', 'is not', null)
    .where('status', 'in', ['completed', 'failed'])
    .where((eb) => eb.or([eb('outcome', 'is', null), eb('outcome', '!=', 'uncertain')]))
    .executeTakeFirst();
  if (backup === undefined) return;
  const over = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      const seconds = Math.round(withinMs / 1000);
      over.abort(
        new AppError(
          'storage_unreachable',
          `The place did not answer within ${seconds} seconds. Removal is tried again by itself.`,
        ),
      );
      resolve();
    }, withinMs);
  });
  const removal = tryRemoval(services, backup, over.signal).catch((error: unknown) =>
    services.log.error('the removal of a deleted backup could not be noted', { backupId, error }),
  );
  await Promise.race([removal, limit]);
  clearTimeout(timer);
}

async function tryRemoval(services: RemovalServices, backup: Tombstone, signal: AbortSignal): Promise<void> {
  try {
    await removeObjects(services, backup, signal);
    await write(services.db, (trx) => trx.deleteFrom('backups').where('id', '=', backup.id).execute());
  } catch (error) {
    // The app stops: the storage did not refuse anything, and the next start tries at once.
    if (isAppError(error, 'shutdown')) return;
    services.log.warn('a deleted backup could not be removed from its storage yet', {
      backupId: backup.id,
      error,
    });
    await noteFailure(services, backup, error);
  }
}

async function noteFailure({ db, now }: RemovalServices, backup: Tombstone, error: unknown): Promise<void> {
  const tries = (backup.removal_tries ?? 0) + 1;
  const reason =
    error instanceof AppError ? error.message : 'Something unexpected went wrong; the log has it.';
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({
        removal_tries: tries,
        removal_error: reason,
        removal_next_try_at: new Date(now().getTime() + pauseMs(tries)).toISOString(),
      })
      .where('id', '=', backup.id)
      .execute(),
  );
}

async function removeObjects(
  services: RemovalServices,
  { id, token, outcome }: Tombstone,
  stop: AbortSignal,
): Promise<void> {
  const objects = await services.db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', id)
    .execute();
  for (const { key, ...object } of objects) {
    await withStore(services, object, async (store) => {
      const signal = limited(stop);
      if (outcome !== 'uncertain') {
        await store.remove(key, { versionId: object.version_id, signal });
        return;
      }
      // The upload first, so that no object can come of it after the object was removed.
      await abortUploads(store, { key, uploadId: object.upload_id, token }, signal);
      await store.remove(key, { versionId: await versionOf(store, key, signal), signal });
    });
  }
}
