import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { diagnoseClock } from '../object-stores/diagnose/diagnose.ts';
import { providerOf } from '../object-stores/providers.ts';
import { listBuckets } from '../object-stores/s3/list-buckets.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import { type TimeLimit, timeLimit } from '../object-stores/time-limit.ts';
import { noteTraits, traitsOf } from './bucket-traits.ts';
import type { StorageContext } from './context.ts';
import { prefixesInUse } from './in-use.ts';
import { type OpenedStorage, openStorage } from './storage.ts';
import {
  failed,
  NO_BUCKET_SEEN,
  SCOPED_KEY,
  type StorageTest,
  storageMessage,
  withDiagnosis,
} from './tried.ts';
import { noteGoodTest } from './tried-since.ts';
import { diagnose, tryNamedBucket, tryUse } from './try-named-bucket.ts';

/** For the whole test: its buckets are tried side by side. Shorter than what a request to the API may take. */
const LIMIT_MS = 30_000;

/** Tries the storage with the saved settings, within the time. Never throws for what the storage answers. */
export async function tryStorage(
  context: StorageContext,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<StorageTest> {
  let opened: OpenedStorage;
  try {
    opened = await openStorage(context);
  } catch (error) {
    return failed(storageMessage(error), false);
  }
  try {
    const { test, isGood, begunAt } = await tryOpenedStorage(context, opened, signal, limitMs);
    if (isGood) await write(context.db, (trx) => noteGoodTest(trx, opened.row, begunAt, context.now()));
    const seen = await traitsOf(context.db, opened, test, signal);
    await noteTraits(context, opened.s3.connection.settings.endpoint, seen);
    return test;
  } finally {
    await opened.s3.close();
  }
}

export interface TriedSettings {
  readonly test: StorageTest;
  /** Nothing was found that a backup would meet, and each bucket in use, one at least, has taken the beginning of an upload. */
  readonly isGood: boolean;
  readonly begunAt: Date;
}

/** The same for settings that are not saved yet. */
export async function tryOpenedStorage(
  { db, now }: Context,
  { s3: patient, buckets }: Pick<OpenedStorage, 's3' | 'buckets'>,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<TriedSettings> {
  const begunAt = now();
  const s3 = impatient(patient);
  const inUse = await prefixesInUse(db);
  const { test: result, taken } =
    buckets.length === 0
      ? await limited(signal, limitMs, (limit) => tryListing(s3, inUse, limit))
      : await tryEach(s3, buckets, inUse, { signal, limitMs });
  const test = withDiagnosis(result, [diagnoseClock(s3.connection)]);
  const isTaken = taken.length > 0 && [...inUse.keys()].every((bucket) => taken.includes(bucket));
  return { test, isGood: isTaken && isClean(test), begunAt };
}

/** What a test said, and the buckets in which an upload could be begun. */
interface Result {
  readonly test: StorageTest;
  readonly taken: readonly string[];
}

function isClean({ success, failedBuckets, diagnosis }: StorageTest): boolean {
  const others = (diagnosis ?? []).filter(({ kind }) => kind !== 'clock');
  return success && (failedBuckets ?? []).length === 0 && others.length === 0;
}

/** Somebody waits: two tries of at most ten seconds each. */
function impatient(s3: S3): Pick<S3, 'connection'> {
  const { connection } = s3;
  const short = { attempts: 2, patientAttempts: 2, patienceMs: 0, attemptTimeoutMs: 10_000, abortRounds: 2 };
  const tuning = { ...connection.tuning, ...short };
  return { connection: { ...connection, tuning } };
}

async function limited<T>(
  signal: AbortSignal,
  limitMs: number,
  action: (limit: TimeLimit) => Promise<T>,
): Promise<T> {
  const limit = timeLimit(signal, limitMs, 'The test');
  try {
    return await action(limit);
  } finally {
    limit.end();
  }
}

async function tryListing(
  { connection }: Pick<S3, 'connection'>,
  inUse: ReadonlyMap<string, readonly string[]>,
  limit: TimeLimit,
): Promise<Result> {
  limit.enter('at ListBuckets');
  try {
    const buckets = await listBuckets(connection, limit.signal);
    if (buckets.length === 0) return { test: failed(NO_BUCKET_SEEN, true), taken: [] };
    const used = buckets.filter((bucket) => inUse.has(bucket)).slice(0, MOST_TRIED);
    const tried = await Promise.all(
      used.map((bucket) =>
        tryUse(connection, bucket, { prefixes: inUse.get(bucket) ?? [], looks: true }, limit),
      ),
    );
    const found = tried.map((one) => one.found);
    const [refusal] = tried.flatMap(({ found, isRefused }) => (found !== null && isRefused ? [found] : []));
    if (refusal !== undefined && tried.every(({ isRefused }) => isRefused)) {
      return {
        test: withDiagnosis(failed(`${refusal.bucket}: ${refusal.message}`, false), found),
        taken: [],
      };
    }
    const message = 'Connection successful (full API access)';
    const test = withDiagnosis({ success: true, message, buckets, scopedKey: false }, found);
    return { test, taken: used.filter((_, index) => tried[index]?.upload === 'taken') };
  } catch (error) {
    const scopedKey = isScopedKey(error, connection.settings.endpoint);
    const result = failed(scopedKey ? SCOPED_KEY : storageMessage(error), scopedKey);
    const found = await diagnose(connection, error, { bucket: null }, limit);
    return { test: withDiagnosis(result, [found]), taken: [] };
  }
}

/** Of discovered buckets, the most that are tried beyond the list. */
const MOST_TRIED = 5;

/** AWS and others answer 403; Cloudflare R2 answers 401 as well to tokens that are limited to buckets. */
function isScopedKey(error: unknown, endpoint: string): boolean {
  if (isAppError(error, 'storage_denied')) return true;
  if (!providerOf(endpoint).adminsListBuckets || !isAppError(error, 'storage_bad_credentials')) return false;
  return error.details.status === 401;
}

async function tryEach(
  { connection }: Pick<S3, 'connection'>,
  names: readonly string[],
  inUse: ReadonlyMap<string, readonly string[]>,
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
): Promise<Result> {
  const answers = await Promise.all(
    names.map((bucket) =>
      limited(signal, limitMs, (limit) =>
        tryNamedBucket({ connection }, bucket, inUse.get(bucket) ?? [], limit),
      ),
    ),
  );
  const reached = answers.flatMap((answer) => ('by' in answer ? [answer] : []));
  const missed = answers.flatMap((answer) => ('by' in answer ? [] : [answer]));
  const failures = missed.map(({ bucket, message }) => ({ bucket, message }));
  const failedBuckets = missed.map(({ bucket }) => bucket);
  const diagnoses = answers.map(({ diagnosis }) => diagnosis);
  if (reached.length === 0) {
    const message = `Cannot access any configured buckets: ${failedBuckets.join(', ')}`;
    return {
      test: withDiagnosis({ ...failed(message, true), failedBuckets, failures }, diagnoses),
      taken: [],
    };
  }
  const result: StorageTest = {
    success: true,
    message: `Connected. Access to ${reached.length}/${names.length} buckets.`,
    buckets: reached.map(({ bucket }) => bucket),
    scopedKey: true,
    ...(failures.length === 0 ? {} : { failedBuckets, failures }),
    ...(reached.every(({ by }) => by === 'HeadBucket')
      ? {}
      : { details: reached.map(({ bucket, by, prefix }) => ({ bucket, by, prefix })) }),
  };
  const taken = reached.filter(({ isTaken }) => isTaken).map(({ bucket }) => bucket);
  return { test: withDiagnosis(result, diagnoses), taken };
}
