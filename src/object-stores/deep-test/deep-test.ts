import { type AppError, isAppError } from '../../errors.ts';
import { RESERVED_PREFIX } from '../diagnose/try-bucket.ts';
import type { S3Connection } from '../s3/connection.ts';
import { planParts } from '../s3/part-plan.ts';
import { timeLimit } from '../time-limit.ts';
import { cleanUp, removeEarlier } from './clean-up.ts';
import { type BucketTraits, readTraits } from './object-lock.ts';
import { checkAbort, checkParts, type Throughput } from './parts.ts';
import { CHECK_NAMES, type CheckId, type TestedBucket } from './result.ts';
import { type BucketTest, skip } from './run.ts';
import { checkSmallObjects, putFirst } from './small-objects.ts';

export interface DeepTestOptions {
  /** Prefixes that databases use: tried where the key may not write at the bucket's root. */
  readonly prefixes: readonly string[];
  readonly signal: AbortSignal;
  /** The largest dump that is expected there: decides how large a part is tried, as it does for backups. */
  readonly estimatedBytes?: number | undefined;
  /** Told before each step; `done` of `steps`. */
  readonly onStep?: (step: string, done: number, steps: number) => void;
  /** Age from which what is under the reserved prefix is taken for left by an interrupted deep test. */
  readonly leftoverAgeMs?: number;
  /** For all checks together, and then for the clean-up. */
  readonly limitMs?: number;
  readonly cleanUpMs?: number;
}

const STEPS = 5;
const HOUR_MS = 3_600_000;
const LIMIT_MS = 5 * 60_000;
const CLEAN_UP_MS = 60_000;
const BUILT_ON_PUT = [
  ...['head', 'range', 'conditional', 'list', 'presign', 'delete'],
  ...['multipart', 'readBack', 'metadata', 'abort'],
] as const satisfies readonly CheckId[];

/**
 * Tries in a bucket everything that backups need: writes one part of the size that backups send and at most 1 MiB more
 * under a reserved prefix, reads it in each way and removes it. What the storage refuses is a finding, and so is that it takes too long; what then can't be removed is
 * told. Throws `cancelled` when the signal aborts, after cleaning up.
 */
export async function deepTestBucket(
  connection: S3Connection,
  bucket: string,
  options: DeepTestOptions,
): Promise<TestedBucket> {
  const startedAt = performance.now();
  const limit = timeLimit(options.signal, options.limitMs ?? LIMIT_MS, 'The test of this bucket');
  const step = (name: string, done: number) => {
    limit.enter(`while ${name}`);
    options.onStep?.(name, done, STEPS);
  };
  const runs = createRuns(connection, bucket, options, limit.signal);
  // The one at the root, unless only another may write.
  let run = runs[0];
  let throughput: Throughput = { uploadBytesPerSecond: null, downloadBytesPerSecond: null };
  let traits: BucketTraits = { objectLock: null, storageClass: null };
  let removedFromEarlier = 0;
  try {
    step('storing an object', 0);
    const { content, writer } = await putWhereAllowed(runs);
    run = writer;
    if (content === null) {
      skip(run, BUILT_ON_PUT, 'Nothing could be stored.');
    } else {
      traits = await readTraits(run, `${run.folder}a.bin`);
      step('reading, listing and deleting it', 1);
      await checkSmallObjects(run, content);
      step('uploading in parts and reading back', 2);
      throughput = await checkParts(run);
      step('aborting an upload', 3);
      await checkAbort(run);
    }
  } catch (error) {
    const over = limit.over();
    if (over === null) throw error;
    noteTimeUp(run, over);
  } finally {
    limit.end();
    options.onStep?.('removing what it made', 4, STEPS);
    removedFromEarlier = await tidy(runs, run, options);
  }
  return {
    bucket,
    prefix: run.folder,
    durationMs: Math.round(performance.now() - startedAt),
    checks: run.checks,
    versioning: run.versioning,
    ...traits,
    clockOffsetMs: run.clockOffsetMs,
    ...throughput,
    writtenBytes: run.writtenBytes,
    removedFromEarlier,
    left: run.left,
  };
}

