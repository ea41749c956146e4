import type { Fault } from '../faults.ts';
import type { OperationName, S3Request } from '../request.ts';

const UPLOADS: readonly OperationName[] = ['PutObject', 'UploadPart'];

export const isUpload = ({ operation }: S3Request) => UPLOADS.includes(operation);

/** What a Complete meets where an object in parts gets an ETag that no MD5 leads to. */
export const ownEtag = ({ operation }: S3Request): Fault | null =>
  operation === 'CompleteMultipartUpload' ? { kind: 'foreign-etag' } : null;

export const SLOW_DOWN: Fault = { kind: 'status', status: 503, code: 'SlowDown' };

/** The label of a host name that stands where `{region}` does in the pattern, or null for another host. */
export function regionIn(pattern: string): (host: string) => string | null {
  const [before = '', after = ''] = pattern.split('{region}');
  return (host) => {
    const name = host.toLowerCase().replace(/:\d+$/, '');
    const region = name.slice(before.length, -after.length);
    return name === before + region + after && /^[a-z0-9-]+$/.test(region) ? region : null;
  };
}
