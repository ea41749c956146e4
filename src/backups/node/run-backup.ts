import { setTimeout as pause } from 'node:timers/promises';
import { type DatabasePlans, planDatabase } from '../../databases/database-target.ts';
import { lookAtDatabase } from '../../databases/look-at-database.ts';
import type { BackupRow, DatabaseRow } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { Leftover, ObjectStore, StoredObject } from '../../object-stores/object-store.ts';
import { leaving, leftoverOf } from '../../object-stores/store-failure.ts';
import type { RunClaim } from '../../runs/claim.ts';
import type { RunContext } from '../../runs/kind.ts';
import { expectedBytes } from '../../storage/expected-bytes.ts';
import { openPipeline, type StreamRecord } from '../../transfer/node/pipeline.ts';
import type { BackupRunContext } from '../context.ts';
import { chooseDestination, type Destination } from '../destination.ts';
import type { ProgressTracker } from '../progress.ts';
import { readBack } from '../read-back.ts';
import { readDump } from '../read-dump.ts';
import { LOCK_PATIENCE_MS, loadBackup, recordDestination, recordLook, recordUpload } from '../run-record.ts';
import { withScratchFile } from '../scratch-file.ts';
import {
  addLeftover,
  type CompletedRun,
  type FailedRun,
  recordOrphan,
  settleCompleted,
  settleFailed,
} from '../settle.ts';
import { describeFailure, outcomeOf } from '../step-error.ts';

const LOOK_TIMEOUT_MS = 60_000;
const CLEAN_UP_TIMEOUT_MS = 60_000;
const WRITE_PAUSES_MS = [200, 1_000, 4_000];
const LATER_PAUSE_MS = 2_000;

/**
 * Runs one claimed backup (its run has its id) from its first look at the database to its outcome. Never throws for what happens to the
 * backup: that is written to the row. Throws when the outcome could not be written; the row then stays open, and
 * its repair finds out what became of it. Reads top to bottom: destination → connect → dump and upload → verify → settle.
 */
export async function runBackup(context: BackupRunContext, claimed: Claimed): Promise<void> {
  const { claim, progress } = claimed;
  const { db, log, now, uptimeMs } = context;
  const begunAt = uptimeMs();
  let destination: Destination | undefined;
  let done: CompletedRun;
  try {
    const { backup, database } = await loadBackup(db, claim.runId);
    // Whether the storage may be used at all comes before any work (the storage page, step 1 of its list).
    progress.enter('upload', 10);
    await chooseDestination(db, database, backup, '');

    progress.enter('connect', 10);
    const plans = await planRun(context, database, backup);
    destination = plans.destination;
    await recordDestination(db, claim, plans);
    done = await dumpAndStore(context, { ...claimed, backup, database, plans });
  } catch (error) {
    await settleFailure(context, claim, progress, { destination, begunAt }, error);
    return;
  }
  // Outside the try: the object is there, and calling the run failed would leave it behind, unrecorded.
  if (
    await persistently(() =>
      settleCompleted(
        db,
        claim,
        { ...done, seconds: secondsSince(begunAt, uptimeMs()), steps: progress.steps() },
        now(),
      ),
    )
  )
    return;
  log.error('a run ended well but its row was no longer its own', { backupId: claim.runId });
  const { place, key } = destination;
  const item: Leftover = { kind: 'object', key, uploadId: null, versionId: done.versionId };
  await persistently(() => recordOrphan(db, claim.runId, place, item, now()));
}

/** What the worker gives a run. */
export interface Claimed extends Pick<RunContext, 'claim' | 'signal' | 'hold'> {
  readonly progress: ProgressTracker;
}

interface Run extends Claimed {
  readonly backup: BackupRow;
  readonly database: DatabaseRow;
  readonly plans: Plans;
}

type Plans = DatabasePlans & { readonly destination: Destination };

async function planRun(context: BackupRunContext, database: DatabaseRow, backup: BackupRow): Promise<Plans> {
  const plans = await planDatabase(database, context.vault, context.servers);
  const destination = await chooseDestination(context.db, database, backup, plans.dump.fileExtension);
  return { ...plans, destination };
}

