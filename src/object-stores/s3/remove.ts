import type { ReadOptions } from '../object-store.ts';
import { versionQuery } from './address.ts';
import { refusalOf } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, refusalError } from './errors.ts';
import { isFromBetween } from './in-between.ts';
import { send } from './request.ts';
import type { Target } from './target.ts';

/** Removes the object, or that version of it. An absent object is a success; an absent bucket is not, nor a 404 that is not the storage's. */
export async function removeObject(
  connection: S3Connection,
  target: Target,
  options: ReadOptions,
): Promise<void> {
  const request = { operation: 'DeleteObject', method: 'DELETE', ...target } as const;
  const answer = await send(connection, {
    ...request,
    query: versionQuery(options.versionId),
    signal: options.signal,
    allow: [404],
  });
  const isRefusal = refusalOf(answer).code === 'NoSuchBucket' || isFromBetween(answer, request);
  if (answer.status === 404 && isRefusal) {
    throw refusalError(answer, attemptedOf(connection, request), connection.settings);
  }
}
