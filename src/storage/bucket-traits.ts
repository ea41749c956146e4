import { eachAtOnce } from '../at-once.ts';
import type { Context } from '../db/context.ts';
import type { BucketTraitsRow, Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { TestedBucket } from '../object-stores/deep-test/result.ts';
import { type BucketTraits, readBucketTraits } from '../object-stores/s3/bucket-traits.ts';
import { bucketsInUse } from './in-use.ts';
import { type OpenedStorage, storageRow } from './storage.ts';

/** What buckets said of themselves, by name. */
export type SeenTraits = ReadonlyMap<string, BucketTraits>;

/** As it is kept, so that a page tells it without asking the storage. */
export interface KeptTraits extends BucketTraits {
  readonly seenAt: string;
}

const AT_ONCE = 8;
const MOST_ASKED = 100;
/** Somebody waits for a test that has told already what it was asked. */
const LIMIT_MS = 5_000;

/** Asks the buckets that a test has reached: of discovered ones, those that databases use. */
export async function traitsOf(
  db: Db,
  { s3, buckets: named }: Pick<OpenedStorage, 's3' | 'buckets'>,
  test: { readonly success: boolean; readonly buckets: readonly string[] },
  signal: AbortSignal,
): Promise<SeenTraits> {
  if (!test.success) return new Map();
  const inUse = new Set(named.length > 0 ? test.buckets : await bucketsInUse(db));
  const reached = test.buckets.filter((bucket) => inUse.has(bucket)).slice(0, MOST_ASKED);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  const seen = await eachAtOnce(
    reached,
    AT_ONCE,
    async (bucket) => [bucket, await readBucketTraits(s3.connection, bucket, limit)] as const,
  );
  return new Map(seen);
}

/** What the bucket does not say of itself, a deep test may have met. */
export function withWhatWasTried(
  said: BucketTraits,
  { versioning, objectLock }: Pick<TestedBucket, 'versioning' | 'objectLock'>,
): BucketTraits {
  const met = { kept: 'on', off: 'off', unknown: 'unknown' } as const;
  return {
    versioning: said.versioning === 'unknown' ? met[versioning] : said.versioning,
    lock: said.lock === 'unknown' ? (objectLock ?? 'unknown') : said.lock,
  };
}

/**
 * Keeps what a test saw there, if that is the storage that is configured still. What it could not see stays as it was known: a deep test
 * may have met it.
 */
export async function noteTraits({ db, now }: Context, endpoint: string, seen: SeenTraits): Promise<void> {
  if (seen.size === 0) return;
  await write(db, async (trx) => {
    const config = await storageRow(trx);
    if (config?.endpoint !== endpoint) return;
    const known = await keptTraits(trx, endpoint);
    const told = [...seen].filter(([, said]) => isTold(said));
    const merged = told.map(([bucket, said]) => [bucket, orKnown(said, known.get(bucket))] as const);
    await keepTraits(trx, endpoint, new Map(merged), now());
  });
}

/** False for a bucket that said nothing of itself. */
function isTold({ versioning, lock }: BucketTraits): boolean {
  return versioning !== 'unknown' || lock !== 'unknown';
}

function orKnown(said: BucketTraits, known: BucketTraits | undefined): BucketTraits {
  if (known === undefined) return said;
  return {
    versioning: said.versioning === 'unknown' ? known.versioning : said.versioning,
    lock: said.lock === 'unknown' ? known.lock : said.lock,
  };
}

/**
 * Keeps what was seen, in a transaction of the caller: where nothing was, what is known stays, with its time. Of another endpoint nothing
 * stays: that was another storage.
 */
export async function keepTraits(trx: Trx, endpoint: string, seen: SeenTraits, at: Date): Promise<void> {
  await trx.deleteFrom('bucket_traits').where('endpoint', '!=', endpoint).execute();
  const told = [...seen].filter(([, said]) => isTold(said));
  if (told.length === 0) return;
  await trx
    .insertInto('bucket_traits')
    .values(told.map(([bucket, traits]) => toRow(endpoint, bucket, traits, at)))
    .onConflict((conflict) =>
      conflict.columns(['endpoint', 'bucket']).doUpdateSet((eb) => ({
        versioning: eb.ref('excluded.versioning'),
        lock: eb.ref('excluded.lock'),
        lock_mode: eb.ref('excluded.lock_mode'),
        lock_retention: eb.ref('excluded.lock_retention'),
        seen_at: eb.ref('excluded.seen_at'),
      })),
    )
    .execute();
}

function toRow(
  endpoint: string,
  bucket: string,
  { versioning, lock }: BucketTraits,
  at: Date,
): BucketTraitsRow {
  const isOn = typeof lock !== 'string';
  return {
    ...{ endpoint, bucket, versioning, lock: isOn ? 'on' : lock, seen_at: at.toISOString() },
    lock_mode: isOn ? lock.mode : null,
    lock_retention: isOn ? lock.retention : null,
  };
}

/** What is kept of the buckets there, by name; one that no test has asked yet is not among them. */
export async function keptTraits(db: Db, endpoint: string): Promise<ReadonlyMap<string, KeptTraits>> {
  const rows = await db.selectFrom('bucket_traits').selectAll().where('endpoint', '=', endpoint).execute();
  return new Map(rows.map((row) => [row.bucket, fromRow(row)]));
}

function fromRow(row: BucketTraitsRow): KeptTraits {
  const { versioning, lock, lock_mode: mode, lock_retention: retention, seen_at: seenAt } = row;
  return { versioning, lock: lock === 'on' ? { mode: mode ?? 'enabled', retention } : lock, seenAt };
}
