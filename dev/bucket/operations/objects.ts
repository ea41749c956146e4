import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { malformedXml, S3Error } from '../s3-error.ts';
import { type Bucket, current, newId, publish, removeVersion, type StoredVersion, stage } from '../store.ts';
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
    if (fault?.kind === 'hold-received') await fault.until;
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

/** The version of that id; `null` names the one written without versioning. */
export function versionOf(bucket: Bucket, key: string, versionId: string): StoredVersion | undefined {
  return bucket.objects.get(key)?.find((version) => (version.versionId ?? 'null') === versionId);
}

export function versionHeader(version: StoredVersion): Record<string, string> {
  return version.versionId === null ? {} : { 'x-amz-version-id': version.versionId };
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

export function preconditionFailed(condition: string): S3Error {
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