async function dumpAndStore(context: BackupRunContext, run: Run): Promise<CompletedRun> {
  const { plans, progress, database, backup } = run;
  const over = new AbortController();
  const signal = AbortSignal.any([run.signal, over.signal]);
  const stopDump = () => over.abort(new AppError('cancelled', 'The run that read this dump is over.'));
  const source = await context.servers.open(database.server_id, {
    startedBy: backup.type === 'manual' ? 'person' : 'schedule',
    actor: { userId: backup.triggered_by_id, address: null },
  });
  try {
    const looking = { signal, timeoutMs: LOOK_TIMEOUT_MS, isBrief: true };
    const found = await lookAtDatabase(source, plans, looking);
    progress.expect(found.estimatedBytes);
    await recordLook(context.db, run.claim, found);
    context.log.debug('looked at the database', { ...found });
    const destination = await context.openPlace(plans.destination.place);
    try {
      const { dump, file } = plans;
      return await withScratchFile(context, source, { backup, database, dump, file }, (planned) =>
        transfer(context, { ...run, plans: { ...plans, dump: planned } }, source.host, destination.store, {
          estimatedBytes: found.estimatedBytes,
          dumpSignal: signal,
          stopDump,
        }),
      );
    } finally {
      await closeQuietly(context, () => destination.close());
    }
  } finally {
    // A dump that sends nothing just now would not hear that its reader is gone.
    stopDump();
    await closeQuietly(context, () => source.host.close());
  }
}

/** What is stored is stored: a connection that can't be closed does not change the outcome. */
async function closeQuietly({ log }: BackupRunContext, close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (error) {
    log.warn('a connection of a backup could not be closed', { error });
  }
}

async function transfer(
  context: BackupRunContext,
  run: Run,
  host: Host,
  store: ObjectStore,
  { estimatedBytes, dumpSignal, stopDump }: Transferring,
): Promise<CompletedRun> {
  const { progress, plans, database } = run;
  progress.enter('dump', 30);
  const dump = readDump(host, plans.dump, {
    signal: dumpSignal,
    idleTimeoutMs: database.pg_dump_timeout_ms,
  });
  const { stream, record } = openPipeline(dump, plans.dump, dumpSignal);
  let stored: StoredObject;
  try {
    stored = await upload(context, run, store, stream, record, estimatedBytes);
  } catch (error) {
    // Nothing may be made on the host any more when what the dump made there is removed.
    if (plans.dump.scratch !== undefined) {
      stopDump();
      await dump.return(undefined).catch(() => {});
    }
    throw error;
  }
  const { bytesRead, bytesOut } = record;
  context.log.debug('stored, and to be read back', { bytesRead, bytesStored: bytesOut });
  return verify(context, run, store, stored, record);
}

interface Transferring {
  readonly estimatedBytes: number | null;
  readonly dumpSignal: AbortSignal;
  readonly stopDump: () => void;
}

async function verify(
  context: BackupRunContext,
  run: Run,
  store: ObjectStore,
  stored: StoredObject,
  record: StreamRecord,
): Promise<CompletedRun> {
  const { progress, plans, signal } = run;

  progress.enter('verify', 90);
  try {
    if (stored.bytes !== record.bytesOut) {
      throw new AppError(
        'storage_mismatch',
        `${store.label} counted ${stored.bytes} bytes of the ${record.bytesOut} that were sent. Run the backup again.`,
      );
    }
    await readBack(
      store,
      plans.destination.key,
      { ...stored, token: run.backup.token, ...ends(record) },
      signal,
      { isPatient: true },
    );
  } catch (error) {
    const { key } = plans.destination;
    // The one who has the backup now may have found the object to be good.
    if (isAppError(error, 'superseded')) throw withObjectLeft(key, stored, error);
    try {
      // So that an end of the app before or during the removal does not let the repair take the object for a good one.
      await recordUpload(context.db, run.claim, { sha256: null });
    } catch (unrecorded) {
      // Nor may it be removed then: another one may have the backup by now, or have it after this process.
      throw withObjectLeft(key, stored, isAppError(unrecorded, 'superseded') ? unrecorded : error);
    }
    throw await withObjectRemoved(store, key, stored, error);
  }
  return {
    bytes: stored.bytes,
    bytesRead: record.bytesRead,
    sha256: record.sha256,
    versionId: stored.versionId,
    dumpSha256: record.dumpSha256,
    contents: record.contents,
  };
}

