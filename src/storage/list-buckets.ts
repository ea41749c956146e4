import { AppError, isAppError } from '../errors.ts';
import type { StorageContext } from './context.ts';
import { openStorage } from './storage.ts';
import { storageMessage } from './tried.ts';

/** Buckets for a database's form: the configured names, else what the key may list. Throws `invalid`. */
export async function listStorageBuckets(
  context: StorageContext,
  signal: AbortSignal,
): Promise<{ buckets: readonly string[]; source: 'configured' | 'discovered' }> {
  const { s3, buckets } = await openStorage(context);
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
