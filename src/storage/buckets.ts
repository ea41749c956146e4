import { eachAtOnce } from '../at-once.ts';
import type { Db } from '../db/schema.ts';
import { isAppError, toAppError } from '../errors.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import { timeLimit } from '../object-stores/time-limit.ts';
import type { StorageContext } from './context.ts';
import { prefixesInUse } from './in-use.ts';
import { bucketsRefused } from './list-buckets.ts';
import { openStorage, storageRow } from './storage.ts';

export interface BucketState {
  readonly name: string;
  /** How it is known: by the manual list (also where the key lists it too), or because the key lists it. */
  readonly source: 'configured' | 'discovered';
  readonly state: 'reachable' | 'denied' | 'missing' | 'wrong region';
  /** What the storage said, where it is not reachable. */
  readonly message: string | null;
}

export interface BucketStates {
  readonly states: readonly BucketState[];
  /** Discovered buckets beyond those that are looked at one by one. */
  readonly unchecked: number;
}

const KEPT_MS = 60_000;
const AT_ONCE = 8;
const MOST_CHECKED = 300;

interface Kept {
  readonly version: string;
  readonly at: number;
  readonly states: BucketStates;
}

const kept = new WeakMap<Db, Kept>();

/**
 * The manual list and what the key may list, merged, each bucket tried. Kept for a minute, or until the configuration
 * changes. Throws `invalid` while nothing is configured and where neither list has a bucket to try.
 */
export async function listBucketStates(
  context: StorageContext,
  options: { readonly refresh: boolean; readonly signal: AbortSignal },
): Promise<BucketStates> {
  const row = await storageRow(context.db);
  const version = `${row?.id} ${row?.updated_at}`;
  const now = context.now().getTime();
  const found = kept.get(context.db);
  const isFresh = found !== undefined && found.version === version && now - found.at < KEPT_MS;
  if (isFresh && !options.refresh) return found.states;
  const states = await readStates(context, options.signal);
  kept.set(context.db, { version, at: now, states });
  return states;
}

/** Shorter than what a request to the API may take. */
const LIMIT_MS = 50_000;

async function readStates(context: StorageContext, outer: AbortSignal): Promise<BucketStates> {
  const { s3, buckets: configured } = await openStorage(context);
  const limit = timeLimit(outer, LIMIT_MS, 'Looking for buckets');
  const { signal } = limit;
  try {
    limit.enter('at ListBuckets');
    const discovered = await discover(s3, configured.length > 0, signal);
    const others = discovered.filter((name) => !configured.includes(name));
    const checked = [
      ...configured.map((name) => ({ name, source: 'configured' as const })),
      ...others.slice(0, MOST_CHECKED).map((name) => ({ name, source: 'discovered' as const })),
    ];
    const inUse = await prefixesInUse(context.db);
    limit.enter('while trying them one by one');
    const states = await eachAtOnce(checked, AT_ONCE, async (bucket) => ({
      ...bucket,
      ...(await tryBucket(s3, bucket.name, inUse.get(bucket.name)?.[0] ?? '', signal)),
    }));
    return { states, unchecked: Math.max(0, others.length - MOST_CHECKED) };
  } finally {
    limit.end();
    await s3.close();
  }
}

/** A key that may list nothing is usual beside a manual list, whose buckets tell more; without one, nothing is shown. */
async function discover(s3: S3, hasNames: boolean, signal: AbortSignal): Promise<readonly string[]> {
  try {
    return await s3.listBuckets(signal);
  } catch (error) {
    if (hasNames && isAppError(error, 'storage_denied', 'storage_wrong_region')) return [];
    throw bucketsRefused(error);
  }
}

async function tryBucket(
  s3: S3,
  name: string,
  prefix: string,
  signal: AbortSignal,
): Promise<Pick<BucketState, 'state' | 'message'>> {
  try {
    await s3.checkBucket(name, { prefix, signal });
    return { state: 'reachable', message: null };
  } catch (error) {
    const { message } = toAppError(error);
    if (isAppError(error, 'storage_no_bucket', 'storage_missing')) return { state: 'missing', message };
    if (isAppError(error, 'storage_wrong_region')) return { state: 'wrong region', message };
    if (isAppError(error, 'storage_denied', 'storage_bad_credentials', 'storage_refused')) {
      return { state: 'denied', message };
    }
    throw bucketsRefused(error);
  }
}
