import type { OperationName, S3Request } from './request.ts';

/** What a matching request meets instead of, or in addition to, a proper answer. */
export type Fault =
  /** Answers this error without performing. `early`: before the body is read, and the connection is closed. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** More elements of the error document, such as `Region` or `Endpoint`. */
      readonly fields?: Readonly<Record<string, string>>;
      readonly early?: boolean;
    }
  /**
   * Answers as a proxy in front of the storage does: a web page, no error code, no request id; not performed. With
   * `overBytes` only to larger bodies.
   */
  | {
      readonly kind: 'proxy-page';
      readonly status: number;
      readonly server?: string;
      readonly overBytes?: number;
    }
  /** As a bucket's policy does: denies a request that lacks the header, or has another value of it. */
  | { readonly kind: 'demand-header'; readonly name: string; readonly value: string }
  /** Answers 200 with an HTML page, as a captive portal or a wrong endpoint does; not performed. */
  | { readonly kind: 'garbage' }
  /** Destroys the socket before the body is read. */
  | { readonly kind: 'reset' }
  /** Performs the operation and destroys the socket without an answer. */
  | { readonly kind: 'reset-after' }
  /** Performs the operation and answers an error. */
  | {
      readonly kind: 'status-after';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
    }
  /** Reads nothing and never answers. */
  | { readonly kind: 'hang' }
  /** Performs the operation and never answers. */
  | { readonly kind: 'hang-after' }
  /** Performs only once the promise resolves, so that a test can act while the request is in flight. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /**
   * PutObject and CreateMultipartUpload: takes the whole request, and stores or begins only once the promise resolves,
   * also when the client has gone.
   */
  | { readonly kind: 'hold-received'; readonly until: Promise<unknown> }
  /** Answers 200 with an error document after keep-alive blanks; not performed. */
  | { readonly kind: 'error-in-200'; readonly code: string; readonly message?: string }
  /** Sends the 200 and blanks at once, and the answer `delayMs` later, as AWS does while it assembles. */
  | { readonly kind: 'keep-alive-blanks'; readonly delayMs: number }
  /** Waits `delayMs` before it performs; reads and answers at `bytesPerSecond`. Combines with other faults. */
  | { readonly kind: 'slow'; readonly bytesPerSecond?: number; readonly delayMs?: number }
  /** Cuts the answer's body after so many bytes by destroying the socket. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Sends so many bytes of the answer's body, then nothing, with the socket open. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** On GET the first byte sent is flipped; on PutObject and UploadPart the first byte stored. */
  | { readonly kind: 'corrupt' }
  /** The object made by PutObject or Complete lists and answers HEAD, but GET is 404. */
  | { readonly kind: 'ghost' }
  /** Complete leaves out the last part, UploadPart stores nothing; both still answer 200. */
  | { readonly kind: 'lose-part' }
  /** The upload is purged, as stale ones are by some stores, and the request answered NoSuchUpload. */
  | { readonly kind: 'lose-upload' }
  /** PutObject and CreateMultipartUpload forget x-amz-meta-*; HEAD and GET do not show it. */
  | { readonly kind: 'lose-metadata' }
  /** The ETag in the answer (and in the store) is not an MD5. */
  | { readonly kind: 'foreign-etag' }
  /** GET answers 200 with the whole object whatever Range says. */
  | { readonly kind: 'ignore-range' }
  /** A list holds the whole bucket, whatever prefix was asked for. */
  | { readonly kind: 'ignore-prefix' }
  /** Answers an empty success and performs nothing: an Abort or a DELETE that had no effect. */
  | { readonly kind: 'pretend' }
  /** Performs and sets these headers of the answer; null leaves one out. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string | null>> }
  /** The server's clock is off by so much (positive: ahead). Combines with other faults. */
  | { readonly kind: 'skew'; readonly ms: number }
  /** The bucket is gone: NoSuchBucket from this request on until `restore` or `clear`. */
  | { readonly kind: 'vanish' };

export interface FaultMatch {
  readonly operation?: OperationName | readonly OperationName[];
  readonly partNumber?: number;
  readonly bucket?: string;
  readonly key?: string;
}

export interface FaultRule {
  /** Every field given must match; `{}` matches every request. */
  readonly match: FaultMatch;
  /** How many matching requests meet the fault (1); may be Infinity. */
  readonly times?: number;
  /** How many matching requests pass before (0). */
  readonly skip?: number;
  readonly fault: Fault;
}

export interface FaultHit {
  readonly kind: Fault['kind'];
  readonly operation: OperationName;
  readonly bucket: string | null;
  readonly key: string | null;
  readonly partNumber: number | null;
}

export interface FaultControl {
  /** Rules are tried in the order added; a request meets the first that matches (skew and slow come on top). */
  add(rule: FaultRule): void;
  /** Removes every rule, releases nothing that hangs, and restores vanished buckets. */
  clear(): void;
  /** Brings a vanished bucket back. */
  restore(bucket: string): void;
  /** The faults that requests met, in order. */
  hits(): readonly FaultHit[];
}

/** The faults of one request. */
export interface Met {
  readonly main: Fault | null;
  readonly skewMs: number;
  readonly delayMs: number;
  readonly bytesPerSecond: number | null;
}

export interface FaultBook extends FaultControl {
  meet(request: S3Request): Met;
  hasVanished(bucket: string): boolean;
}

export function createFaultBook(): FaultBook {
  const rules: { rule: FaultRule; skip: number; times: number }[] = [];
  const hits: FaultHit[] = [];
  const vanished = new Set<string>();
  const meet = (request: S3Request): Met => {
    let main: Fault | null = null;
    let [skewMs, delayMs, bytesPerSecond]: [number, number, number | null] = [0, 0, null];
    for (const entry of rules) {
      const { fault } = entry.rule;
      const ambient = fault.kind === 'skew' || fault.kind === 'slow';
      if (entry.times <= 0 || (main !== null && !ambient) || !matches(entry.rule.match, request)) continue;
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.times -= 1;
      const { operation, bucket, key, partNumber } = request;
      hits.push({ kind: fault.kind, operation, bucket, key, partNumber });
      if (fault.kind === 'skew') skewMs = fault.ms;
      else if (fault.kind === 'slow') {
        delayMs = fault.delayMs ?? delayMs;
        bytesPerSecond = fault.bytesPerSecond ?? bytesPerSecond;
      } else main = fault;
    }
    if (main?.kind === 'vanish' && request.bucket !== null) vanished.add(request.bucket);
    return { main, skewMs, delayMs, bytesPerSecond };
  };
  return {
    add: (rule) => {
      rules.push({ rule, skip: rule.skip ?? 0, times: rule.times ?? 1 });
    },
    clear: () => {
      rules.length = 0;
      vanished.clear();
    },
    restore: (bucket) => {
      vanished.delete(bucket);
    },
    hits: () => [...hits],
    meet,
    hasVanished: (bucket) => vanished.has(bucket),
  };
}

function matches(match: FaultMatch, request: S3Request): boolean {
  const operations = match.operation === undefined ? null : [match.operation].flat();
  return (
    (operations === null || operations.includes(request.operation)) &&
    (match.partNumber === undefined || match.partNumber === request.partNumber) &&
    (match.bucket === undefined || match.bucket === request.bucket) &&
    (match.key === undefined || match.key === request.key)
  );
}
