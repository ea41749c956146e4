import { AppError, isAppError } from '../../errors.ts';
import type { PutOptions, StoredObject } from '../object-store.ts';
import type { S3Connection } from './connection.ts';
import { headObject } from './head.ts';
import { checkKey } from './keys.ts';
import { planParts } from './part-plan.ts';
import { readParts } from './part-reader.ts';
import { putMultipart } from './put-multipart.ts';
import { putWhole } from './put-whole.ts';
import type { Target } from './target.ts';

/**
 * Stores a body of unknown length: up to one part is kept back, so that a small object is one atomic PUT; a larger one
 * is a multipart upload that is completed only after the body ended without throwing.
 */
export async function putObject(
  connection: S3Connection,
  target: Target,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<StoredObject> {
  const { signal } = options;
  const reader = readParts(body);
  try {
    checkKey(target.key);
    await refuseTaken(connection, target, signal);
    const { partMemory } = connection.platform;
    const { provider } = connection.addressOf(target.bucket);
    const { usualPartBytes } = connection.tuning;
    const plan = planParts(options.estimatedBytes, provider.parts, partMemory.totalBytes, usualPartBytes);
    const buffer = await partMemory.acquire(plan.partBytes, signal);
    let isHandedOn = false;
    try {
      const length = await reader.fill(buffer.bytes, signal);
      if (!(await reader.hasMore(signal))) {
        return await putWhole(connection, target, buffer.bytes.subarray(0, length), options);
      }
      isHandedOn = true;
    } finally {
      if (!isHandedOn) buffer.release();
    }
    return await putMultipart(connection, target, { plan, reader, first: buffer }, options);
  } finally {
    await reader.close();
  }
}

/**
 * Keys are unique to a run, so an object under ours is another's. A key that may not look is trusted only where the
 * provider itself refuses to overwrite.
 */
async function refuseTaken(connection: S3Connection, target: Target, signal: AbortSignal): Promise<void> {
  try {
    const found = await headObject(connection, target.bucket, target.key, { signal, isPatient: true });
    if (!found) return;
  } catch (error) {
    const { provider } = connection.addressOf(target.bucket);
    if (isAppError(error, 'storage_denied') && provider.ifNoneMatch) return;
    throw error;
  }
  throw new AppError(
    'storage_exists',
    `There is an object ${target.key} in bucket ${target.bucket} already; nothing was written. Start the backup again: it gets another name.`,
    { details: { ...target } },
  );
}
