import { attachment } from '../../content-disposition.ts';
import { AppError } from '../../errors.ts';
import { urlOf, versionQuery } from './address.ts';
import type { S3Connection } from './connection.ts';
import { headObject } from './head.ts';
import { checkKey } from './keys.ts';
import type { PresignOptions } from './s3.ts';
import { signUrl } from './sign.ts';
import type { Target } from './target.ts';

const MAX_SECONDS = 7 * 24 * 3600;

/**
 * A URL that downloads the object with GET and nothing else, for as long as asked by the storage's clock. Where browsers
 * know the storage by another name, it is signed for that one.
 */
export async function presignDownload(
  connection: S3Connection,
  target: Target,
  options: PresignOptions,
): Promise<string> {
  checkKey(target.key);
  const { expiresInSeconds, versionId, fileName } = options;
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > MAX_SECONDS) {
    throw new AppError('invalid', 'A download link lasts 1 second to 7 days.');
  }
  if (!connection.clockKnown()) await learnClock(connection, target);
  const address = connection.addressOf(target.bucket);
  const publicEndpoint = options.atOwnEndpoint ? null : connection.platform.publicEndpoint;
  const url = urlOf(
    publicEndpoint ? { ...address, endpoint: publicEndpoint.replace(/\/+$/, '') } : address,
    target,
    {
      'response-content-disposition': attachment(fileName),
      ...versionQuery(versionId),
    },
  );
  return signUrl(connection.keysFor(address), { url, expiresInSeconds, at: connection.now() });
}

/** A clock minutes ahead would make a link that isn't valid yet; one look at the object tells the time and the region. */
async function learnClock(connection: S3Connection, target: Target): Promise<void> {
  try {
    await headObject(connection, target.bucket, target.key, { attempts: 1 });
  } catch (error) {
    connection.platform.log.warn('the storage’s clock is unknown; the link is signed by this machine’s', {
      error,
    });
  }
}
