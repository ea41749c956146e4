import type { BackupObjectRow, BackupRow, RunRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { parseHostPath, partialPath } from '../object-stores/host-files/path.ts';
import type { ObjectStore } from '../object-stores/object-store.ts';
import { abortUploads } from '../object-stores/own-uploads.ts';
import type { RunClaim } from '../runs/claim.ts';
import type { RepairContext } from '../runs/kind.ts';
import { MAX_PAUSE_MS, releaseClaim } from '../runs/take.ts';
import type { BackupRunContext } from './context.ts';
import { readBack } from './read-back.ts';
import { addLeftover, type FailedRun, settleCompleted, settleFailed } from './settle.ts';
import { describeFailure, toBackupStep } from './step-error.ts';

/** How long what is asked of a storage after a crash may take to be answered truly. */
export interface RepairRules {
  /** How long a storage may go on with a Complete whose caller is gone. */
  readonly completeMayTakeMs: number;
  /**
   * First pause before an uncertain run is asked about again; later ones are as long as it has been uncertain, but end when
   * no Complete can be on its way any more.
   */
  readonly askAgainMs: number;
}

const COMPLETE_MAY_TAKE_MS = 10 * 60_000;
const ASK_AGAIN_MS = 30_000;
const STORE_TIMEOUT_MS = 60_000;

/** The usual ones where none are given. */
export function backupRules(rules: Partial<RepairRules>): RepairRules {
  return {
    completeMayTakeMs: rules.completeMayTakeMs ?? COMPLETE_MAY_TAKE_MS,
    askAgainMs: rules.askAgainMs ?? ASK_AGAIN_MS,
  };
}

/** One unfinished run, the place it wrote to, and who repairs it. */
interface Unfinished {
  readonly context: BackupRunContext;
  readonly run: RunRow;
  readonly backup: BackupRow;
  readonly object: BackupObjectRow;
  readonly claim: RunClaim;
  readonly rules: RepairRules;
  readonly signal: AbortSignal;
}

/**
 * Repairs a run that nobody works on any more, or whose outcome was uncertain. The object with the run's token and size is
 * there → completed after it was read back. Otherwise the upload is aborted and the run fails as `interrupted`. Where the
 * storage can't be reached, a run whose bytes were all sent stays `uncertain` and is looked at again; any other leaves a row
 * in `leftovers`.
 */
export async function repairBackup(
  context: BackupRunContext,
  run: RunRow,
  { claim, signal }: RepairContext,
  rules: RepairRules,
): Promise<void> {
  const { db } = context;
  const backup = await db.selectFrom('backups').selectAll().where('id', '=', run.id).executeTakeFirst();
  // It went with its database, and its run with it.
  if (backup === undefined) return;
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backup.id)
    .where('kind', '=', 'dump')
    .executeTakeFirst();
  if (!object) {
    await settleFailed(db, claim, interrupted(run), context.now());
    return;
  }
  const unfinished = { context, run, backup, object, claim, rules, signal };
  try {
    const place = await context.openPlace(object);
    try {
      await judge(unfinished, place.store);
    } finally {
      await place.close();
    }
  } catch (error) {
    if (signal.aborted) {
      await releaseClaim(db, claim, context.now());
      return;
    }
    context.log.warn('an interrupted backup could not be looked up', { backupId: backup.id, error });
    await settleFailed(db, claim, unreachable(unfinished, error), context.now());
  }
}

