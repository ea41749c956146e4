import { AppError, isAppError, toAppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import type { S3 } from '../storage/s3/s3.ts';
import { type OpenedSpaces, openSpaces } from './spaces.ts';

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
}

type Context = Pick<Services, 'db' | 'vault' | 'openS3'>;

const SCOPED_KEY = 'This appears to be a bucket-scoped key. Please add the bucket names manually.';
const NO_BUCKET_SEEN =
  'The key works, but no bucket is visible to it. Create a bucket, or add the bucket names manually if the key is scoped.';

/** Tries the storage with the saved settings. Never throws for what the storage answers. */
export async function testSpaces(services: Context, signal: AbortSignal): Promise<SpacesTest> {
  let opened: OpenedSpaces;
  try {
    opened = await openSpaces(services);
  } catch (error) {
    return failed(storageMessage(error), false);
  }
  try {
    return opened.buckets.length === 0
      ? await testListing(opened.s3, signal)
      : await testEach(opened.s3, opened.buckets, signal);
  } finally {
    await opened.s3.close();
  }
}

/** Buckets for a database's form: the configured names, else what the key may list. Throws `invalid`. */
export async function listSpacesBuckets(
  services: Context,
  signal: AbortSignal,
): Promise<{ buckets: readonly string[]; source: 'configured' | 'discovered' }> {
  const { s3, buckets } = await openSpaces(services);
  try {
    if (buckets.length > 0) return { buckets, source: 'configured' };
    return { buckets: await s3.listBuckets(signal), source: 'discovered' };
  } catch (error) {
    const message = isAppError(error, 'storage_denied')
      ? 'Cannot list buckets with this key. Add bucket names manually in Spaces settings.'
      : storageMessage(error);
    throw new AppError('invalid', message, { cause: error });
  } finally {
    await s3.close();
  }
}

async function testListing(s3: S3, signal: AbortSignal): Promise<SpacesTest> {
  try {
    const buckets = await s3.listBuckets(signal);
    // Some servers answer 200 with only what the policy allows: an empty list proves no bucket.
    if (buckets.length === 0) return failed(NO_BUCKET_SEEN, true);
    return { success: true, message: 'Connection successful (full API access)', buckets, scopedKey: false };
  } catch (error) {
    if (isAppError(error, 'storage_denied')) return failed(SCOPED_KEY, true);
    return failed(storageMessage(error), false);
  }
}

async function testEach(s3: S3, names: readonly string[], signal: AbortSignal): Promise<SpacesTest> {
  const answers = await Promise.all(
    names.map(async (bucket) => ({ bucket, message: await problemWith(s3, bucket, signal) })),
  );
  const buckets = answers.filter((answer) => answer.message === null).map((answer) => answer.bucket);
  const failures = answers.flatMap(({ bucket, message }) => (message === null ? [] : [{ bucket, message }]));
  const failedBuckets = failures.map((failure) => failure.bucket);
  if (buckets.length === 0) {
    const message = `Cannot access any configured buckets: ${failedBuckets.join(', ')}`;
    return { ...failed(message, true), failedBuckets, failures };
  }
  const message = `Connected. Access to ${buckets.length}/${names.length} buckets.`;
  const result = { success: true, message, buckets, scopedKey: true };
  return failures.length === 0 ? result : { ...result, failedBuckets, failures };
}

async function problemWith(s3: S3, bucket: string, signal: AbortSignal): Promise<string | null> {
  try {
    await s3.checkBucket(bucket, { signal });
    return null;
  } catch (error) {
    return storageMessage(error);
  }
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
