import type { Db } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import type { TestedStorage } from '../object-stores/deep-test/result.ts';
import { diagnoseFailure } from '../object-stores/diagnose/diagnose.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import { timeLimit } from '../object-stores/time-limit.ts';
import { prefixesInUse } from './in-use.ts';
import { NO_BUCKET_SEEN, SCOPED_KEY } from './tried.ts';

const MOST_DISCOVERED = 5;
const FINDING_LIMIT_MS = 60_000;

export interface Chosen {
  readonly source: TestedStorage['source'];
  readonly buckets: readonly { readonly bucket: string; readonly prefixes: readonly string[] }[];
  readonly problems: readonly string[];
}

/** The named ones; else those that databases use, of the discovered ones; else the first discovered ones. */
export async function chooseBuckets(
  db: Db,
  s3: S3,
  configured: readonly string[],
  {
    findingMs = FINDING_LIMIT_MS,
    signal,
  }: { readonly findingMs?: number | undefined; readonly signal: AbortSignal },
): Promise<Chosen> {
  const inUse = await prefixesInUse(db);
  const withPrefixes = (names: readonly string[]) =>
    names.map((bucket) => ({ bucket, prefixes: inUse.get(bucket) ?? [] }));
  if (configured.length > 0) return { source: 'configured', buckets: withPrefixes(configured), problems: [] };
  const limit = timeLimit(signal, findingMs, 'Finding the buckets');
  limit.enter('at ListBuckets');
  try {
    const discovered = await s3.listBuckets(limit.signal);
    const used = discovered.filter((name) => inUse.has(name));
    if (used.length > 0) return { source: 'in use', buckets: withPrefixes(used), problems: [] };
    const problems = discovered.length === 0 ? [NO_BUCKET_SEEN] : [];
    return { source: 'discovered', buckets: withPrefixes(discovered.slice(0, MOST_DISCOVERED)), problems };
  } catch (error) {
    if (!isAppError(error) || signal.aborted) throw error;
    if (error.code === 'storage_denied' && inUse.size > 0) {
      return { source: 'in use', buckets: withPrefixes([...inUse.keys()]), problems: [] };
    }
    const message = error.code === 'storage_denied' ? SCOPED_KEY : error.message;
    const found = limit.over() ? null : await diagnoseFailure(s3.connection, error, { bucket: null, signal });
    return {
      source: 'discovered',
      buckets: [],
      problems: [message, ...(found === null ? [] : [found.message])],
    };
  } finally {
    limit.end();
  }
}