async function judge(unfinished: Unfinished, store: ObjectStore): Promise<void> {
  const { context, run, backup, object, claim } = unfinished;
  const signal = AbortSignal.any([unfinished.signal, AbortSignal.timeout(STORE_TIMEOUT_MS)]);
  const isUnseen = await isOpenAndUnseen(object, store, signal);
  if (!isUnseen && (await settleIfStored(unfinished, store, signal))) return;
  if (await mayStillAppear(unfinished, store, signal)) {
    await settleFailed(context.db, claim, stillUncertain(unfinished), context.now());
    return;
  }
  const { key, upload_id: uploadId } = object;
  await abortUploads(store, { key, uploadId, token: backup.token }, signal);
  // The Complete may have won against the abort.
  if (!isUnseen && (await settleIfStored(unfinished, store, signal))) return;
  await settleFailed(context.db, claim, { ...interrupted(run), ...mayLandLater(object) }, context.now());
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
async function settleIfStored(
  unfinished: Unfinished,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<boolean> {
  const { context, run, backup, object, claim } = unfinished;
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
    await settleFailed(context.db, claim, interrupted(run), context.now());
    return true;
  }
  await removeUnfinishedName(unfinished);
  // What was noted while it ran is as far as it had come some seconds before its end.
  const bytesRead = backup.compression === 'none' ? bytes : 0;
  const stored = { bytes, bytesRead, versionId, sha256: object.sha256 };
  await settleCompleted(context.db, claim, stored, context.now());
  return true;
}

/** A host that died between the two names of a file may have kept both. */
async function removeUnfinishedName({ context, backup, object }: Unfinished): Promise<void> {
  if (object.bucket !== '' || object.upload_id === null) return;
  const item = { kind: 'file', key: object.upload_id, uploadId: null, versionId: null } as const;
  await write(context.db, (trx) => addLeftover(trx, backup.id, object, item, context.now()));
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
async function mayStillAppear(
  unfinished: Unfinished,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<boolean> {
  const { object, backup, context } = unfinished;
  // A file on a host is made visible by one command, which died with its connection.
  if (object.bytes === null || object.upload_id === null || object.bucket === '') return false;
  // First, because a key may not be allowed to list parts: that must not keep the run open for ever.
  const since = Date.parse(backup.completed_at ?? context.now().toISOString());
  if (context.now().getTime() - since >= unfinished.rules.completeMayTakeMs) return false;
  return store.uploadExists(object.key, object.upload_id, { signal });
}

function interrupted(run: RunRow): FailedRun {
  const step = toBackupStep(run.step) ?? 'connect';
  if (run.cancel_requested_at !== null) {
    const error = new AppError(
      'cancelled',
      'The backup was cancelled. What had been stored of it was removed.',
    );
    return { error: describeFailure(error, step), outcome: 'cancelled' };
  }
  const error = new AppError(
    'shutdown',
    'The app stopped while this backup ran. What had been stored of it was removed; start the backup again.',
  );
  return { error: describeFailure(error, step), outcome: 'interrupted' };
}

function stillUncertain(
  { context, backup, rules }: Unfinished,
  why = 'It has not said yet whether the backup is whole.',
): FailedRun {
  const error = new AppError(
    'storage_uncertain',
    `The app stopped while the storage was finishing this backup. ${why} It is asked again by itself; deleting the backup gives it up.`,
  );
  const now = context.now().getTime();
  const ageMs = now - Date.parse(backup.completed_at ?? context.now().toISOString());
  const pauseMs = Math.max(rules.askAgainMs, Math.min(MAX_PAUSE_MS, ageMs));
  // From then on no Complete can be on its way, so that the answer is final: nobody waits longer for it.
  const untilFinalMs = rules.completeMayTakeMs - ageMs;
  const askAgainAt = new Date(now + (untilFinalMs > 0 ? Math.min(pauseMs, untilFinalMs) : pauseMs));
  return { error: describeFailure(error, 'upload'), outcome: 'uncertain', askAgainAt };
}

function unreachable(unfinished: Unfinished, cause: unknown): FailedRun {
  const { run, backup, object } = unfinished;
  const why = cause instanceof Error ? cause.message : String(cause);
  if (object.bytes !== null) {
    return stillUncertain(unfinished, `It can't be asked now whether the backup is whole: ${why}`);
  }
  return {
    ...interrupted(run),
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
