import type { Fault } from '../faults.ts';
import { overload, PLAIN, type Profile, type ProfileSettings } from '../profile.ts';
import type { S3Request } from '../request.ts';
import { accessDenied, S3Error } from '../s3-error.ts';
import { isUpload, ownEtag, regionIn, SLOW_DOWN } from './load.ts';

/** Every host serves its region, and says of a bucket elsewhere where that is; a Complete may fail after its 200. */
export function aws({ bucketRegions }: ProfileSettings): Profile {
  return {
    ...PLAIN,
    regionOf: (host) => awsRegionIn(host),
    fault: overload(
      2,
      { kind: 'error-in-200', code: 'InternalError', message: 'We encountered an internal error.' },
      ({ operation }) => operation === 'CompleteMultipartUpload',
    ),
    refuse(request) {
      const region = bucketRegions[request.bucket ?? ''];
      if (region === undefined || region === awsRegionIn(request.headers.get('host') ?? '')) return null;
      return elsewhere(request, region);
    },
  };
}

const awsRegionIn = (host: string) => /^s3\.([a-z0-9-]+)\.amazonaws\.com/.exec(host)?.[1] ?? null;

function elsewhere(request: S3Request, region: string): S3Error {
  const headers = { 'x-amz-bucket-region': region };
  if (request.method === 'HEAD') return new S3Error(400, 'BadRequest', 'Bad Request', { headers });
  if (request.method === 'GET') {
    const message = `The authorization header is malformed; expecting '${region}'`;
    return new S3Error(400, 'AuthorizationHeaderMalformed', message, { fields: { Region: region } });
  }
  const fields = { Endpoint: `s3.${region}.amazonaws.com`, Bucket: request.bucket ?? '' };
  const message = 'The bucket you are attempting to access must be addressed using the specified endpoint.';
  return new S3Error(301, 'PermanentRedirect', message, { headers, fields });
}

/**
 * Versions are always kept. A key without `listBuckets` gets 403 for HeadBucket and for what isn't there. A busy server
 * has no room for an upload, and goes on saying so on the same connection.
 */
export function backblaze(): Profile {
  const busy: Fault = {
    kind: 'status',
    status: 503,
    code: 'ServiceUnavailable',
    message: 'no tomes available',
  };
  const meet = overload(3, busy, isUpload);
  const tired = new WeakSet<object>();
  return {
    ...PLAIN,
    versioned: true,
    fault(request) {
      const { socket } = request.http;
      if (!isUpload(request)) return null;
      const fault = tired.has(socket) ? busy : meet(request);
      if (fault !== null) tired.add(socket);
      return fault;
    },
    refuse: ({ operation }, { buckets }) =>
      operation === 'HeadBucket' && buckets !== undefined ? accessDenied() : null,
    translate: (error, { operation }, key) =>
      error.code === 'NoSuchKey' &&
      key?.buckets !== undefined &&
      (operation === 'HeadObject' || operation === 'GetObject')
        ? accessDenied('Cannot access bucket')
        : error,
  };
}

export function wasabi(): Profile {
  return {
    ...PLAIN,
    fault: overload(4, { kind: 'status', status: 400, code: 'RequestRateLimitExceeded' }, () => true),
  };
}

const NOT_IN_R2 = /^x-amz-(acl|tagging|server-side-encryption|object-lock-|checksum-)/;

/** Parts of one size, and an ETag that no MD5 leads to; wrong keys are 401; headers that it does not know are refused instead of ignored. */
export function r2(): Profile {
  const busy = overload(5, { kind: 'status', status: 429, code: 'TooManyRequests' }, isUpload);
  return {
    ...PLAIN,
    limits: { equalParts: true },
    fault: (request) => busy(request) ?? ownEtag(request),
    refuse({ headers }) {
      const unknown = [...headers.keys()].find((name) => NOT_IN_R2.test(name));
      if (unknown === undefined) return null;
      return new S3Error(501, 'NotImplemented', `Header '${unknown}' not implemented`);
    },
    translate: (error) =>
      error.code === 'InvalidAccessKeyId' || error.code === 'SignatureDoesNotMatch'
        ? new S3Error(401, 'Unauthorized', 'Unauthorized')
        : error,
  };
}

export function scaleway(): Profile {
  return { ...PLAIN, limits: { maxParts: 1_000 }, fault: overload(7, SLOW_DOWN, () => true) };
}

/** An object in parts loses what it should have remembered. */
export function storj(): Profile {
  return {
    ...PLAIN,
    fault: ({ operation }) => (operation === 'CreateMultipartUpload' ? { kind: 'lose-metadata' } : null),
  };
}

const TIGRIS = ['t3.storage.dev', 'fly.storage.tigris.dev'];

/** Buckets are sub-domains, and are not found under the path; load is shed with 408. */
export function tigris(): Profile {
  return {
    ...PLAIN,
    virtualHosts: TIGRIS,
    fault: overload(4, { kind: 'status', status: 408, code: 'RequestCanceled' }, () => true),
    refuse: ({ bucket, headers }) =>
      bucket !== null && TIGRIS.includes(headers.get('host') ?? '')
        ? new S3Error(400, 'InvalidRequest', 'Buckets are reached as sub-domains here.')
        : null,
  };
}

/** Every host serves its region, whose name is signed in lower case. */
export function ovh(): Profile {
  return {
    ...PLAIN,
    regionOf: regionIn('s3.{region}.io.cloud.ovh.net'),
    fault: overload(7, SLOW_DOWN, () => true),
  };
}

/** Any region is taken. */
export function idrive(): Profile {
  return { ...PLAIN, anyRegion: true, fault: overload(7, SLOW_DOWN, () => true) };
}

/**
 * Any region is taken. Accept-Encoding is changed on its way in, so that nobody can sign it. The ETag of an object in
 * parts is no MD5.
 */
export function gcs(): Profile {
  const busy = overload(5, { kind: 'status', status: 429, code: 'TooManyRequests' }, isUpload);
  return {
    ...PLAIN,
    anyRegion: true,
    fault: (request) => busy(request) ?? ownEtag(request),
    refuse: ({ headers }) =>
      /SignedHeaders=[^,]*\baccept-encoding\b/.test(headers.get('authorization') ?? '')
        ? new S3Error(403, 'SignatureDoesNotMatch', 'The request signature does not match.')
        : null,
  };
}
