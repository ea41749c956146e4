import { dropUpload } from '../operations/uploads.ts';
import { overload, PLAIN, type Profile } from '../profile.ts';
import type { OperationName } from '../request.ts';
import { S3Error } from '../s3-error.ts';
import { isUpload, ownEtag, SLOW_DOWN } from './load.ts';

const DAY_MS = 86_400_000;

/** Uploads older than a day are swept away, running ones too. */
export function minio(): Profile {
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

const NOT_IN_GARAGE: readonly OperationName[] = ['ListObjectVersions', 'PutBucketVersioning'];

/**
 * No versions: what is about them is answered 501, but for the question whether they are on. An object in parts has an ETag
 * that no MD5 leads to.
 */
export function garage(): Profile {
  const busy = overload(7, SLOW_DOWN, () => true);
  return {
    ...PLAIN,
    fault: (request) => busy(request) ?? ownEtag(request),
    refuse: ({ operation }) =>
      NOT_IN_GARAGE.includes(operation)
        ? new S3Error(501, 'NotImplemented', 'This S3 call is not implemented by Garage.')
        : null,
  };
}

/** Any region is taken; an object in parts has an ETag that no MD5 leads to. */
export function seaweedfs(): Profile {
  const busy = overload(7, SLOW_DOWN, () => true);
  return {
    ...PLAIN,
    anyRegion: true,
    fault: (request) => busy(request) ?? ownEtag(request),
  };
}
