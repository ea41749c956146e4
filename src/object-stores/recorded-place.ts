import { AppError, isAppError } from '../errors.ts';
import type { Place } from './place.ts';
import { providerOf } from './providers.ts';
import type { S3Bucket } from './s3/s3.ts';

/**
 * Throws `storage_denied` unless the present credentials may be used at the recorded place: at the host that is
 * configured now, or at another endpoint of the same hosted provider and account. Anyone else's server must not see
 * requests signed with them.
 */
export function checkRecordedPlace(place: Place, presentEndpoint: string): void {
  const recorded = new URL(place.endpoint);
  const present = new URL(presentEndpoint);
  if (recorded.protocol === 'http:' && present.protocol === 'https:') {
    throw refused(place, presentEndpoint, 'which it names over plain http; backups are not sent unencrypted');
  }
  if (mayShareKeys(place.endpoint, presentEndpoint)) return;
  throw refused(place, presentEndpoint, 'which belongs to somebody else; its keys are not used there');
}

/**
 * The bucket of an endpoint that is not the present one: its refusals say so, and its links don't lead to where
 * browsers reach the present one.
 */
export function asRecorded(bucket: S3Bucket, place: Place, presentEndpoint: string): S3Bucket {
  if (place.endpoint === presentEndpoint) return bucket;
  const explained = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw explain(error, place, presentEndpoint);
    }
  };
  return {
    ...bucket,
    head: (key, options) => explained(bucket.head(key, options)),
    get: (key, options) => explained(bucket.get(key, options)),
    remove: (key, options) => explained(bucket.remove(key, options)),
    presignDownload: (key, options) => bucket.presignDownload(key, { ...options, atOwnEndpoint: true }),
  };
}

/** True for two endpoints of one host, or of one account at a hosted provider. */
export function mayShareKeys(one: string, other: string): boolean {
  return new URL(one).hostname === new URL(other).hostname || isSameAccount(one, other);
}

function isSameAccount(recorded: string, present: string): boolean {
  const provider = providerOf(recorded);
  const { accountOf } = provider;
  if (accountOf === null || provider.id !== providerOf(present).id) return false;
  return accountOf(new URL(recorded).hostname) === accountOf(new URL(present).hostname);
}

function refused(place: Place, presentEndpoint: string, why: string): AppError {
  const recorded = hostOf(place.endpoint);
  return new AppError(
    'storage_denied',
    `This lies in the bucket ${place.bucket} at ${recorded}, but the storage configured now is ` +
      `${hostOf(presentEndpoint)}. The present keys can't reach ${recorded}, ${why}. To reach it from here, ` +
      `configure the storage at ${recorded} again under Admin > Storage.`,
    { details: { recorded: place.endpoint, present: presentEndpoint } },
  );
}

function explain(error: unknown, place: Place, presentEndpoint: string): unknown {
  if (!isAppError(error, 'storage_denied', 'storage_bad_credentials', 'storage_no_bucket')) return error;
  const recorded = hostOf(place.endpoint);
  return new AppError(
    error.code,
    `${error.message} It was stored at ${recorded}; the storage configured now is ${hostOf(presentEndpoint)}, and ` +
      `its keys don't reach ${recorded}.`,
    { details: error.details, cause: error },
  );
}

const hostOf = (endpoint: string) => endpoint.replace(/^https:\/\//, '');
