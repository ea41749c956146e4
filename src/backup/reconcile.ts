import type { BackupObjectRow, BackupRow } from '../db/schema.ts';
import { AppError, isAppError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readBack } from './read-back.ts';
import type { RunServices } from './run-backup.ts';
import { type FailedRun, type RunClaim, settleCompleted, settleFailed } from './settle.ts';
import { describeFailure } from './step-error.ts';

export interface Reconciler {
  readonly claimedBy: string;
  readonly leaseMs: number;
  readonly completeMayTakeMs: number;
  /** Pause before an uncertain run is asked about again. */
  readonly askAgainMs: number;
}

const STORE_TIMEOUT_MS = 60_000;

/**
 * Repairs runs that nobody works on any more: those whose lease is over, and those whose outcome was uncertain. The
 * object with the run's token and size is there → completed after it was read back. Otherwise the upload is aborted
 * and the run fails as `interrupted`. Where the storage can't be reached, a run whose bytes were all sent stays
 * `uncertain` and is looked at again; any other leaves a row in `leftovers`.
 */
export async function reconcileExpired(services: RunServices, reconciler: Reconciler): Promise<void> {
  for (;;) {
    const backup = await claimExpired(services, reconciler);
    if (!backup) return;
    await reconcile(services, backup, reconciler);
  }
}

/** One unfinished run, the place it wrote to, and who repairs it. */
interface Unfinished {
  readonly services: RunServices;
  readonly backup: BackupRow;
  readonly object: BackupObjectRow;
  readonly claim: RunClaim;
  readonly reconciler: Reconciler;
}

async function reconcile(services: RunServices, backup: BackupRow, reconciler: Reconciler): Promise<void> {
  const claim = { backupId: backup.id, claimedBy: reconciler.claimedBy };
  const object = await services.db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backup.id)
    .where('kind', '=', 'dump')
    .executeTakeFirst();
  if (!object) {
    await settleFailed(services.db, claim, interrupted(backup), services.now());
    return;
  }
  try {
    const place = await services.openPlace(object);
    try {
      await judge({ services, backup, object, claim, reconciler }, place.store);
    } finally {
      await place.close();
    }
  } catch (error) {
    services.log.warn('an interrupted backup could not be looked up', { backupId: backup.id, error });
    await settleFailed(
      services.db,
      claim,
      unreachable({ services, backup, object, claim, reconciler }, error),
      services.now(),
    );
  }
}

async function judge(run: Unfinished, store: ObjectStore): Promise<void> {
  const { services, backup, object, claim } = run;
  const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
  if (await settleIfStored(run, store, signal)) return;
  if (await mayStillAppear(run, store, signal)) {
    await settleFailed(services.db, claim, stillUncertain(run), services.now());
    return;
  }
  const uploads = new Set(await store.listUploads(object.key, { token: backup.token, signal }));
  if (object.upload_id !== null) uploads.add(object.upload_id);
  for (const uploadId of uploads) await store.abortUpload(object.key, uploadId, { signal });
  // The Complete may have won against the abort.
  if (await settleIfStored(run, store, signal)) return;
  await settleFailed(services.db, claim, interrupted(backup), services.now());
}

/** Settles a run whose object is there: completed when it reads back, else removed. False when there is none of ours. */
async function settleIfStored(run: Unfinished, store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const { services, backup, object, claim } = run;
  if (object.bytes === null) return false;
  const { bytes } = object;
  const head = await store.head(object.key, { signal });
  if (!head) return false;
  // Where no token is kept, the size is what tells our file from a foreign one.
  if (head.token === null ? head.bytes !== bytes : head.token !== backup.token) return false;
  const { versionId } = head;
  try {
    await readBack(store, object.key, { bytes, versionId, token: backup.token }, signal);
  } catch (error) {
    if (!isAppError(error, 'storage_mismatch', 'storage_missing')) throw error;
    await store.remove(object.key, { versionId, signal });
    await settleFailed(services.db, claim, interrupted(backup), services.now());
    return true;
  }
  await settleCompleted(services.db, claim, { bytes, versionId, sha256: object.sha256 }, services.now());
  return true;
}

/**
 * A Complete can go on at the storage after its caller died, for minutes. While the upload is still known there and
 * that time is not over, it must not be aborted: some gateways then keep an object that can't be read.
 */
async function mayStillAppear(run: Unfinished, store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const { object, backup, services } = run;
  // A file on a host is made visible by one command, which died with its connection.
  if (object.bytes === null || object.upload_id === null || object.bucket === '') return false;
  if (!(await store.uploadExists(object.key, object.upload_id, { signal }))) return false;
  const since = Date.parse(backup.completed_at ?? services.now().toISOString());
  return services.now().getTime() - since < run.reconciler.completeMayTakeMs;
}

/** Takes over one run whose lease is over; a row that was uncertain is looked at again once its pause is over. */
async function claimExpired(services: RunServices, reconciler: Reconciler): Promise<BackupRow | undefined> {
  const now = services.now().toISOString();
  const candidates = services.db
    .selectFrom('backups')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('status', '=', 'in_progress'),
        eb.and([eb('status', '=', 'failed'), eb('outcome', '=', 'uncertain')]),
      ]),
    )
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now)]))
    .where((eb) => eb.or([eb('claimed_by', 'is', null), eb('claimed_by', '!=', reconciler.claimedBy)]))
    .limit(1);
  return services.db
    .updateTable('backups')
    .set({
      claimed_by: reconciler.claimedBy,
      lease_until: new Date(services.now().getTime() + reconciler.leaseMs).toISOString(),
    })
    .where('id', '=', candidates)
    .returningAll()
    .executeTakeFirst();
}

function interrupted(backup: BackupRow): FailedRun {
  const error = new AppError(
    'shutdown',
    'The app stopped while this backup ran. What had been stored of it was removed; start the backup again.',
  );
  return { error: describeFailure(error, backup.step ?? 'connect'), outcome: 'interrupted' };
}

function stillUncertain(
  { services, reconciler }: Unfinished,
  why = 'It has not said yet whether the backup is whole.',
): FailedRun {
  const error = new AppError(
    'storage_uncertain',
    `The app stopped while the storage was finishing this backup. ${why} It is asked again by itself.`,
  );
  const askAgainAt = new Date(services.now().getTime() + reconciler.askAgainMs);
  return { error: describeFailure(error, 'upload'), outcome: 'uncertain', askAgainAt };
}

function unreachable(run: Unfinished, cause: unknown): FailedRun {
  const { backup, object } = run;
  const why = cause instanceof Error ? cause.message : String(cause);
  if (object.bytes !== null) {
    return stillUncertain(run, `It can't be asked now whether the backup is whole: ${why}`);
  }
  return {
    ...interrupted(backup),
    leftover: {
      place: { endpoint: object.endpoint, region: object.region, bucket: object.bucket },
      item: { kind: 'upload', key: object.key, uploadId: object.upload_id, versionId: null },
    },
  };
}
