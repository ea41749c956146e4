import { recordAudit } from '../audit/audit.ts';
import { auditedDatabase } from '../databases/databases.ts';
import type { BackupObjectRow, BackupRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { insertLeftover } from '../leftovers/insert-leftover.ts';
import { limited, MAX_PAUSE_MS, pauseMs } from '../leftovers/patience.ts';
import { lockWords } from '../object-stores/lock-words.ts';
import type { ObjectHead, ObjectLock } from '../object-stores/object-store.ts';
import { abortUploads, versionOf } from '../object-stores/own-uploads.ts';
import { withStore } from '../object-stores/with-store.ts';
import type { BackupRunContext } from './context.ts';
import { hideAgain, unmarkPruned } from './mark-pruned.ts';
import { findLock, lockColumns } from './note-lock.ts';
import { objectsOf } from './objects.ts';

type RemovalContext = Pick<BackupRunContext, 'db' | 'openPlace' | 'now' | 'log'>;
type Tombstone = Pick<BackupRow, 'id' | 'token' | 'size' | 'outcome' | 'removal_tries' | 'prune_rule'>;

const TOMBSTONE = ['id', 'token', 'size', 'outcome', 'removal_tries', 'prune_rule'] as const;

/** What became of a removal: null where all is gone, else why it is not, and whether the backup is seen again. */
export type Removal = { readonly reason: string; readonly isSeenAgain: boolean } | null;

/**
 * Removes the objects of deleted backups, then their rows; one whose storage refuses is kept with the reason and tried
 * again. An uncertain one is the repair's until no Complete can be on its way any more.
 */
export async function sweepDeleted(
  context: RemovalContext,
  { completeMayTakeMs }: { readonly completeMayTakeMs: number },
  signal: AbortSignal,
): Promise<void> {
  const now = context.now().getTime();
  const at = (ms: number) => new Date(ms).toISOString();
  const deleted = await context.db
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
    // What its storage holds goes when that is over.
    .where((eb) => eb.or([eb('retained_until', 'is', null), eb('retained_until', '<=', at(now))]))
    .orderBy('deleted_at')
    .limit(50)
    .execute();
  for (const backup of deleted) {
    if (signal.aborted) return;
    await tryRemoval(context, backup, signal);
  }
}

/**
 * Tries to remove a backup that was deleted just now, at most that long; whatever comes of it, the sweep goes on with what
 * is left. One that still runs or is uncertain is left to the end of its run.
 */
export async function removeAtOnce(
  context: RemovalContext,
  backupId: string,
  withinMs: number,
): Promise<void> {
  const backup = await context.db
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
  const removal = tryRemoval(context, backup, over.signal).catch((error: unknown) =>
    context.log.error('the removal of a deleted backup could not be noted', { backupId, error }),
  );
  await Promise.race([removal, limit]);
  clearTimeout(timer);
}

/** Removes what retention has pruned. Gives null also where it is nobody's to remove any more. */
export async function removePruned(
  context: RemovalContext,
  backupId: string,
  signal: AbortSignal,
): Promise<Removal> {
  const backup = await context.db
    .selectFrom('backups')
    .select(TOMBSTONE)
    .where('id', '=', backupId)
    .where('deleted_at', 'is not', null)
    .executeTakeFirst();
  return backup === undefined ? null : tryRemoval(context, backup, signal);
}

async function tryRemoval(context: RemovalContext, backup: Tombstone, signal: AbortSignal): Promise<Removal> {
  try {
    await removeObjects(context, backup, signal);
    await write(context.db, (trx) => removeRow(trx, backup.id, context.now()));
    return null;
  } catch (error) {
    const reason =
      error instanceof AppError ? error.message : 'Something unexpected went wrong; the log has it.';
    // The app stops: the storage did not refuse anything, and the next start tries at once.
    if (isAppError(error, 'shutdown')) return { reason, isSeenAgain: false };
    context.log.warn('a deleted backup could not be removed from its storage yet', {
      backupId: backup.id,
      error,
    });
    const isSeenAgain = await showAgain(context, backup, error, reason, signal);
    if (!isSeenAgain) {
      const lock = isRefusal(error) ? await lockOf(context, backup, signal) : null;
      await noteFailure(context, backup, { reason: lock === null ? reason : lockWords(lock), lock });
    }
    return { reason, isSeenAgain };
  }
}

async function removeRow(trx: Trx, id: string, now: Date): Promise<void> {
  // Two tried at once, and the other was refused and showed it again: its object is gone now.
  await hideAgain(trx, id, now);
  await watchForManifest(trx, id, now);
  await trx.deleteFrom('backups').where('id', '=', id).execute();
}

/** One that is being written just now may appear after it was found to be absent: it is looked for once more. */
async function watchForManifest(trx: Trx, id: string, now: Date): Promise<void> {
  const unsettled = await trx
    .selectFrom('backup_objects')
    .select(['endpoint', 'region', 'bucket', 'key', 'upload_id'])
    .where('backup_id', '=', id)
    .where('kind', '=', 'manifest')
    .where('bytes', 'is', null)
    .executeTakeFirst();
  if (unsettled === undefined) return;
  const left = { ...unsettled, backup_id: null, version_id: null };
  if (left.upload_id !== null) {
    await insertLeftover(trx, { ...left, kind: 'upload' }, now, MANIFEST_MAY_TAKE_MS);
  }
  const kind = unsettled.bucket === '' ? 'file' : 'object';
  await insertLeftover(trx, { ...left, kind, upload_id: null }, now, MANIFEST_MAY_TAKE_MS);
}

/** Longer than a request for one is waited for. */
const MANIFEST_MAY_TAKE_MS = 2 * 60_000;

/**
 * A pruned backup that its storage refuses to remove is there as before: it is seen again, with the reason, as soon as all of
 * it was found to be whole. Where nobody knows what came of the request, it stays a tombstone: the object may go any moment.
 */
async function showAgain(
  context: RemovalContext,
  backup: Tombstone,
  error: unknown,
  reason: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (backup.prune_rule === null || !isRefusal(error)) return false;
  try {
    if (!(await isWhole(context, backup, signal))) return false;
  } catch (lookError) {
    context.log.warn('a backup that could not be pruned could not be looked at', {
      backupId: backup.id,
      error: lookError,
    });
    return false;
  }
  const tries = (backup.removal_tries ?? 0) + 1;
  const nextTryAt = new Date(context.now().getTime() + pauseMs(tries)).toISOString();
  return write(context.db, async (trx) => {
    const isShown = await unmarkPruned(trx, backup.id, { reason, tries, nextTryAt }, context.now());
    if (isShown) await recordRefused(trx, backup.id, reason, context.now());
    return isShown;
  });
}

/** The audit says already that it was pruned. */
async function recordRefused(trx: Trx, id: string, reason: string, now: Date): Promise<void> {
  const of = await trx
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['databases.id', 'databases.name', 'databases.environment_id', 'backups.filename'])
    .where('backups.id', '=', id)
    .executeTakeFirstOrThrow();
  const details = { backupId: id, filename: of.filename };
  const entry = auditedDatabase('backup.rotate', of, { details, error: reason });
  await recordAudit(trx, { userId: null, address: null }, entry, now);
}

