import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { malformedXml, noSuchKey, S3Error } from '../s3-error.ts';
import { readSegments } from '../segment.ts';
import {
  type Bucket,
  current,
  newId,
  publish,
  removeVersion,
  type StoredVersion,
  stage,
  versionFolder,
} from '../store.ts';
import { document, fieldsOf, parseDocument } from '../xml.ts';
import {
  type Answer,
  bucketOf,
  type Exchange,
  keptHeaders,
  keyOf,
  receiveBody,
  receiveText,
} from './exchange.ts';

export async function putObject(exchange: Exchange): Promise<Answer> {
  const { fault } = exchange;
  const bucket = bucketOf(exchange);
  const key = keyOf(exchange);
  checkAbsent(exchange, bucket, key);
  const folder = await stage(bucket);
  try {
    const { segment, md5 } = await receiveBody(exchange, folder, 'data');
    if (fault?.kind === 'corrupt') await flipFirstByte(join(folder, segment.file));
    checkAbsent(exchange, bucket, key);
    const version = await publish(bucket, folder, {
      key,
      deleteMarker: false,
      bytes: segment.bytes,
      etag: fault?.kind === 'foreign-etag' ? newId().slice(4) : md5.toString('hex'),
      segments: [segment],
      headers: keptHeaders(exchange),
      ghost: fault?.kind === 'ghost',
    });
    return { status: 200, headers: { etag: quoted(version.etag), ...versionHeader(version) } };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Conditional creation: `If-None-Match: *` is refused with 412 where the key is taken. */
export function checkAbsent({ request }: Exchange, bucket: Bucket, key: string): void {
  const condition = request.headers.get('if-none-match');
  if (condition === undefined) return;
  if (condition !== '*') throw new S3Error(501, 'NotImplemented', 'Only If-None-Match: * is implemented.');
  if (current(bucket, key) !== null) throw preconditionFailed('If-None-Match');
}

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

function versionOf(bucket: Bucket, key: string, versionId: string): StoredVersion | undefined {
  return bucket.objects.get(key)?.find((version) => (version.versionId ?? 'null') === versionId);
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
    return value === undefined ? [] : [[name, value] as const];
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

export async function deleteObject(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const versionId = exchange.request.query.get('versionId');
  return { status: 204, headers: await remove(bucket, keyOf(exchange), versionId) };
}

/** Removes the version, or hides the key behind a delete marker; an absent one is a success. */
async function remove(
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
): Promise<Record<string, string>> {
  const marker = { 'x-amz-delete-marker': 'true' };
  if (versionId === undefined && bucket.versioned) {
    const nothing = { key, bytes: 0, etag: '', segments: [], headers: {}, ghost: false };
    const version = await publish(bucket, await stage(bucket), { ...nothing, deleteMarker: true });
    return { ...marker, ...versionHeader(version) };
  }
  const version = versionOf(bucket, key, versionId ?? 'null');
  if (version === undefined) return {};
  await removeVersion(bucket, version);
  return { ...(version.deleteMarker ? marker : {}), ...versionHeader(version) };
}

const mostDeletes = 1000;

export async function deleteObjects(exchange: Exchange): Promise<Answer> {
  const bucket = bucketOf(exchange);
  const { headers } = exchange.request;
  if (
    !headers.has('content-md5') &&
    ![...headers.keys()].some((name) => name.startsWith('x-amz-checksum-'))
  ) {
    throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const fields = parseDocument(await receiveText(exchange), 'Delete', ['Object']);
  const listed = Array.isArray(fields['Object']) ? fields['Object'].map(fieldsOf) : [];
  if (listed.length === 0 || listed.length > mostDeletes) throw malformedXml();
  const deleted: { Key: string }[] = [];
  for (const object of listed) {
    const key = object?.['Key'];
    const versionId = object?.['VersionId'];
    if (typeof key !== 'string') throw malformedXml();
    await remove(bucket, key, typeof versionId === 'string' ? versionId : undefined);
    deleted.push({ Key: key });
  }
  return {
    status: 200,
    body: document('DeleteResult', { Deleted: fields['Quiet'] === 'true' ? [] : deleted }),
  };
}

export function versionHeader(version: StoredVersion): Record<string, string> {
  return version.versionId === null ? {} : { 'x-amz-version-id': version.versionId };
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    { fields: { Condition: condition } },
  );
}

/** Damages a stored file, as a failing disk does. */
export async function flipFirstByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
    await file.write(Buffer.from([buffer.readUInt8(0) ^ 0xff]), 0, 1, 0);
  } finally {
    await file.close();
  }
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
