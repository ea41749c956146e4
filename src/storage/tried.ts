import { toAppError } from '../errors.ts';
import type { Diagnosis } from '../object-stores/diagnose/diagnosis.ts';

/** What Test Connection says; the texts are the storage page's. */
export interface StorageTest {
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

/** A test that reached nothing. */
export function failed(message: string, scopedKey: boolean): StorageTest {
  return { success: false, message, buckets: [], scopedKey };
}

/** The same with what was found besides. */
export function withDiagnosis(result: StorageTest, found: readonly (Diagnosis | null)[]): StorageTest {
  const diagnosis = [...(result.diagnosis ?? []), ...found.filter((one) => one !== null)];
  return diagnosis.length === 0 ? result : { ...result, diagnosis };
}

/** Only what was translated for an admin is shown; anything else is a defect and goes on. */
export function storageMessage(error: unknown): string {
  const known = toAppError(error);
  if (known.code === 'internal') throw error;
  return known.message;
}