/** Whether it is sure that nothing was removed, nor will be: the request was answered with a refusal, or never sent. */
function isRefusal(error: unknown): boolean {
  if (!isAppError(error)) return false;
  const { status } = error.details;
  if (status !== undefined) return status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isAppError(error, 'storage_denied', 'host_command', 'host_path_refused', 'host_auth');
}

async function isWhole(context: RemovalContext, backup: Tombstone, stop: AbortSignal): Promise<boolean> {
  // A manifest that is not there makes no backup less whole.
  const objects = (await objectsOf(context.db, backup.id)).filter(({ kind }) => kind !== 'manifest');
  for (const { key, ...object } of objects) {
    let isThere = false;
    await withStore(context, object, async (store) => {
      const head = await store.head(key, { versionId: object.version_id, signal: limited(stop) });
      isThere = head !== null && isOurs(head, object, backup.token);
    });
    if (!isThere) return false;
  }
  return objects.length > 0;
}

/** Whether what lies there is what the run with that token stored; by its size where no token is kept. */
export function isOurs(
  head: Pick<ObjectHead, 'bytes' | 'token'>,
  { bytes }: Pick<BackupObjectRow, 'bytes'>,
  token: string,
): boolean {
  if (bytes !== null && head.bytes !== Number(bytes)) return false;
  return head.token === null || head.token === token;
}

/** Why it was refused may be that its storage holds it: that is asked once, and not the removal again and again. */
async function lockOf(
  context: RemovalContext,
  { id }: Tombstone,
  stop: AbortSignal,
): Promise<ObjectLock | null> {
  try {
    return await findLock(context, id, limited(stop));
  } catch (error) {
    context.log.warn('a backup that could not be removed could not be looked at', { backupId: id, error });
    return null;
  }
}

async function noteFailure(
  { db, now }: RemovalContext,
  backup: Tombstone,
  { reason, lock }: { readonly reason: string; readonly lock: ObjectLock | null },
): Promise<void> {
  const tries = (backup.removal_tries ?? 0) + 1;
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({
        removal_tries: tries,
        removal_error: reason,
        removal_next_try_at: new Date(now().getTime() + pauseMs(tries)).toISOString(),
        ...(lock === null ? {} : lockColumns(lock, now())),
      })
      .where('id', '=', backup.id)
      .execute(),
  );
}

async function removeObjects(
  context: RemovalContext,
  { id, token, outcome }: Tombstone,
  stop: AbortSignal,
): Promise<void> {
  for (const { key, ...object } of await objectsOf(context.db, id)) {
    await withStore(context, object, async (store) => {
      const signal = limited(stop);
      if (object.kind === 'manifest') {
        const uploadId = object.upload_id;
        if (object.bytes === null) await abortUploads(store, { key, uploadId, token }, signal);
        const versionId = object.version_id ?? (await versionOf(store, key, signal));
        await store.remove(key, { versionId, signal });
        return;
      }
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
