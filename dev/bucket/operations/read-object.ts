import { invalidArgument, noSuchKey, S3Error } from '../s3-error.ts';
import { readSegments } from '../segment.ts';
import { type StoredVersion, versionFolder } from '../store.ts';
import { type Answer, bucketOf, type Exchange, keyOf } from './exchange.ts';
import { preconditionFailed, quoted, versionHeader, versionOf } from './objects.ts';

export async function headObject(exchange: Exchange): Promise<Answer> {
  const version = findVersion(exchange);
  const notModified = checkConditions(exchange, version);
  if (notModified !== null) return notModified;
  const headers = { ...objectHeaders(exchange, version), 'content-length': String(version.bytes) };
  return { status: 200, headers };
}

export async function getObject(exchange: Exchange): Promise<Answer> {
  const { request, fault } = exchange;
  const version = findVersion(exchange);
  if (version.ghost || fault?.kind === 'ghost') throw noSuchKey(version.key);
  const notModified = checkConditions(exchange, version);
  if (notModified !== null) return notModified;
  const asked = fault?.kind === 'ignore-range' ? undefined : request.headers.get('range');
  const range = asked === undefined ? null : readRange(asked, version.bytes);
  const { start, end } = range ?? { start: 0, end: version.bytes - 1 };
  const bytes = readSegments(versionFolder(bucketOf(exchange), version), version.segments, { start, end });
  const headers = {
    ...objectHeaders(exchange, version),
    ...(range === null ? {} : { 'content-range': `bytes ${start}-${end}/${version.bytes}` }),
  };
  const stream = fault?.kind === 'corrupt' ? flipFirst(bytes) : bytes;
  return { status: range === null ? 200 : 206, headers, body: { bytes: end - start + 1, stream } };
}

/** A satisfiable single range, or null for one that HTTP says to ignore. Throws InvalidRange. */
function readRange(header: string, bytes: number): { start: number; end: number } | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(bytes - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (first !== '' && last !== '' && Number(last) < start) return null;
  if (start > end) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      fields: { RangeRequested: header, ActualObjectSize: String(bytes) },
      headers: { 'content-range': `bytes */${bytes}` },
    });
  }
  return { start, end };
}

function findVersion(exchange: Exchange): StoredVersion {
  const { request } = exchange;
  const bucket = bucketOf(exchange);
  const key = keyOf(exchange);
  const versionId = request.query.get('versionId');
  const version = versionId === undefined ? bucket.objects.get(key)?.[0] : versionOf(bucket, key, versionId);
  if (version === undefined && versionId !== undefined) {
    throw new S3Error(404, 'NoSuchVersion', 'The specified version does not exist.');
  }
  if (version === undefined) throw noSuchKey(key);
  if (!version.deleteMarker) return version;
  const headers = { 'x-amz-delete-marker': 'true', ...versionHeader(version) };
  if (versionId === undefined)
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { headers });
  throw new S3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    headers,
  });
}

function checkConditions({ request }: Exchange, version: StoredVersion): Answer | null {
  const etag = quoted(version.etag);
  const match = request.headers.get('if-match');
  const noneMatch = request.headers.get('if-none-match');
  if (match !== undefined && match !== '*' && match !== etag) throw preconditionFailed('If-Match');
  if (noneMatch === undefined || (noneMatch !== '*' && noneMatch !== etag)) return null;
  return { status: 304, headers: { etag } };
}

const overrides = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
] as const;

function objectHeaders({ request, fault }: Exchange, version: StoredVersion): Record<string, string> {
  const stored = Object.entries(version.headers).filter(
    ([name]) => fault?.kind !== 'lose-metadata' || !name.startsWith('x-amz-meta-'),
  );
  const overridden = overrides.flatMap((name) => {
    const value = request.query.get(`response-${name}`);
    if (value === undefined) return [];
    if (/[^\t\x20-\x7e\xa0-\xff]/.test(value)) {
      throw invalidArgument(`Header value cannot be represented using ISO-8859-1.response-${name}`);
    }
    return [[name, value] as const];
  });
  return {
    ...Object.fromEntries(stored),
    ...Object.fromEntries(overridden),
    'accept-ranges': 'bytes',
    etag: quoted(version.etag),
    'last-modified': new Date(version.modifiedAt).toUTCString(),
    ...versionHeader(version),
  };
}

async function* flipFirst(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of bytes) {
    const sent = Buffer.from(chunk);
    if (first) sent.writeUInt8(sent.readUInt8(0) ^ 0xff, 0);
    first = false;
    yield sent;
  }
}
