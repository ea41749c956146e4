import type { RunRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { deepTestBucket } from '../object-stores/deep-test/deep-test.ts';
import { type EarlierDeepTest, lostSince } from '../object-stores/deep-test/lost.ts';
import type { TestedBucket, TestedStorage } from '../object-stores/deep-test/result.ts';
import { providerOf } from '../object-stores/providers.ts';
import { type BucketTraits, readBucketTraits } from '../object-stores/s3/bucket-traits.ts';
import { beginAgain, endByError, type Repeatable } from '../runs/begin-again.ts';
import { endRun, isOwn } from '../runs/claim.ts';
import type { RunContext, RunKind, RunNote } from '../runs/kind.ts';
import { keepTraits, type SeenTraits, withWhatWasTried } from './bucket-traits.ts';
import { tellOfCapabilities } from './capabilities.ts';
import type { StorageContext } from './context.ts';
import { chooseBuckets } from './deep-test-buckets.ts';
import { type DeepTestCause, earlierDeepTests, keepDeepTest } from './deep-test-results.ts';
import { expectedBytes } from './expected-bytes.ts';
import { estimatesInUse } from './in-use.ts';
import { type OpenedStorage, openStorage, type SettingsStamp, storageRow } from './storage.ts';

interface DeepTestContext extends StorageContext {
  readonly log: Log;
}

/** Other than the usual ones. */
export interface DeepTestLimits {
  readonly findingMs?: number;
  /** For each bucket. */
  readonly limitMs?: number;
  readonly cleanUpMs?: number;
}

/** What was asked for, in the run's `input`. */
export interface DeepTestInput {
  readonly cause: DeepTestCause;
}

export const FIRST_STEP = 'finding the buckets';
const REPEATABLE: Repeatable = {
  mostAttempts: 3,
  cancelled: 'The deep test was cancelled.',
  interrupted: 'The app stopped while the deep test ran.',
};

/**
 * The deep test as a kind of run: it tries the storage and keeps the result. One that its app did not survive is begun
 * again; what the earlier one left in the buckets is removed by it.
 */
export function createDeepTestKind(context: DeepTestContext, limits: DeepTestLimits = {}): RunKind {
  return {
    // Small and short, and somebody waits for it: backups that run for hours must not hold it up.
    isLimited: false,
    words: { noun: 'deep test', cancelled: 'The deep test was cancelled.', stopped: 'The app stops.' },
    first: { step: FIRST_STEP, progress: 0 },
    run: (run, runContext) => runDeepTest(context, run, limits, runContext),
    repair: (run, { claim }) => beginAgain(context, run, claim, REPEATABLE),
  };
}

async function runDeepTest(
  context: DeepTestContext,
  run: RunRow,
  limits: DeepTestLimits,
  { claim, signal, follow, keepNote }: RunContext,
): Promise<void> {
  const { db, log } = context;
  let note: RunNote = { step: FIRST_STEP, progress: 0 };
  follow(() => note);
  let found: TestedStorage;
  let traits: SeenTraits;
  let settings: SettingsStamp;
  let earlier: readonly EarlierDeepTest[] = [];
  try {
    const { seen, row, ...tried } = await deepTestStorage(context, limits, signal, (next) => {
      note = next;
      keepNote().catch((error: unknown) =>
        log.warn('the progress of a deep test could not be kept', { error }),
      );
    });
    earlier = await earlierDeepTests(db, tried.endpoint);
    const lost = [...lostSince(earlier, tried)];
    for (const what of lost) log.warn('the storage has lost a capability', { what });
    found = { ...tried, lost };
    traits = seen;
    settings = row;
  } catch (error) {
    // The storage was removed meanwhile, or somebody ended it: nothing is wrong.
    if (!isAppError(error, 'invalid', 'cancelled', 'superseded', 'shutdown')) {
      log.warn('the deep test of the storage failed', { error });
    }
    await endByError(context, run, claim, error, REPEATABLE);
    return;
  }
  await write(db, async (trx) => {
    if (!(await isOwn(trx, claim))) return;
    const finishedAt = context.now();
    await endRun(trx, claim, { state: 'completed', at: finishedAt, error: null, step: null, progress: 100 });
    const { id, started_at: startedAt } = run;
    const { cause } = inputOf(run);
    await keepDeepTest(trx, { id, cause, startedAt: startedAt ?? run.created_at, finishedAt }, found);
    // Of settings that were changed meanwhile, or removed, nothing is known by it.
    const present = await storageRow(trx);
    if (present?.id === settings.id && present.updated_at === settings.updated_at) {
      await keepTraits(trx, found.endpoint, traits, finishedAt);
    }
    await tellOfCapabilities(trx, earlier, found, finishedAt);
  });
}

/** Of the row that the deep test was asked for with. */
export function inputOf({ input }: Pick<RunRow, 'input'>): DeepTestInput {
  // Written by `askDeepTest` alone.
  return JSON.parse(input ?? '{"cause":"asked"}') as DeepTestInput;
}

interface TriedStorage extends TestedStorage {
  /** What the buckets say of themselves. */
  readonly seen: SeenTraits;
  /** Of which settings. */
  readonly row: SettingsStamp;
}

async function deepTestStorage(
  context: DeepTestContext,
  limits: DeepTestLimits,
  signal: AbortSignal,
  onNote: (note: RunNote) => void,
): Promise<TriedStorage> {
  const opened = await openStorage(context);
  const { id, endpoint, updated_at } = opened.row;
  try {
    const tried = await deepTestAll(context, opened, endpoint, { limits, signal, onNote });
    return { ...tried, row: { id, endpoint, updated_at } };
  } finally {
    opened.s3.close();
  }
}

async function deepTestAll(
  { db }: DeepTestContext,
  { s3, buckets: configured }: OpenedStorage,
  endpoint: string,
  {
    limits,
    signal,
    onNote,
  }: { limits: DeepTestLimits; signal: AbortSignal; onNote: (note: RunNote) => void },
): Promise<Omit<TriedStorage, 'row'>> {
  const seen = new Map<string, BucketTraits>();
  const base = { endpoint, provider: providerOf(endpoint).name, buckets: [], problems: [], lost: [], seen };
  const { findingMs } = limits;
  const chosen = await chooseBuckets(db, s3, configured, { findingMs, signal });
  if (chosen.buckets.length === 0) return { ...base, source: chosen.source, problems: [...chosen.problems] };
  const estimates = await estimatesInUse(db);
  const buckets: TestedBucket[] = [];
  const problems: string[] = [];
  for (const [index, { bucket, prefixes }] of chosen.buckets.entries()) {
    const onStep = (step: string, doneHere: number, stepsHere: number) => {
      const [done, steps] = [index * stepsHere + doneHere, stepsHere * chosen.buckets.length];
      onNote({
        step,
        progress: Math.min(99, Math.floor((100 * done) / steps)),
        detail: { bucket, done, steps },
      });
    };
    try {
      const estimate = estimates.get(bucket);
      const estimatedBytes = estimate === undefined ? undefined : expectedBytes(estimate);
      const options = { prefixes, estimatedBytes, signal, onStep, ...limits };
      const tested = await deepTestBucket(s3.connection, bucket, options);
      buckets.push(tested);
      seen.set(bucket, withWhatWasTried(await readBucketTraits(s3.connection, bucket, signal), tested));
    } catch (error) {
      if (signal.aborted || !isAppError(error)) throw error;
      problems.push(`Bucket ${bucket}: ${error.message}`);
    }
  }
  return { ...base, source: chosen.source, buckets, problems };
}
