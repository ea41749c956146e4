import type { Fault } from './faults.ts';
import { dropUpload } from './operations/uploads.ts';
import { overload, PLAIN, type Profile } from './profile.ts';
import type { OperationName, S3Request } from './request.ts';
import { accessDenied, invalidArgument, S3Error } from './s3-error.ts';
import { current } from './store.ts';

export interface ProfileSettings {
  /** Buckets that lie in another region than the server's. */
  readonly bucketRegions: Readonly<Record<string, string>>;
}

export const PROFILE_NAMES = [
  'digitalocean',
  'aws',
  'minio',
  'backblaze',
  'wasabi',
  'r2',
  'hetzner',
  'scaleway',
  'storj',
  'tigris',
  'ceph',
] as const;

/** Ids of the providers whose behaviour is known well enough. */
export type ProfileName = (typeof PROFILE_NAMES)[number];

export function isProfileName(text: string): text is ProfileName {
  return PROFILE_NAMES.some((name) => name === text);
}

/** A fresh profile, by the provider's id: what is known of its behaviour, from its documentation and from reports. */
export function createProfile(name: ProfileName, settings: ProfileSettings): Profile {
  return PROFILES[name](settings);
}

const PROFILES: Readonly<Record<ProfileName, (settings: ProfileSettings) => Profile>> = {
  digitalocean,
  aws,
  minio,
  backblaze,
  wasabi,
  r2,
  hetzner,
  scaleway,
  storj,
  tigris,
  ceph,
};

const UPLOADS: readonly OperationName[] = ['PutObject', 'UploadPart'];
const isUpload = ({ operation }: S3Request) => UPLOADS.includes(operation);
const SLOW_DOWN: Fault = { kind: 'status', status: 503, code: 'SlowDown' };

/** A separator that came encoded is signed differently there. */
function digitalocean(): Profile {
  return {
    ...PLAIN,
    fault: overload(7, SLOW_DOWN, () => true),
    refuse: ({ rawPath }) =>
      /%2f/i.test(rawPath)
        ? new S3Error(403, 'SignatureDoesNotMatch', 'The request signature does not match.')
        : null,
  };
}

/** Every host serves its region, and says of a bucket elsewhere where that is; a Complete may fail after its 200. */
function aws({ bucketRegions }: ProfileSettings): Profile {
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

const DAY_MS = 86_400_000;

/** Uploads older than a day are swept away, running ones too. */
function minio(): Profile {
  return {
    ...PLAIN,
    fault: overload(7, { kind: 'status', status: 503, code: 'SlowDownWrite' }, isUpload),
    async prepare(bucket, _request, now) {
      for (const upload of [...bucket.uploads.values()]) {
        if (now.getTime() - Date.parse(upload.initiatedAt) > DAY_MS) await dropUpload(bucket, upload);
      }
    },
  };
}

/**
 * Versions are always kept. A key without `listBuckets` gets 403 for HeadBucket and for what isn't there. A busy server
 * has no room for an upload, and goes on saying so on the same connection.
 */
function backblaze(): Profile {
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

function wasabi(): Profile {
  return {
    ...PLAIN,
    fault: overload(4, { kind: 'status', status: 400, code: 'RequestRateLimitExceeded' }, () => true),
  };
}

const NOT_IN_R2 = /^x-amz-(acl|tagging|server-side-encryption|object-lock-|checksum-)/;

/** Parts of one size; wrong keys are 401; headers that it does not know are refused instead of ignored. */
function r2(): Profile {
  return {
    ...PLAIN,
    limits: { equalParts: true },
    fault: overload(5, { kind: 'status', status: 429, code: 'TooManyRequests' }, isUpload),
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

/** Ceph without bodies in signed chunks. */
function hetzner(): Profile {
  return {
    ...PLAIN,
    fault: overload(7, SLOW_DOWN, () => true),
    refuse: ({ headers }) =>
      (headers.get('content-encoding') ?? '').includes('aws-chunked')
        ? invalidArgument('aws-chunked is not supported')
        : null,
  };
}

function scaleway(): Profile {
  return { ...PLAIN, limits: { maxParts: 1_000 }, fault: overload(7, SLOW_DOWN, () => true) };
}

/** An object in parts loses what it should have remembered. */
function storj(): Profile {
  return {
    ...PLAIN,
    fault: ({ operation }) => (operation === 'CreateMultipartUpload' ? { kind: 'lose-metadata' } : null),
  };
}

/** Buckets are sub-domains; load is shed with 408. */
function tigris(): Profile {
  return {
    ...PLAIN,
    virtualHosts: ['t3.storage.dev', 'fly.storage.tigris.dev'],
    fault: overload(4, { kind: 'status', status: 408, code: 'RequestCanceled' }, () => true),
  };
}

/** An Abort of an upload that was completed takes the bytes away and leaves the object's name. */
function ceph(): Profile {
  const completed = new Map<string, string>();
  return {
    ...PLAIN,
    fault: overload(7, SLOW_DOWN, () => true),
    async prepare(bucket, { operation, query, key }) {
      const uploadId = query.get('uploadId') ?? '';
      if (operation === 'CompleteMultipartUpload') completed.set(uploadId, key ?? '');
      const left = operation === 'AbortMultipartUpload' ? completed.get(uploadId) : undefined;
      const object = left === undefined ? null : current(bucket, left);
      if (object === null) return;
      const others = (bucket.objects.get(object.key) ?? []).slice(1);
      bucket.objects.set(object.key, [{ ...object, ghost: true }, ...others]);
    },
  };
}
