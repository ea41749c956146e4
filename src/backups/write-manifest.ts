import type { BackupObjectRow, Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, toAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { insertLeftover } from '../leftovers/insert-leftover.ts';
import { limited, pauseMs } from '../leftovers/patience.ts';
import type { ObjectStore, StoredObject } from '../object-stores/object-store.ts';
import { abortUploads } from '../object-stores/own-uploads.ts';
import { withStore } from '../object-stores/with-store.ts';
import { backupObject } from './backup-object.ts';
import type { BackupRunContext } from './context.ts';
import { signedManifest } from './manifest.ts';
import { MANIFEST_SUFFIX } from './manifest-suffix.ts';

type ManifestContext = Pick<BackupRunContext, 'db' | 'vault' | 'now' | 'openPlace' | 'log'>;

const AT_MOST = 20;
/** No pause is that long: the clock was set back. */
const LONGEST_PAUSE_MS = 2 * 3_600_000;

/**
 * Writes the manifests that are due, also those whose app died before or whose storage refused them; one that can't be written
 * is tried again later, and takes nothing from its backup.
 */
export async function writeDueManifests(context: ManifestContext, signal: AbortSignal): Promise<void> {
  const { db, now, log } = context;
  const due = await db
    .selectFrom('backups')
    .select(['id', 'token', 'filename', 'manifest_tries'])
    .where('manifest_due_at', 'is not', null)
    .where((eb) =>
      eb.or([
        eb('manifest_due_at', '<=', now().toISOString()),
        eb('manifest_due_at', '>', new Date(now().getTime() + LONGEST_PAUSE_MS).toISOString()),
      ]),
    )
    .where('status', '=', 'completed')
    .where('deleted_at', 'is', null)
    .orderBy('manifest_due_at')
    .limit(AT_MOST)
    .execute();
  for (const backup of due) {
    if (signal.aborted) return;
    try {
      await writeManifest(context, backup, limited(signal));
    } catch (error) {
      if (signal.aborted) return;
      log.warn('the manifest of a backup could not be written', { backupId: backup.id, error });
      await noteFailure(context, backup, toAppError(error).message);
    }
  }
}

interface Due {
  readonly id: string;
  readonly token: string;
  readonly filename: string;
  readonly manifest_tries: number | null;
}

/** Recorded before it is made: whatever lies there from then on is ours, and goes with its backup. */
async function writeManifest(context: ManifestContext, backup: Due, signal: AbortSignal): Promise<void> {
  const { db } = context;
  const { text } = await signedManifest(context, backup.id);
  const bytes = new TextEncoder().encode(text);
  const dump = await backupObject(db, backup.id, 'dump');
  if (dump === undefined) return;
  const key = `${dump.key}${MANIFEST_SUFFIX}`;
  await withStore(context, dump, async (store) => {
    const recorded = await backupObject(db, backup.id, 'manifest');
    const head = await store.head(key, { signal });
    if (recorded === undefined) {
      if (head !== null && head.token !== backup.token) throw taken(store, key);
      if (!(await record(db, backup.id, dump, key))) throw taken(store, key);
    } else {
      const { upload_id: uploadId } = recorded;
      await abortUploads(store, { key, uploadId, token: backup.token }, signal);
    }
    if (head !== null) await store.remove(key, { versionId: head.versionId, signal });
    const stored = await store.put(key, one(bytes), {
      ...{ signal, token: backup.token, contentType: 'application/json' },
      fileName: `${backup.filename}${MANIFEST_SUFFIX}`,
      estimatedBytes: bytes.length,
      onUploadCreated: (uploadId) => recordUpload(db, backup.id, uploadId),
    });
    await compare(store, key, stored, bytes, signal);
    await settle(context, backup.id, dump, key, { ...stored, sha256: await sha256Of(bytes) });
  });
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function taken(store: ObjectStore, key: string): AppError {
  return new AppError(
    'storage_exists',
    `Something else lies at ${key} in ${store.label}, where the manifest of a backup belongs. It was left as it is; move it away, and the manifest is written by itself.`,
  );
}

/** False where another backup's object is recorded there. Throws `not_found` where the backup is gone meanwhile. */
async function record(db: Db, backupId: string, dump: BackupObjectRow, key: string): Promise<boolean> {
  const { endpoint, region, bucket } = dump;
  return write(db, async (trx) => {
    const backup = await trx
      .selectFrom('backups')
      .select('id')
      .where('id', '=', backupId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    if (backup === undefined) throw new AppError('not_found', 'Backup not found');
    const added = await trx
      .insertInto('backup_objects')
      .values({
        id: newId(),
        backup_id: backupId,
        kind: 'manifest',
        number: 0,
        endpoint,
        region,
        bucket,
        key,
      })
      .onConflict((conflict) => conflict.columns(['endpoint', 'bucket', 'key']).doNothing())
      .returning('id')
      .executeTakeFirst();
    return added !== undefined;
  });
}

/** What it is written into first, where it is: it is removed with the manifest, and before that is written again. */
async function recordUpload(db: Db, backupId: string, uploadId: string): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('backup_objects')
      .set({ upload_id: uploadId })
      .where('backup_id', '=', backupId)
      .where('kind', '=', 'manifest')
      .execute(),
  );
}

/** Read back whole: it is small, and nobody else would find it damaged. */
async function compare(
  store: ObjectStore,
  key: string,
  { versionId }: StoredObject,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  let at = 0;
  for await (const chunk of await store.get(key, { versionId, signal })) {
    for (const byte of chunk) {
      if (byte !== bytes[at]) at = Number.POSITIVE_INFINITY;
      at += 1;
    }
  }
  if (at === bytes.length) return;
  throw new AppError('storage_mismatch', `The manifest at ${key} in ${store.label} is not what was sent.`);
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Who deleted the backup meanwhile may have found nothing to remove yet. */
async function settle(
  { db, now }: ManifestContext,
  backupId: string,
  dump: BackupObjectRow,
  key: string,
  stored: StoredObject & { readonly sha256: string },
): Promise<void> {
  await write(db, async (trx) => {
    const kept = await trx
      .updateTable('backups')
      .set({ manifest_due_at: null, manifest_error: null, manifest_tries: null })
      .where('id', '=', backupId)
      .where('deleted_at', 'is', null)
      .returning('id')
      .executeTakeFirst();
    const version_id = stored.versionId;
    if (kept === undefined) {
      const { endpoint, region, bucket } = dump;
      const kind = bucket === '' ? 'file' : 'object';
      const left = {
        backup_id: null,
        kind,
        endpoint,
        region,
        bucket,
        key,
        upload_id: null,
        version_id,
      } as const;
      await insertLeftover(trx, left, now(), 0);
      return;
    }
    await trx
      .updateTable('backup_objects')
      .set({ bytes: stored.bytes, sha256: stored.sha256, version_id, upload_id: null })
      .where('backup_id', '=', backupId)
      .where('kind', '=', 'manifest')
      .execute();
  });
}

async function noteFailure({ db, now }: ManifestContext, backup: Due, reason: string): Promise<void> {
  const tries = (backup.manifest_tries ?? 0) + 1;
  const due = new Date(now().getTime() + pauseMs(tries)).toISOString();
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ manifest_tries: tries, manifest_error: reason, manifest_due_at: due })
      .where('id', '=', backup.id)
      .execute(),
  );
}
