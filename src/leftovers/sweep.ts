import type { Context } from '../db/context.ts';
import type { Db, LeftoverRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { lockWords } from '../object-stores/lock-words.ts';
import type { ObjectStore } from '../object-stores/object-store.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import { abortUploads, isThere, versionOf } from '../object-stores/own-uploads.ts';
import { withStore } from '../object-stores/with-store.ts';
import { limited, MAX_PAUSE_MS, pauseMs } from './patience.ts';

/** What the sweep is handed. */
export interface SweepContext extends Context {
  readonly openPlace: OpenPlace;
}

/** Until when a storage may still begin an upload whose request was given up. */
const MAY_APPEAR_MS = 15 * 60_000;

/**
 * Tries again to remove what runs could not; each gone one loses its row, each other waits longer. What a run that is not
 * over recorded waits for its end: the key's uploads are its own, and must not be aborted beside a Complete.
 */
export async function sweepLeftovers(context: SweepContext, signal: AbortSignal): Promise<void> {
  const now = context.now().getTime();
  const due = await context.db
    .selectFrom('leftovers')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('next_try_at', '<=', new Date(now).toISOString()),
        // No pause is that long: the clock was set back.
        eb('next_try_at', '>', new Date(now + 2 * MAX_PAUSE_MS).toISOString()),
      ]),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('backups')
            .select('backups.id')
            .whereRef('backups.id', '=', 'leftovers.backup_id')
            .where((row) =>
              row.or([row('status', 'in', ['pending', 'in_progress']), row('outcome', '=', 'uncertain')]),
            ),
        ),
      ),
    )
    .orderBy('next_try_at')
    .limit(20)
    .execute();
  for (const leftover of due) {
    if (signal.aborted) return;
    await retryLeftover(context, leftover, signal);
  }
}

async function retryLeftover(context: SweepContext, leftover: LeftoverRow, stop: AbortSignal): Promise<void> {
  const { db, now } = context;
  try {
    const own = await ownUpload(db, leftover);
    if (await isOwned(db, leftover, own)) {
      await write(db, (trx) => trx.deleteFrom('leftovers').where('id', '=', leftover.id).execute());
      return;
    }
    await withStore(context, leftover, (store) => removeLeftover(store, leftover, own, limited(stop)));
    await settleLeftover(context, leftover);
  } catch (error) {
    if (stop.aborted) return;
    const held = isAppError(error, 'storage_denied') ? await lockOf(context, leftover, stop) : null;
    const tries = leftover.tries + 1;
    await write(db, (trx) =>
      trx
        .updateTable('leftovers')
        .set({
          tries,
          last_error: held ?? (error instanceof Error ? error.message : String(error)),
          next_try_at: new Date(now().getTime() + pauseMs(tries)).toISOString(),
        })
        .where('id', '=', leftover.id)
        .execute(),
    );
  }
}

/** Whether it was refused since its storage holds it, in words; null where it is not known to. */
async function lockOf(
  context: SweepContext,
  leftover: LeftoverRow,
  stop: AbortSignal,
): Promise<string | null> {
  if (leftover.kind !== 'object') return null;
  let words: string | null = null;
  try {
    await withStore(context, leftover, async (store) => {
      const { key, version_id: versionId } = leftover;
      const head = await store.head(key, { versionId, signal: limited(stop) });
      if (head?.lock !== undefined) words = lockWords(head.lock);
    });
  } catch {
    // What the removal was answered is what is told.
    return null;
  }
  return words;
}

/** An upload without a known id, or an object, may appear later than the first look: it is looked for once more. */
async function settleLeftover({ db, now }: SweepContext, leftover: LeftoverRow): Promise<void> {
  // Never from the future: the clock may have been set back.
  const createdAt = Math.min(Date.parse(leftover.created_at), now().getTime());
  const lastLookAt = createdAt + MAY_APPEAR_MS;
  const { kind, upload_id: uploadId, version_id: versionId } = leftover;
  const isUnknown = (kind === 'upload' && uploadId === null) || (kind === 'object' && versionId === null);
  const mayAppear = isUnknown && leftover.bucket !== '';
  if (!mayAppear || now().getTime() >= lastLookAt) {
    await write(db, (trx) => trx.deleteFrom('leftovers').where('id', '=', leftover.id).execute());
    return;
  }
  await write(db, (trx) =>
    trx
      .updateTable('leftovers')
      .set({
        last_error: null,
        created_at: new Date(createdAt).toISOString(),
        next_try_at: new Date(lastLookAt).toISOString(),
      })
      .where('id', '=', leftover.id)
      .execute(),
  );
}

/** True for what is no leftover but what a completed backup consists of: whatever recorded it, it must not be removed. */
async function isOwned(db: Db, leftover: LeftoverRow, ownUploadId: string | null): Promise<boolean> {
  if (leftover.kind === 'upload') {
    return leftover.upload_id !== null && leftover.upload_id === ownUploadId;
  }
  // In two steps: with what it knew of empty tables, a planner reads all backups to find the one of the object.
  const object = await db
    .selectFrom('backup_objects')
    .select(['backup_id', 'version_id'])
    .where('endpoint', '=', leftover.endpoint)
    .where('bucket', '=', leftover.bucket)
    .where('key', '=', leftover.key)
    .executeTakeFirst();
  if (object === undefined) return false;
  const owner = await db
    .selectFrom('backups')
    .select('id')
    .where('id', '=', object.backup_id)
    .where('status', '=', 'completed')
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  if (owner === undefined) return false;
  return leftover.version_id === null || leftover.version_id === object.version_id;
}

/** The upload that became the backup's object, where it did. */
async function ownUpload(db: Db, { backup_id: backupId, key }: LeftoverRow): Promise<string | null> {
  if (backupId === null) return null;
  const object = await db
    .selectFrom('backup_objects')
    .select('upload_id')
    .where('backup_id', '=', backupId)
    .where('key', '=', key)
    .executeTakeFirst();
  return object?.upload_id ?? null;
}

async function removeLeftover(
  store: ObjectStore,
  leftover: LeftoverRow,
  own: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { key } = leftover;
  if (leftover.kind !== 'upload') {
    // Where versions are kept, a removal without the version would only hide it.
    const versionId = leftover.version_id ?? (await versionOf(store, key, signal));
    await store.remove(key, { versionId, signal });
    return;
  }
  // Its backup's row went with its environment and the object stayed: which upload became it is known no more.
  if (own === null && leftover.upload_id === null && (await isThere(store, key, signal))) return;
  await abortUploads(store, { key, uploadId: leftover.upload_id, token: '', spared: own }, signal);
}
