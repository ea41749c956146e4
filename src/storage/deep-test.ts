import type { Db, StorageProbeRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { probeBucket } from '../object-stores/deep-test/deep-test.ts';
import { lostSince } from '../object-stores/deep-test/lost.ts';
import { type BucketProbe, type StorageProbe, storageProbe } from '../object-stores/deep-test/result.ts';
import { diagnoseFailure } from '../object-stores/diagnose/diagnose.ts';
import { providerOf } from '../object-stores/providers.ts';
import type { S3 } from '../object-stores/s3/s3.ts';
import { timeLimit } from '../object-stores/time-limit.ts';
import type { Services } from '../services-port.ts';
import { expectedBytes } from './expected-bytes.ts';
import { estimatesInUse, prefixesInUse } from './in-use.ts';
import { type OpenedSpaces, openSpaces, spacesRow } from './storage.ts';
import { NO_BUCKET_SEEN, SCOPED_KEY } from './try-storage.ts';

export type ProbeCause = StorageProbeRow['cause'];

export interface StoredProbe extends StorageProbe {
  readonly id: string;
  readonly cause: ProbeCause;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** How far the probe that runs now is. */
export interface ProbeProgress {
  readonly startedAt: string;
  readonly bucket: string | null;
  /** What it does now, such as `storing an object`. */
  readonly step: string;
  readonly done: number;
  /** 0 while the buckets are not known. */
  readonly steps: number;
}

type Context = Pick<Services, 'db' | 'vault' | 'openS3' | 'now' | 'log'>;

/** Other than the usual ones. */
export interface ProbeLimits {
  readonly findingMs?: number;
  /** For each bucket. */
  readonly limitMs?: number;
  readonly cleanUpMs?: number;
}

interface Running {
  progress: ProbeProgress;
  readonly abort: AbortController;
  readonly result: Promise<StoredProbe>;
  /** Settings changed while it ran: another one follows. */
  again: boolean;
}

/** One process works on a database (DATA_DIR is locked), so that "one at a time" is known without asking it. */
const running = new WeakMap<Db, Running>();

const MOST_DISCOVERED = 5;
const FINDING_LIMIT_MS = 60_000;
const KEPT_RESULTS = 10;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/**
 * Tries the storage deeply and keeps the result; the promise is that of the whole probe, which ends by itself also when
 * nobody waits. Throws `conflict` while one runs, `invalid` while nothing is configured.
 */
export function startProbe(
  services: Context,
  cause: ProbeCause,
  limits: ProbeLimits = {},
): Promise<StoredProbe> {
  if (running.has(services.db)) {
    return Promise.reject(
      new AppError('conflict', 'A deep test is running already. Wait for its result, then start another.'),
    );
  }
  const abort = new AbortController();
  const startedAt = services.now().toISOString();
  const result = runProbe(services, { cause, startedAt, limits, signal: abort.signal }).finally(() => {
    const followed = running.get(services.db)?.again === true && !abort.signal.aborted;
    running.delete(services.db);
    if (followed) scheduleProbe(services);
  });
  const progress = { startedAt, bucket: null, step: 'finding the buckets', done: 0, steps: 0 };
  running.set(services.db, { progress, abort, result, again: false });
  return result;
}

/** Probes in the background, for who has just changed the credentials. Nothing to wait for; a failure is logged. */
export function scheduleProbe(services: Context): void {
  const now = running.get(services.db);
  if (now !== undefined) {
    now.again = true;
    return;
  }
  startProbe(services, 'credentials').catch((error: unknown) => logFailure(services, error));
}

/** Probes again in the background after a change of the settings; where nobody ever asked for a probe, nothing. */
export async function probeAgain(services: Context): Promise<void> {
  if ((await lastProbe(services.db)) !== null) scheduleProbe(services);
}

/**
 * Ends the running probe, which removes what it made, and waits for it, at most that long. What a storage that does not
 * answer keeps is removed by a later probe.
 */
export async function stopProbe(services: Pick<Services, 'db'>, withinMs: number): Promise<void> {
  const now = running.get(services.db);
  if (now === undefined) return;
  now.abort.abort(new AppError('shutdown', 'The app stops.'));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  const ended = now.result.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, late]);
  clearTimeout(timer);
}

export function runningProbe(db: Db): ProbeProgress | null {
  return running.get(db)?.progress ?? null;
}

