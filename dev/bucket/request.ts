import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

export type OperationName =
  | 'ListBuckets'
  | 'HeadBucket'
  | 'CreateBucket'
  | 'DeleteBucket'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'PutBucketVersioning'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'ListMultipartUploads'
  | 'DeleteObjects'
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'NotImplemented';

/** A request as S3 understands it; the body is still unread. */
export interface S3Request {
  readonly http: IncomingMessage;
  readonly method: string;
  /** As received, still percent-encoded; what the signature covers. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Decoded parameters, in the order received. */
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names; repeated headers joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly operation: OperationName;
  readonly bucket: string | null;
  readonly key: string | null;
  readonly partNumber: number | null;
}

/** Reads the request line and headers. Throws InvalidURI for a path or query that is not valid percent-encoding. */
export function readRequest(http: IncomingMessage, virtualHosts: readonly string[] = []): S3Request {
  const method = http.method ?? 'GET';
  const target = (http.url ?? '/').replace(/^https?:\/\/[^/]*/i, '') || '/';
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const rawQuery = mark < 0 ? '' : target.slice(mark + 1);
  const headers = readHeaders(http.rawHeaders);
  const query = readQuery(rawQuery);
  const { bucket, key } = address(headers.get('host') ?? '', rawPath, virtualHosts);
  const partNumber = query.has('partNumber') ? Number(query.get('partNumber')) : null;
  const operation = operationOf(method, bucket, key, query, headers);
  return { http, method, rawPath, rawQuery, query, headers, operation, bucket, key, partNumber };
}

function readHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return headers;
}

function readQuery(raw: string): Map<string, string> {
  return new Map(queryPairs(raw));
}

/** Decoded name and value of each parameter. A `+` stays a plus sign: S3 does not decode it in a query. */
export function queryPairs(raw: string): (readonly [string, string])[] {
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0
        ? ([decode(pair), ''] as const)
        : ([decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))] as const);
    });
}

/** Percent-decoding that refuses what is not UTF-8. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
}

/** Path-style, or virtual-hosted as `bucket.localhost` and under the domains given. */
function address(
  host: string,
  rawPath: string,
  virtualHosts: readonly string[],
): { bucket: string | null; key: string | null } {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  const domain = ['localhost', ...virtualHosts].find((candidate) => name.endsWith(`.${candidate}`));
  const virtual = domain === undefined ? undefined : name.slice(0, -domain.length - 1);
  if (virtual !== undefined) return { bucket: virtual, key: decode(rawPath.slice(1)) || null };
  const slash = rawPath.indexOf('/', 1);
  const bucket = decode(rawPath.slice(1, slash < 0 ? undefined : slash));
  const key = slash < 0 ? '' : decode(rawPath.slice(slash + 1));
  return { bucket: bucket || null, key: key || null };
}

type Query = ReadonlyMap<string, string>;

function operationOf(
  method: string,
  bucket: string | null,
  key: string | null,
  query: Query,
  headers: ReadonlyMap<string, string>,
): OperationName {
  if (bucket === null) return method === 'GET' ? 'ListBuckets' : 'NotImplemented';
  if (headers.has('x-amz-copy-source') || unsupported.some((name) => query.has(name)))
    return 'NotImplemented';
  return key === null ? bucketOperation(method, query) : objectOperation(method, query);
}

const unsupported = [
  ...[
    'accelerate',
    'acl',
    'analytics',
    'attributes',
    'cors',
    'encryption',
    'inventory',
    'legal-hold',
    'lifecycle',
  ],
  ...['logging', 'metrics', 'notification', 'object-lock', 'ownershipControls', 'policy', 'policyStatus'],
  ...[
    'publicAccessBlock',
    'replication',
    'requestPayment',
    'restore',
    'retention',
    'select',
    'tagging',
    'torrent',
  ],
  'website',
] as const;

function bucketOperation(method: string, query: Query): OperationName {
  if (method === 'HEAD') return 'HeadBucket';
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'NotImplemented';
  if (method === 'PUT') return query.has('versioning') ? 'PutBucketVersioning' : 'CreateBucket';
  if (method === 'DELETE') return 'DeleteBucket';
  if (method !== 'GET') return 'NotImplemented';
  if (query.has('location')) return 'GetBucketLocation';
  if (query.has('versioning')) return 'GetBucketVersioning';
  if (query.has('versions')) return 'ListObjectVersions';
  if (query.has('uploads')) return 'ListMultipartUploads';
  return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
}

function objectOperation(method: string, query: Query): OperationName {
  const ofUpload = query.has('uploadId');
  switch (method) {
    case 'GET':
      return ofUpload ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      return ofUpload || query.has('partNumber') ? 'UploadPart' : 'PutObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      return ofUpload ? 'CompleteMultipartUpload' : 'NotImplemented';
    case 'DELETE':
      return ofUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return 'NotImplemented';
  }
}