/** Keys that may write under a prefix only are refused at the root: then the prefixes in use are tried. */
async function putWhereAllowed(runs: Runs): Promise<{ writer: BucketTest; content: Uint8Array | null }> {
  for (const run of runs) {
    const content = await putFirst(run);
    if (content !== null) return { writer: run, content };
    if (!run.wasDenied) break;
  }
  return { writer: runs[0], content: null };
}

type Runs = readonly [BucketTest, ...BucketTest[]];

function createRuns(
  connection: S3Connection,
  bucket: string,
  { prefixes, estimatedBytes }: Pick<DeepTestOptions, 'prefixes' | 'estimatedBytes'>,
  signal: AbortSignal,
): Runs {
  const others = [...new Set(prefixes.filter((prefix) => prefix !== ''))].slice(0, 3);
  const partBytes = partBytesOf(connection, bucket, estimatedBytes);
  const create = (base: string) => createRun(connection, bucket, base, { partBytes, signal });
  return [create(''), ...others.map(create)];
}

/** The check that was on its way has failed, and the others were not tried. */
function noteTimeUp(run: BucketTest, over: AppError): void {
  const done = new Set(run.checks.map(({ id }) => id));
  const [current, ...others] = (['put', ...BUILT_ON_PUT] satisfies CheckId[]).filter((id) => !done.has(id));
  if (current !== undefined) {
    const message = `"${CHECK_NAMES[current]}" did not end. ${over.message}`;
    run.checks.push({ id: current, outcome: 'failed', message, requestId: null });
  }
  skip(run, others, 'The time was up.');
}

/** Removes what the runs made and, at the place of the one that counts, what earlier deep tests left: gives how much. */
async function tidy(runs: Runs, counted: BucketTest, options: DeepTestOptions): Promise<number> {
  const limit = timeLimit(new AbortController().signal, options.cleanUpMs ?? CLEAN_UP_MS, 'Cleaning up');
  limit.enter('before all was removed');
  const { signal } = limit;
  try {
    for (const run of runs) {
      if (run !== counted && run.made.length === 0) continue;
      const cleaned = await cleanUp(run, signal);
      counted.left.push(...cleaned.left);
      if (run === counted) run.versioning = cleaned.versioning;
    }
    const prefix = `${counted.folder.slice(0, counted.folder.indexOf(RESERVED_PREFIX))}${RESERVED_PREFIX}`;
    const olderThanMs = options.leftoverAgeMs ?? HOUR_MS;
    return await removeEarlier(counted, { prefix, olderThanMs, signal });
  } finally {
    limit.end();
  }
}

/** As an upload of that size would be cut; one that can't be stored at all is the upload's to refuse. */
function partBytesOf(connection: S3Connection, bucket: string, estimatedBytes: number | undefined): number {
  const { parts } = connection.addressOf(bucket).provider;
  const { totalBytes } = connection.platform.partMemory;
  try {
    return planParts(estimatedBytes, parts, totalBytes).partBytes;
  } catch (error) {
    if (!isAppError(error, 'storage_too_large')) throw error;
    return planParts(undefined, parts, totalBytes).largestBytes;
  }
}

function createRun(
  connection: S3Connection,
  bucket: string,
  base: string,
  { partBytes, signal }: Pick<BucketTest, 'partBytes' | 'signal'>,
): BucketTest {
  return {
    connection: { ...connection, tuning: { ...connection.tuning, ...IMPATIENT } },
    bucket,
    folder: `${base}${RESERVED_PREFIX}${crypto.randomUUID()}/`,
    token: crypto.randomUUID(),
    signal,
    partBytes,
    made: [],
    uploads: [],
    checks: [],
    left: [],
    versioning: 'unknown',
    writtenBytes: 0,
    clockOffsetMs: null,
    wasDenied: false,
  };
}

/** Somebody waits for the card: a storage that fails three times is told as such. */
const IMPATIENT = {
  attempts: 3,
  patientAttempts: 3,
  patienceMs: 0,
  attemptTimeoutMs: 20_000,
  abortRounds: 3,
} as const;
