import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError, toAppError } from '../errors.ts';
import { diagnoseClock, diagnoseFailure } from '../object-stores/diagnose/diagnose.ts';
import type { Diagnosis } from '../object-stores/diagnose/diagnosis.ts';
import { notKnown, type Tried, tryBucket } from '../object-stores/diagnose/try-bucket.ts';
import { providerOf } from '../object-stores/providers.ts';
import { isS3Answer } from '../object-stores/s3/check-bucket.ts';
import { listBuckets } from '../object-stores/s3/list-buckets.ts';
import { listKeys } from '../object-stores/s3/list-objects.ts';
import { send } from '../object-stores/s3/request.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import { type TimeLimit, timeLimit } from '../object-stores/time-limit.ts';
import { noteTraits, traitsOf } from './bucket-traits.ts';
import type { StorageContext } from './context.ts';
import { noteGoodTest } from './good-test.ts';
import { prefixesInUse } from './in-use.ts';
import { type OpenedSpaces, openSpaces } from './storage.ts';

/** What Test Connection says; the texts are the storage page's. */
export interface SpacesTest {
  readonly success: boolean;
  readonly message: string;
  /** The reachable ones. */
  readonly buckets: readonly string[];
  readonly scopedKey: boolean;
  readonly failedBuckets?: readonly string[];
  /** Why each bucket failed. */
  readonly failures?: readonly { readonly bucket: string; readonly message: string }[];
  /** How each reachable bucket was found so, where HeadBucket did not do for all of them. */
  readonly details?: readonly BucketDetail[];
  /** What is wrong and what to do, a sentence each; absent where nothing is. */
  readonly diagnosis?: readonly Diagnosis[];
}

/** HeadBucket answered 200; or it answered 403, and a list of one key under this prefix 200. */
export interface BucketDetail {
  readonly bucket: string;
  readonly by: 'HeadBucket' | 'ListObjectsV2';
  readonly prefix: string | null;
}

/** The storage page's words for a key that may not list buckets. */
export const SCOPED_KEY = 'This appears to be a bucket-scoped key. Please add the bucket names manually.';

/** Some servers answer 200 with only what the policy allows: an empty list proves no bucket. */
export const NO_BUCKET_SEEN = 'This key sees no bucket. Create one or add bucket names manually.';

/** For the whole test: its buckets are tried side by side. Shorter than what a request to the API may take. */
const LIMIT_MS = 30_000;

