import { sql } from 'kysely';
import type { BackupObjectRow, BackupRow, Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { parseHostPath, partialPath } from '../object-stores/host-files/path.ts';
import type { ObjectStore } from '../object-stores/object-store.ts';
import { type RunClaim, releaseClaim } from './claim.ts';
import { readBack } from './read-back.ts';
import type { RunServices } from './run-services.ts';
import { addLeftover, type FailedRun, settleCompleted, settleFailed } from './settle.ts';
import { describeFailure } from './step-error.ts';
import { abortUploads } from './sweep.ts';

export interface Reconciler {
  readonly claimedBy: string;
  readonly leaseMs: number;
  readonly completeMayTakeMs: number;
  /**
   * First pause before an uncertain run is asked about again; later ones are as long as it has been uncertain, but end when
   * no Complete can be on its way any more.
   */
  readonly askAgainMs: number;
  /** What is being repaired, by id, for the renewal of its lease; each is ended when it is no longer this process's. */
  readonly repairing: Map<string, AbortController>;
  /** Ids of this process's own runs, which are never taken over. */
  readonly running: () => readonly string[];
  /** Ends a repair; what it did not settle is left to the next start. */
  readonly signal: AbortSignal;
}

const STORE_TIMEOUT_MS = 60_000;
const MAX_PAUSE_MS = 3_600_000;

/**
 * Repairs runs that nobody works on any more: those whose lease is over, and those whose outcome was uncertain. The
 * object with the run's token and size is there → completed after it was read back. Otherwise the upload is aborted
 * and the run fails as `interrupted`. Where the storage can't be reached, a run whose bytes were all sent stays
 * `uncertain` and is looked at again; any other leaves a row in `leftovers`.
 */
export async function reconcileExpired(services: RunServices, reconciler: Reconciler): Promise<void> {
  while (!reconciler.signal.aborted) {
    const backup = await claimExpired(services, reconciler);
    if (!backup) return;
    const lost = new AbortController();
    reconciler.repairing.set(backup.id, lost);
    const signal = AbortSignal.any([reconciler.signal, lost.signal]);
    try {
      await reconcile(services, backup, { ...reconciler, signal });
    } finally {
      reconciler.repairing.delete(backup.id);
    }
  }
}

/** Has every uncertain run asked about at the next look, whatever its pause: for the start of the app. */
export async function askUncertainNow(db: Db, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ lease_until: now.toISOString() })
      .where('status', '=', 'failed')
      .where('outcome', '=', 'uncertain')
      .where('claimed_by', 'is', null)
      .execute(),
  );
}

/** A shell on a host may make its file after the connection broke: it is looked for when that has come to rest. */
const HOST_RESTS_MS = 5_000;

/**
 * Ends the lease of every run and repair that is not this process's own: for the start of one that is alone on its
 * database, so that whoever claimed them is gone. A run that stored on a host keeps some seconds of it. What may be
 * decided about them, and when, stays as it is.
 */
export async function endEarlierLeases(db: Db, claimedBy: string, now: Date): Promise<void> {
  const at = (ms: number) => new Date(now.getTime() + ms).toISOString();
  await write(db, async (trx) => {
    const until = (leaseUntil: string) =>
      trx
        .updateTable('backups')
        .set({ lease_until: leaseUntil })
        .where('claimed_by', '!=', claimedBy)
        .where('lease_until', '>', leaseUntil);
    const running = (leaseUntil: string) => until(leaseUntil).where('status', '=', sql.lit('in_progress'));
    await running(at(HOST_RESTS_MS)).where('storage_type', '=', 'local').execute();
    await running(at(0)).where('storage_type', '!=', 'local').execute();
    await until(at(0)).where('outcome', '=', sql.lit('uncertain')).where('status', '=', 'failed').execute();
  });
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
    if (reconciler.signal.aborted) {
      await releaseClaim(services.db, claim, services.now());
      return;
    }
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
  const signal = AbortSignal.any([run.reconciler.signal, AbortSignal.timeout(STORE_TIMEOUT_MS)]);
  const isUnseen = await isOpenAndUnseen(object, store, signal);
  if (!isUnseen && (await settleIfStored(run, store, signal))) return;
  if (await mayStillAppear(run, store, signal)) {
    await settleFailed(services.db, claim, stillUncertain(run), services.now());
    return;
  }
  const { key, upload_id: uploadId } = object;
  await abortUploads(store, { key, uploadId, token: backup.token }, signal);
  // The Complete may have won against the abort.
  if (!isUnseen && (await settleIfStored(run, store, signal))) return;
  await settleFailed(services.db, claim, { ...interrupted(backup), ...mayLandLater(object) }, services.now());
}

/**
 * Whether the key may not look and the upload is still open. One that may not list is told "denied" also of what is not
 * there; an open upload is no object.
 */
async function isOpenAndUnseen(
  { key, bytes, upload_id: uploadId }: BackupObjectRow,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<boolean> {
  if (bytes === null || uploadId === null) return false;
  try {
    await store.head(key, { signal });
    return false;
  } catch (error) {
    if (!isAppError(error, 'storage_denied')) throw error;
    return store.uploadExists(key, uploadId, { signal });
  }
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
    // Taken back by the run itself, which had read it and found it wrong.
    if (object.sha256 === null) throw new AppError('storage_mismatch', 'The object was found to be wrong.');
    await readBack(store, object.key, { bytes, versionId, token: backup.token }, signal);
  } catch (error) {
    if (!isAppError(error, 'storage_mismatch', 'storage_missing')) throw error;
    await store.remove(object.key, { versionId, signal });
    await settleFailed(services.db, claim, interrupted(backup), services.now());
    return true;
  }
  await removeUnfinishedName(run);
  await settleCompleted(services.db, claim, { bytes, versionId, sha256: object.sha256 }, services.now());
  return true;
}

