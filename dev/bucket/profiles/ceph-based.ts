import { overload, PLAIN, type Profile } from '../profile.ts';
import { invalidArgument, S3Error } from '../s3-error.ts';
import { current } from '../store.ts';
import { regionIn, SLOW_DOWN } from './load.ts';

/** A separator that came encoded is signed differently there. */
export function digitalocean(): Profile {
  return {
    ...PLAIN,
    fault: overload(7, SLOW_DOWN, () => true),
    refuse: ({ rawPath }) =>
      /%2f/i.test(rawPath)
        ? new S3Error(403, 'SignatureDoesNotMatch', 'The request signature does not match.')
        : null,
  };
}

/** Ceph without bodies in signed chunks. */
export function hetzner(): Profile {
  return {
    ...PLAIN,
    fault: overload(7, SLOW_DOWN, () => true),
    refuse: ({ headers }) =>
      (headers.get('content-encoding') ?? '').includes('aws-chunked')
        ? invalidArgument('aws-chunked is not supported')
        : null,
  };
}

/** The Ceph gateway, one to each region; limited keys list every bucket (see the key's `listing`). */
export function linode(): Profile {
  return { ...ceph(), regionOf: regionIn('{region}.linodeobjects.com') };
}

/** The Ceph gateway, one to each region. */
export function vultr(): Profile {
  return { ...ceph(), regionOf: regionIn('{region}.vultrobjects.com') };
}

/**
 * An Abort of an upload that was completed takes the bytes away and leaves the object's name. Lists encode keys, and
 * markers not; that of uploads does not say so.
 */
export function ceph(): Profile {
  const completed = new Map<string, string>();
  return {
    ...PLAIN,
    limits: { encodesSilently: true },
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
