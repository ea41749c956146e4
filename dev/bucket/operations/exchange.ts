import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Fault } from '../faults.ts';
import type { S3Request } from '../request.ts';
import { noSuchBucket, S3Error } from '../s3-error.ts';
import { checkDigests, type Received, receiveSegment } from '../segment.ts';
import { type AccessKey, encode } from '../signature.ts';
import type { Bucket } from '../store.ts';

/** How lists may spell a segment of a key. */
export const ENCODERS = {
  /** As a path is signed: all but unreserved characters. */
  percent: encode,
  /** As a form is sent: blanks as plus signs. */
  form: (segment: string) => encode(segment).replaceAll('%20', '+'),
  /** As browsers do with a path: plus signs stay. */
  path: (segment: string) => encode(segment).replaceAll('%2B', '+'),
} as const;

/** Limits that differ between providers. */
export interface Limits {
  /** Parts per object; AWS 10,000, Scaleway 1,000. */
  readonly maxParts: number;
  /** Of each part but the last: 5 MiB at all of them, and a question of time for tests of how uploads go. */
  readonly smallestPartBytes: number;
  /** Cloudflare R2: all parts but the last of one size, the last not larger. */
  readonly equalParts: boolean;
  /** AWS with Object Lock: a body without Content-MD5 is refused. */
  readonly requireMd5: boolean;
  /**
   * Ceph 16: where a list is asked for with `encoding-type=url`, its keys are encoded, prefixes and markers are not, and
   * the list of uploads does not say so.
   */
  readonly encodesSilently: boolean;
  /** Lists hold their keys encoded, whatever was asked for, and do not say so: how; null for storages that don't. */
  readonly encodesUnasked: keyof typeof ENCODERS | null;
}

/** One authenticated request on its way through an operation. */
export interface Exchange {
  readonly request: S3Request;
  readonly key: AccessKey;
  /** Hex SHA-256 that the body must have, or null for an unsigned payload. */
  readonly payloadSha256: string | null;
  /** Those that are there, without a vanished one. */
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly region: string;
  readonly discard: boolean;
  readonly limits: Limits;
  readonly fault: Fault | null;
  /** Creates and registers a bucket. */
  readonly createBucket: (name: string) => Promise<void>;
  readonly deleteBucket: (name: string) => void;
  /** The body, after the client that waits for `100 Continue` got it. */
  readonly body: () => Readable;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | { readonly bytes: number; readonly stream: AsyncIterable<Buffer> };
}

export type Operation = (exchange: Exchange) => Promise<Answer>;

export function bucketOf({ request, buckets }: Exchange): Bucket {
  const bucket = buckets.get(request.bucket ?? '');
  if (bucket === undefined) throw noSuchBucket(request.bucket ?? '');
  return bucket;
}

export function keyOf({ request }: Exchange): string {
  const key = request.key ?? '';
  if (Buffer.byteLength(key) <= 1024) return key;
  throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
}

const largestBodyBytes = 5 * 1024 ** 3;

/** Receives the body of PutObject or UploadPart. */
export async function receiveBody(exchange: Exchange, folder: string, file: string): Promise<Received> {
  const { request, payloadSha256, discard } = exchange;
  const { headers } = request;
  const md5 = headers.get('content-md5');
  if (headers.has('transfer-encoding') || !headers.has('content-length')) {
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if ((headers.get('content-encoding') ?? '').includes('aws-chunked')) {
    throw new S3Error(501, 'NotImplemented', 'aws-chunked bodies are not implemented.');
  }
  if (exchange.limits.requireMd5 && md5 === undefined) {
    throw new S3Error(
      400,
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put requests with Object Lock parameters',
    );
  }
  if (md5 !== undefined && !/^[A-Za-z0-9+/]{22}==$/.test(md5)) {
    throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid.');
  }
  const bytes = Number(headers.get('content-length'));
  if (bytes > largestBodyBytes) {
    throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.');
  }
  return receiveSegment(exchange.body(), { folder, file }, { bytes, sha256: payloadSha256, md5, discard });
}

const largestDocumentBytes = 4 * 1024 * 1024;

/** Receives an XML body as text. */
export async function receiveText(exchange: Exchange): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange.body() as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > largestDocumentBytes)
      throw new S3Error(400, 'MaxMessageLengthExceeded', 'Your request was too big.');
  }
  const body = Buffer.concat(chunks);
  checkDigests(createHash('md5').update(body).digest(), createHash('sha256').update(body).digest('hex'), {
    sha256: exchange.payloadSha256,
    md5: exchange.request.headers.get('content-md5'),
  });
  return body.toString('utf8');
}

/** The headers that S3 keeps with an object. */
export function keptHeaders({ request, fault }: Exchange): Record<string, string> {
  const kept = [...request.headers].filter(
    ([name]) =>
      [
        'content-type',
        'content-disposition',
        'content-encoding',
        'content-language',
        'cache-control',
        'expires',
      ].includes(name) ||
      (name.startsWith('x-amz-meta-') && fault?.kind !== 'lose-metadata'),
  );
  return { 'content-type': 'binary/octet-stream', ...Object.fromEntries(kept) };
}
