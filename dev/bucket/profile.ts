import type { Fault } from './faults.ts';
import type { Limits } from './operations/exchange.ts';
import type { S3Request } from './request.ts';
import type { S3Error } from './s3-error.ts';
import type { AccessKey } from './signature.ts';
import type { Bucket } from './store.ts';

export interface ProfileSettings {
  /** Buckets that lie in another region than the server's. */
  readonly bucketRegions: Readonly<Record<string, string>>;
}

/** How a provider's S3 differs from AWS's documentation. */
export interface Profile {
  /** Domains under which the first labels of a host name a bucket. */
  readonly virtualHosts: readonly string[];
  readonly limits: Partial<Limits>;
  /** Buckets keep versions, whatever was asked for. */
  readonly versioned: boolean;
  /** Requests may be signed for any region. */
  readonly anyRegion: boolean;
  /** The region that requests to this host must be signed for; null for the server's. */
  regionOf(host: string): string | null;
  /** What this request meets, besides the faults that a test adds. */
  fault(request: S3Request): Fault | null;
  /** A refusal of an authenticated request before it is performed. */
  refuse(request: S3Request, key: AccessKey): S3Error | null;
  /** The provider's own answer instead of an error. */
  translate(error: S3Error, request: S3Request, key: AccessKey | null): S3Error;
  /** Acts on the bucket before the request is performed. */
  prepare(bucket: Bucket, request: S3Request, now: Date): Promise<void>;
}

export const PLAIN: Profile = {
  virtualHosts: [],
  limits: {},
  versioned: false,
  anyRegion: false,
  regionOf: () => null,
  fault: () => null,
  refuse: () => null,
  translate: (error) => error,
  prepare: async () => {},
};

/**
 * Makes the first try of every so many distinct requests meet the fault; the same request again passes. That keeps a
 * run repeatable, however requests are interleaved.
 */
export function overload(every: number, fault: Fault, isMeant: (request: S3Request) => boolean) {
  const seen = new Set<string>();
  return (request: S3Request): Fault | null => {
    if (!isMeant(request)) return null;
    const identity = `${request.operation} ${request.rawPath}?${request.rawQuery}`;
    if (seen.has(identity)) return null;
    seen.add(identity);
    return seen.size % every === 0 ? fault : null;
  };
}