/** The newest result, or null. */
export async function lastProbe(db: Db): Promise<StoredProbe | null> {
  const row = await db
    .selectFrom('storage_probes')
    .selectAll()
    .orderBy('finished_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : readStored(row);
}

/** Every hour looks whether the weekly probe is due. Gives what ends that. */
export function keepProbing(services: Context): () => void {
  const timer = setInterval(() => {
    probeIfDue(services).catch((error: unknown) => logFailure(services, error));
  }, DAY_MS / 24);
  return () => clearInterval(timer);
}

/**
 * The weekly probe: a week after the last one of the same storage, and only where deleting at once what was just
 * stored costs nothing and object lock does not let it pile up. Gives its result, or null where none is due.
 */
export async function probeIfDue(services: Context): Promise<StoredProbe | null> {
  const [config, last] = [await spacesRow(services.db), await lastProbe(services.db)];
  if (config === undefined || last === null || running.has(services.db)) return null;
  if (last.endpoint !== config.endpoint || !isFreeToDelete(last)) return null;
  const now = services.now().getTime();
  if (now - Date.parse(last.finishedAt) < WEEK_MS || isStillLocked(last, now)) return null;
  return startProbe(services, 'weekly');
}

/** Providers with a minimum storage time charge for it, and so do classes for rare access. */
function isFreeToDelete(last: StoredProbe): boolean {
  return (
    providerOf(last.endpoint).minimumDays === 0 &&
    last.buckets.every(({ storageClass }) => storageClass === null || storageClass === 'STANDARD')
  );
}

/** Whether object lock still holds what the last probe stored. */
function isStillLocked(last: StoredProbe, now: number): boolean {
  return last.buckets.some(({ left }) => left.some(({ until }) => until !== null && Date.parse(until) > now));
}

interface ProbeRun {
  readonly cause: ProbeCause;
  readonly startedAt: string;
  readonly limits: ProbeLimits;
  readonly signal: AbortSignal;
}

async function runProbe(
  services: Context,
  { cause, startedAt, limits, signal }: ProbeRun,
): Promise<StoredProbe> {
  const before = await lastProbe(services.db);
  const config = await spacesRow(services.db);
  const opened = await openSpaces(services);
  const found = await probeAll(services, opened, config?.endpoint ?? '', { limits, signal }).finally(() =>
    opened.s3.close(),
  );
  const lost = before === null ? [] : [...lostSince(before, before.finishedAt, found)];
  for (const what of lost) services.log.warn('the storage has lost a capability', { what });
  return store(services, { cause, startedAt }, { ...found, lost });
}

async function probeAll(
  services: Context,
  { s3, buckets: configured }: OpenedSpaces,
  endpoint: string,
  { limits, signal }: Pick<ProbeRun, 'limits' | 'signal'>,
): Promise<StorageProbe> {
  const base = { endpoint, provider: providerOf(endpoint).name, buckets: [], problems: [], lost: [] };
  const chosen = await chooseBuckets(services, s3, configured, { limits, signal });
  if (chosen.buckets.length === 0) return { ...base, source: chosen.source, problems: [...chosen.problems] };
  const estimates = await estimatesInUse(services.db);
  const buckets: BucketProbe[] = [];
  const problems: string[] = [];
  for (const [index, { bucket, prefixes }] of chosen.buckets.entries()) {
    const onStep = (step: string, done: number, steps: number) => {
      const now = running.get(services.db);
      const total = steps * chosen.buckets.length;
      if (now) now.progress = { ...now.progress, bucket, step, done: index * steps + done, steps: total };
    };
    try {
      const estimate = estimates.get(bucket);
      const estimatedBytes = estimate === undefined ? undefined : expectedBytes(estimate);
      const options = { prefixes, estimatedBytes, signal, onStep, ...limits };
      buckets.push(await probeBucket(s3.connection, bucket, options));
    } catch (error) {
      if (signal.aborted || !isAppError(error)) throw error;
      problems.push(`Bucket ${bucket}: ${error.message}`);
    }
  }
  return { ...base, source: chosen.source, buckets, problems };
}

interface Chosen {
  readonly source: StorageProbe['source'];
  readonly buckets: readonly { readonly bucket: string; readonly prefixes: readonly string[] }[];
  readonly problems: readonly string[];
}

/** The named ones; else those that databases use, of the discovered ones; else the first discovered ones. */
async function chooseBuckets(
  services: Context,
  s3: S3,
  configured: readonly string[],
  { limits, signal }: Pick<ProbeRun, 'limits' | 'signal'>,
): Promise<Chosen> {
  const inUse = await prefixesInUse(services.db);
  const withPrefixes = (names: readonly string[]) =>
    names.map((bucket) => ({ bucket, prefixes: inUse.get(bucket) ?? [] }));
  if (configured.length > 0) return { source: 'configured', buckets: withPrefixes(configured), problems: [] };
  const limit = timeLimit(signal, limits.findingMs ?? FINDING_LIMIT_MS, 'Finding the buckets');
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

async function store(
  { db, now }: Context,
  { cause, startedAt }: { cause: ProbeCause; startedAt: string },
  found: StorageProbe,
): Promise<StoredProbe> {
  const row = {
    id: newId(),
    endpoint: found.endpoint,
    cause,
    started_at: startedAt,
    finished_at: now().toISOString(),
    result: JSON.stringify(found),
  };
  await write(db, async (trx) => {
    await trx.insertInto('storage_probes').values(row).execute();
    const kept = await trx
      .selectFrom('storage_probes')
      .select('id')
      .orderBy('finished_at', 'desc')
      .limit(KEPT_RESULTS)
      .execute();
    await trx
      .deleteFrom('storage_probes')
      .where(
        'id',
        'not in',
        kept.map(({ id }) => id),
      )
      .execute();
  });
  return toStored(row);
}

function toStored(row: StorageProbeRow): StoredProbe {
  const { id, cause, started_at: startedAt, finished_at: finishedAt } = row;
  return { ...storageProbe.parse(JSON.parse(row.result)), id, cause, startedAt, finishedAt };
}

/** Null for a result of another version, whose form is not this one's: then nothing is known until the next probe. */
function readStored(row: StorageProbeRow): StoredProbe | null {
  return storageProbe.safeParse(JSON.parse(row.result)).success ? toStored(row) : null;
}

function logFailure({ log }: Pick<Services, 'log'>, error: unknown): void {
  // A test that somebody asked for is running, or the storage was deleted meanwhile: nothing is wrong.
  if (isAppError(error, 'conflict', 'invalid', 'shutdown', 'cancelled')) return;
  log.warn('the deep test of the storage failed', { error });
}