/** Tries the storage with the saved settings, within the time. Never throws for what the storage answers. */
export async function tryStorage(
  context: StorageContext,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<SpacesTest> {
  let opened: OpenedSpaces;
  try {
    opened = await openSpaces(context);
  } catch (error) {
    return failed(storageMessage(error), false);
  }
  try {
    const { test, isGood, begunAt } = await testOpenedSpaces(context, opened, signal, limitMs);
    if (isGood) await write(context.db, (trx) => noteGoodTest(trx, opened.row, begunAt, context.now()));
    const seen = await traitsOf(context.db, opened, test, signal);
    await noteTraits(context, opened.s3.connection.settings.endpoint, seen);
    return test;
  } finally {
    await opened.s3.close();
  }
}

export interface TestedSpaces {
  readonly test: SpacesTest;
  /** Nothing was found that a backup would meet, and each bucket in use, one at least, has taken the beginning of an upload. */
  readonly isGood: boolean;
  readonly begunAt: Date;
}

/** The same for settings that are not saved yet. */
export async function testOpenedSpaces(
  { db, now }: Context,
  { s3: patient, buckets }: Pick<OpenedSpaces, 's3' | 'buckets'>,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<TestedSpaces> {
  const begunAt = now();
  const s3 = impatient(patient);
  const inUse = await prefixesInUse(db);
  const { test: result, taken } =
    buckets.length === 0
      ? await limited(signal, limitMs, (limit) => testListing(s3, inUse, limit))
      : await testEach(s3, buckets, inUse, { signal, limitMs });
  const test = withDiagnosis(result, [diagnoseClock(s3.connection)]);
  const isTaken = taken.length > 0 && [...inUse.keys()].every((bucket) => taken.includes(bucket));
  return { test, isGood: isTaken && isClean(test), begunAt };
}

/** What a test said, and the buckets in which an upload could be begun. */
interface Result {
  readonly test: SpacesTest;
  readonly taken: readonly string[];
}

function isClean({ success, failedBuckets, diagnosis }: SpacesTest): boolean {
  const others = (diagnosis ?? []).filter(({ kind }) => kind !== 'clock');
  return success && (failedBuckets ?? []).length === 0 && others.length === 0;
}

/** Buckets for a database's form: the configured names, else what the key may list. Throws `invalid`. */
export async function listSpacesBuckets(
  context: StorageContext,
  signal: AbortSignal,
): Promise<{ buckets: readonly string[]; source: 'configured' | 'discovered' }> {
  const { s3, buckets } = await openSpaces(context);
  try {
    if (buckets.length > 0) return { buckets, source: 'configured' };
    return { buckets: await s3.listBuckets(signal), source: 'discovered' };
  } catch (error) {
    throw bucketsRefused(error);
  } finally {
    await s3.close();
  }
}

/** Why there is no list of buckets, for the wire. */
export function bucketsRefused(error: unknown): AppError {
  const message = isAppError(error, 'storage_denied')
    ? 'Cannot list buckets with this key. Add bucket names manually in Spaces settings.'
    : storageMessage(error);
  return new AppError('invalid', message, { cause: error });
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

async function testListing(
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

/** What backups do, as far as it stores nothing. Once the time is up, or where nobody answers, nothing is known. */
async function tryUse(
  connection: S3['connection'],
  bucket: string,
  options: { readonly prefixes: readonly string[]; readonly looks: boolean },
  limit: TimeLimit,
): Promise<Tried> {
  limit.enter('at CreateMultipartUpload');
  try {
    const prefixes = options.prefixes.slice(0, MOST_PREFIXES);
    return await tryBucket(connection, bucket, { ...options, prefixes, signal: limit.signal });
  } catch (error) {
    const over = limit.over();
    if (over !== null) return notKnown(bucket, over.message);
    if (!isAppError(error)) throw error;
    return notKnown(bucket, storageMessage(error));
  }
}

/** Null once the time is up: then that is what is wrong. */
async function diagnose(
  connection: S3['connection'],
  error: unknown,
  about: { readonly bucket: string | null; readonly prefix?: string },
  limit: TimeLimit,
): Promise<Diagnosis | null> {
  try {
    return limit.over() ? null : await diagnoseFailure(connection, error, { ...about, signal: limit.signal });
  } catch (failure) {
    if (limit.over()) return null;
    throw failure;
  }
}

/** AWS and others answer 403; Cloudflare R2 answers 401 as well to tokens that are limited to buckets. */
function isScopedKey(error: unknown, endpoint: string): boolean {
  if (isAppError(error, 'storage_denied')) return true;
  if (!providerOf(endpoint).adminsListBuckets || !isAppError(error, 'storage_bad_credentials')) return false;
  return error.details.status === 401;
}

async function testEach(
  { connection }: Pick<S3, 'connection'>,
  names: readonly string[],
  inUse: ReadonlyMap<string, readonly string[]>,
  { signal, limitMs }: { readonly signal: AbortSignal; readonly limitMs: number },
): Promise<Result> {
  const answers = await Promise.all(
    names.map((bucket) =>
      limited(signal, limitMs, (limit) => testBucket({ connection }, bucket, inUse.get(bucket) ?? [], limit)),
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
  const result: SpacesTest = {
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

type Reached = BucketDetail & { readonly diagnosis: Diagnosis | null; readonly isTaken: boolean };

interface Missed {
  readonly bucket: string;
  readonly message: string;
  readonly diagnosis: Diagnosis | null;
}

/** The most prefixes of a bucket that are tried: one that answers proves the key. */
const MOST_PREFIXES = 5;

async function testBucket(
  s3: Pick<S3, 'connection'>,
  bucket: string,
  prefixes: readonly string[],
  limit: TimeLimit,
): Promise<Reached | Missed> {
  const { connection } = s3;
  const { signal } = limit;
  let refusal: unknown;
  limit.enter('at HeadBucket');
  try {
    const answer = await send(connection, {
      operation: 'HeadBucket',
      method: 'HEAD',
      bucket,
      signal,
      allow: [301, 400, 401, 403, 404],
    });
    if (answer.status < 300 && isS3Answer(answer)) {
      return await use(connection, { bucket, by: 'HeadBucket', prefix: null }, prefixes, limit);
    }
  } catch (error) {
    return miss(connection, bucket, error, '', limit);
  }
  limit.enter('at ListObjectsV2');
  // The refusal of a HEAD has no body: the list tells why, or that the key may work under its prefix all the same.
  for (const prefix of [...new Set([...prefixes.slice(0, MOST_PREFIXES), ''])]) {
    try {
      await listKeys(connection, bucket, { prefix, maxKeys: 1, signal });
      return await use(connection, { bucket, by: 'ListObjectsV2', prefix }, prefixes, limit);
    } catch (error) {
      refusal ??= error;
      if (!isAppError(error, 'storage_denied')) break;
    }
  }
  return miss(connection, bucket, refusal, prefixes[0] ?? '', limit);
}

/** What is reached, if backups can be stored there as far as that can be tried for nothing. */
async function use(
  connection: S3['connection'],
  detail: BucketDetail,
  prefixes: readonly string[],
  limit: TimeLimit,
): Promise<Reached | Missed> {
  const { bucket, by } = detail;
  // A HEAD that worked was not changed on its way.
  const { found, isRefused, upload } = await tryUse(
    connection,
    bucket,
    { prefixes, looks: by !== 'HeadBucket' },
    limit,
  );
  if (isRefused && found !== null) return { bucket, message: found.message, diagnosis: found };
  return { ...detail, diagnosis: found, isTaken: upload === 'taken' };
}

async function miss(
  connection: S3['connection'],
  bucket: string,
  error: unknown,
  prefix: string,
  limit: TimeLimit,
): Promise<Missed> {
  const message = storageMessage(error);
  return { bucket, message, diagnosis: await diagnose(connection, error, { bucket, prefix }, limit) };
}

function withDiagnosis(result: SpacesTest, found: readonly (Diagnosis | null)[]): SpacesTest {
  const diagnosis = [...(result.diagnosis ?? []), ...found.filter((one) => one !== null)];
  return diagnosis.length === 0 ? result : { ...result, diagnosis };
}

/** Only what was translated for an admin is shown; anything else is a defect and goes on. */
function storageMessage(error: unknown): string {
  const known = toAppError(error);
  if (known.code === 'internal') throw error;
  return known.message;
}

function failed(message: string, scopedKey: boolean): SpacesTest {
  return { success: false, message, buckets: [], scopedKey };
}
