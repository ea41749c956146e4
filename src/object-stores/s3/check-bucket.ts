import { isAppError } from '../../errors.ts';
import type { S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { checkBucketName } from './keys.ts';
import { listKeys } from './list-objects.ts';
import { send } from './request.ts';

/**
 * Throws `storage_*` unless the bucket is there and this key may use it. HeadBucket alone says too little: its refusal
 * has no body, and keys that may list only under a prefix (or B2 keys without `listBuckets`) get 403 though they work.
 */
export async function checkBucket(
  connection: S3Connection,
  bucket: string,
  options: { readonly prefix?: string; readonly signal?: AbortSignal },
): Promise<void> {
  checkBucketName(bucket);
  try {
    const request = { operation: 'HeadBucket', method: 'HEAD', bucket, signal: options.signal } as const;
    if (isS3Answer(await send(connection, request))) return;
  } catch (error) {
    if (!isAppError(error) || typeof error.details.status !== 'number') throw error;
  }
  await listKeys(connection, bucket, {
    prefix: options.prefix ?? '',
    maxKeys: 1,
    signal: options.signal,
  });
}

/** False for the 200 of a web page: sign-in pages and web consoles answer so to any HEAD. */
export function isS3Answer({ headers }: S3Answer): boolean {
  return !/^text\/html/i.test(headers.get('content-type') ?? '');
}
