import type { S3Connection } from '../s3/connection.ts';
import { cleanUp, removeEarlier } from './clean-up.ts';
import { type BucketTraits, readTraits } from './object-lock.ts';
import { checkAbort, checkParts, type Throughput } from './parts.ts';
import type { BucketProbe, CheckId } from './result.ts';
import { type ProbeRun, skip } from './run.ts';
import { checkSmallObjects, putFirst } from './small-objects.ts';

/** What a probe may write under, and nothing else does. */
export const RESERVED_PREFIX = '.bridgeport-probe/';

export interface ProbeOptions {
  /** Prefixes that databases use: tried where the key may not write at the bucket's root. */
  readonly prefixes: readonly string[];
  readonly signal: AbortSignal;
  /** Told before each step; `done` of `steps`. */
  readonly onStep?: (step: string, done: number, steps: number) => void;
  /** Age from which what is under the reserved prefix is taken for left by an interrupted probe. */
  readonly leftoverAgeMs?: number;
}

const STEPS = 5;
const HOUR_MS = 3_600_000;
const CLEAN_UP_MS = 60_000;
const BUILT_ON_PUT = [
  ...['head', 'range', 'conditional', 'list', 'presign', 'delete'],
  ...['multipart', 'readBack', 'metadata', 'abort'],
] as const satisfies readonly CheckId[];

/**
 * Tries in a bucket everything that backups need: writes at most 6 MiB under a reserved prefix, reads it in each way
 * and removes it. What the storage refuses is a finding; throws `cancelled` when the signal aborts, after cleaning up.
 */
export async function probeBucket(
  connection: S3Connection,
  bucket: string,
  options: ProbeOptions,
): Promise<BucketProbe> {
  const startedAt = performance.now();
  const step = (name: string, done: number) => options.onStep?.(name, done, STEPS);
  step('storing an object', 0);
  const { run, base, content } = await startWhereAllowed(connection, bucket, options);
  let throughput: Throughput = { uploadBytesPerSecond: null, downloadBytesPerSecond: null };
  let traits: BucketTraits = { objectLock: null, storageClass: null };
  let removedFromEarlier = 0;
  try {
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
  } finally {
    step('removing what it made', 4);
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    const cleaned = await cleanUp(run, signal);
    run.left.push(...cleaned.left);
    run.versioning = cleaned.versioning;
    const prefix = base + RESERVED_PREFIX;
    const olderThanMs = options.leftoverAgeMs ?? HOUR_MS;
    removedFromEarlier = await removeEarlier(run, { prefix, olderThanMs, signal });
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

interface Started {
  readonly run: ProbeRun;
  readonly base: string;
  readonly content: Uint8Array | null;
}

/** Keys that may write under a prefix only are refused at the root: then the prefixes in use are tried. */
async function startWhereAllowed(
  connection: S3Connection,
  bucket: string,
  options: ProbeOptions,
): Promise<Started> {
  const bases = ['', ...new Set(options.prefixes.filter((prefix) => prefix !== ''))].slice(0, 4);
  let first: Started | null = null;
  for (const base of bases) {
    const run = createRun(connection, bucket, base, options.signal);
    const content = await putFirst(run);
    const started = { run, base, content };
    first ??= started;
    if (content !== null) return started;
    if (!run.wasDenied) break;
  }
  return first ?? { run: createRun(connection, bucket, '', options.signal), base: '', content: null };
}

function createRun(connection: S3Connection, bucket: string, base: string, signal: AbortSignal): ProbeRun {
  return {
    connection: { ...connection, tuning: { ...connection.tuning, ...IMPATIENT } },
    bucket,
    folder: `${base}${RESERVED_PREFIX}${crypto.randomUUID()}/`,
    token: crypto.randomUUID(),
    signal,
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
const IMPATIENT = { attempts: 3, patientAttempts: 3, attemptTimeoutMs: 20_000, abortRounds: 3 } as const;