async function upload(
  context: BackupRunContext,
  run: Run,
  store: ObjectStore,
  stream: AsyncIterable<Uint8Array>,
  record: StreamRecord,
  estimatedBytes: number | null,
): Promise<StoredObject> {
  const { plans, progress, signal } = run;
  try {
    return await store.put(plans.destination.key, counted(stream, record, progress), {
      signal,
      token: run.backup.token,
      contentType: plans.dump.contentType,
      fileName: plans.destination.fileName,
      ...(estimatedBytes === null ? {} : { estimatedBytes: expectedBytes(estimatedBytes) }),
      onUploadCreated: (uploadId) => recordUpload(context.db, run.claim, { upload_id: uploadId }),
      onMayAppear: (item) =>
        write(
          context.db,
          (trx) => addLeftover(trx, run.backup.id, plans.destination.place, item, context.now()),
          { patienceMs: LOCK_PATIENCE_MS },
        ),
      beforeSeal: async ({ bytes }) => {
        progress.enter('upload', 80);
        await recordUpload(context.db, run.claim, { bytes, sha256: record.sha256 });
        await run.hold();
      },
      onProgress: (stored) => progress.count({ stored }),
    });
  } catch (error) {
    if (!isFailureOf(record, error)) progress.enter('upload', progress.snapshot().progress);
    throw error;
  }
}

/** The dump itself may also fail later, while what another failure left is removed. */
function isFailureOf({ sourceError }: StreamRecord, error: unknown): boolean {
  if (sourceError === undefined) return false;
  return error === sourceError || (error instanceof Error && error.cause === sourceError);
}

async function* counted(
  stream: AsyncIterable<Uint8Array>,
  record: StreamRecord,
  progress: ProgressTracker,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    progress.count({ read: record.bytesRead });
    progress.waitFor('storage');
    yield chunk;
    progress.waitFor('host');
  }
  progress.count({ read: record.bytesRead });
  progress.waitFor('storage');
}

function ends(record: StreamRecord): { firstByte: number | null; lastByte: number | null } {
  return { firstByte: record.firstByte, lastByte: record.lastByte };
}

/** Removes what was stored but failed its reading back; the error then carries what could not be removed. */
async function withObjectRemoved(
  store: ObjectStore,
  key: string,
  stored: StoredObject,
  error: unknown,
): Promise<unknown> {
  try {
    await store.remove(key, {
      versionId: stored.versionId,
      signal: AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS),
    });
    return error;
  } catch {
    return withObjectLeft(key, stored, error);
  }
}

function withObjectLeft(key: string, stored: StoredObject, error: unknown): AppError {
  const leftover: Leftover = { kind: 'object', key, uploadId: null, versionId: stored.versionId };
  const known = isAppError(error)
    ? error
    : new AppError('internal', 'The backup could not be read back.', { cause: error });
  return leaving(known, leftover);
}

async function settleFailure(
  context: BackupRunContext,
  claim: RunClaim,
  progress: ProgressTracker,
  { destination, begunAt }: { readonly destination: Destination | undefined; readonly begunAt: number },
  error: unknown,
): Promise<void> {
  const failure = describeFailure(error, progress.step);
  context.log.warn('backup failed', {
    backupId: claim.runId,
    step: failure.step,
    code: failure.code,
    error,
  });
  const leftover = leftoverOf(error);
  const outcome: FailedRun = {
    error: failure,
    outcome: outcomeOf(error),
    seconds: secondsSince(begunAt, context.uptimeMs()),
    steps: progress.steps(),
    ...(leftover && destination ? { leftover: { place: destination.place, item: leftover } } : {}),
  };
  const { db, now } = context;
  if (await persistently(() => settleFailed(db, claim, outcome, now()))) return;
  if (!leftover || !destination) return;
  const { place } = destination;
  await persistently(() => recordOrphan(db, claim.runId, place, leftover, now()));
}

function secondsSince(begunAt: number, uptimeMs: number): number {
  return Math.round((uptimeMs - begunAt) / 1000);
}

/**
 * Tries a few times, and for as long as the app runs while nothing can be saved: a full disk must not cost a run its true
 * outcome, which the repair would have to guess.
 */
async function persistently<T>(settle: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await settle();
    } catch (error) {
      const isLast = tries >= WRITE_PAUSES_MS.length;
      if (isLast && !isAppError(error, 'unavailable')) throw error;
      await pause(WRITE_PAUSES_MS[tries] ?? LATER_PAUSE_MS);
    }
  }
}