/** A host that died between the two names of a file may have kept both. */
async function removeUnfinishedName({ services, backup, object }: Unfinished): Promise<void> {
  if (object.bucket !== '' || object.upload_id === null) return;
  const item = { kind: 'file', key: object.upload_id, uploadId: null, versionId: null } as const;
  await write(services.db, (trx) => addLeftover(trx, backup.id, object, item, services.now()));
}

/** What was on its way when the app died may still appear after nothing was found: it is looked for once more. */
function mayLandLater(object: BackupObjectRow): Pick<FailedRun, 'leftover'> {
  if (object.bucket === '' || (object.bytes === null && object.upload_id !== null)) return {};
  const kind = object.bytes === null ? 'upload' : 'object';
  return {
    leftover: {
      place: { endpoint: object.endpoint, region: object.region, bucket: object.bucket },
      item: { kind, key: object.key, uploadId: null, versionId: null },
    },
  };
}

/**
 * A Complete can go on at the storage after its caller died, for minutes. While the upload is still known there and
 * that time is not over, it must not be aborted: some gateways then keep an object that can't be read.
 */
async function mayStillAppear(run: Unfinished, store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const { object, backup, services } = run;
  // A file on a host is made visible by one command, which died with its connection.
  if (object.bytes === null || object.upload_id === null || object.bucket === '') return false;
  // First, because a key may not be allowed to list parts: that must not keep the run open for ever.
  const since = Date.parse(backup.completed_at ?? services.now().toISOString());
  if (services.now().getTime() - since >= run.reconciler.completeMayTakeMs) return false;
  return store.uploadExists(object.key, object.upload_id, { signal });
}

/** Takes over one run whose lease is over; a row that was uncertain is looked at again once its pause is over. */
async function claimExpired(services: RunServices, reconciler: Reconciler): Promise<BackupRow | undefined> {
  for (const candidate of [lapsed(services, reconciler), uncertain(services, reconciler)]) {
    // There is none, as a rule: then nothing is written.
    if ((await candidate.executeTakeFirst()) === undefined) continue;
    const claimed = await write(services.db, (trx) =>
      trx
        .updateTable('backups')
        .set({
          claimed_by: reconciler.claimedBy,
          lease_until: new Date(services.now().getTime() + reconciler.leaseMs).toISOString(),
        })
        .where('id', '=', candidate)
        .returningAll()
        .executeTakeFirst(),
    );
    if (claimed !== undefined) return claimed;
  }
  return undefined;
}

/** A run that is not over, and whose lease is. */
function lapsed(services: RunServices, { leaseMs, running }: Reconciler) {
  return dueAmong(services, running(), leaseMs).where('status', '=', sql.lit('in_progress'));
}

/** A run whose outcome is not known, and whose pause is over. */
function uncertain(services: RunServices, { leaseMs, completeMayTakeMs, running }: Reconciler) {
  const givenUp = new Date(services.now().getTime() - completeMayTakeMs).toISOString();
  return (
    dueAmong(services, running(), Math.max(MAX_PAUSE_MS, leaseMs))
      .where('outcome', '=', sql.lit('uncertain'))
      .where('status', '=', 'failed')
      // A deleted one is removed by the sweep from then on, whatever became of it.
      .where((eb) => eb.or([eb('deleted_at', 'is', null), eb('completed_at', '>', givenUp)]))
  );
}

/** One row whose `lease_until` is over, or further ahead than any lease or pause of that length: the clock was set back. */
function dueAmong({ db, now }: RunServices, running: readonly string[], longestMs: number) {
  const at = now().getTime();
  return db
    .selectFrom('backups')
    .select('id')
    .where((eb) =>
      eb.or([
        eb('lease_until', 'is', null),
        eb('lease_until', '<=', new Date(at).toISOString()),
        eb('lease_until', '>', new Date(at + 2 * longestMs).toISOString()),
      ]),
    )
    .$if(running.length > 0, (query) => query.where('id', 'not in', running))
    .limit(1);
}

function interrupted(backup: BackupRow): FailedRun {
  if (backup.cancel_requested_at !== null) {
    const error = new AppError(
      'cancelled',
      'The backup was cancelled. What had been stored of it was removed.',
    );
    return { error: describeFailure(error, backup.step ?? 'connect'), outcome: 'cancelled' };
  }
  const error = new AppError(
    'shutdown',
    'The app stopped while this backup ran. What had been stored of it was removed; start the backup again.',
  );
  return { error: describeFailure(error, backup.step ?? 'connect'), outcome: 'interrupted' };
}

function stillUncertain(
  { services, backup, reconciler }: Unfinished,
  why = 'It has not said yet whether the backup is whole.',
): FailedRun {
  const error = new AppError(
    'storage_uncertain',
    `The app stopped while the storage was finishing this backup. ${why} It is asked again by itself; deleting the backup gives it up.`,
  );
  const now = services.now().getTime();
  const ageMs = now - Date.parse(backup.completed_at ?? services.now().toISOString());
  const pauseMs = Math.max(reconciler.askAgainMs, Math.min(MAX_PAUSE_MS, ageMs));
  // From then on no Complete can be on its way, so that the answer is final: nobody waits longer for it.
  const untilFinalMs = reconciler.completeMayTakeMs - ageMs;
  const askAgainAt = new Date(now + (untilFinalMs > 0 ? Math.min(pauseMs, untilFinalMs) : pauseMs));
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
      item: {
        kind: 'upload',
        key: object.key,
        // A file on a host has its name from the run's token, also when that was not recorded in time.
        uploadId:
          object.upload_id ??
          (object.bucket === '' ? partialPath(parseHostPath(object.key), backup.token) : null),
        versionId: null,
      },
    },
  };
}
