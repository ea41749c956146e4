import { isAppError } from '../../errors.ts';
import { uploadExists } from './abort-upload.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer } from './errors.ts';
import { markerAfter, readings } from './listed-key.ts';
import { send } from './request.ts';
import type { Target } from './target.ts';
import { childrenOf, exactTextOf, parseXml, textOf, type XmlNode } from './xml.ts';

export interface UnfinishedUpload {
  /** As it is written in the list. */
  readonly key: string;
  /** Which keys that may be. */
  readonly readings: readonly [string, ...string[]];
  readonly uploadId: string;
  /** As the storage wrote it; empty where it did not say. */
  readonly initiatedAt: string;
}

/** A list that goes on beyond it is no answer: a hundred thousand uploads whose key begins alike. */
const MAX_PAGES = 100;

/** Ids of the unfinished uploads of one key. Never those of a key that a list only spells alike. */
export async function uploadsOf(
  connection: S3Connection,
  target: Target,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const own: string[] = [];
  for (const upload of await listUploads(connection, target.bucket, target.key, signal)) {
    if (await belongsTo(connection, target, upload, signal)) own.push(upload.uploadId);
  }
  return own;
}

/** An upload's id is bound to its key: where the list leaves two readings, the storage is asked for the key's own. */
async function belongsTo(
  connection: S3Connection,
  target: Target,
  { key, readings: possible, uploadId }: UnfinishedUpload,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!possible.includes(target.key)) return false;
  if (possible.length === 1) return true;
  try {
    return await uploadExists(connection, target, uploadId, signal);
  } catch (error) {
    if (!isAppError(error, 'storage_denied')) throw error;
    return key === target.key;
  }
}

/**
 * Unfinished uploads whose key begins with the prefix; also others, from a storage that does not look at it. Throws
 * `storage_bad_answer` for a list that never ends: what was not seen must not count as not there.
 */
export async function listUploads(
  connection: S3Connection,
  bucket: string,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<readonly UnfinishedUpload[]> {
  const found: UnfinishedUpload[] = [];
  const request = { operation: 'ListMultipartUploads', method: 'GET', bucket } as const;
  let after: Readonly<Record<string, string>> = {};
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const query = {
      uploads: '',
      ...pageSize(connection, page),
      ...(prefix === '' ? {} : { prefix }),
      ...after,
    };
    const { text } = await send(connection, { ...request, query, signal });
    const document = parseXml(text);
    if (document?.root !== 'ListMultipartUploadsResult') {
      throw badAnswer(attemptedOf(connection, request), 'the answer is no list of uploads');
    }
    const { content } = document;
    const uploads = uploadsIn(content);
    found.push(...uploads);
    const next = textOf(content, 'IsTruncated') === 'true' ? nextOf(content, uploads) : null;
    if (next === null) return found;
    if (next['key-marker'] === after['key-marker'] && next['upload-id-marker'] === after['upload-id-marker'])
      break;
    after = next;
  }
  throw badAnswer(attemptedOf(connection, request), 'the list of uploads does not come to an end');
}

/** The first request asks for no size, which every provider understands. */
function pageSize({ tuning }: S3Connection, page: number): Readonly<Record<string, string>> {
  const isUsual = page === 0 && tuning.listPageEntries === 1_000;
  return isUsual ? {} : { 'max-uploads': String(tuning.listPageEntries) };
}

function uploadsIn(content: XmlNode): readonly UnfinishedUpload[] {
  const saysEncoded = textOf(content, 'EncodingType') === 'url';
  return childrenOf(content, 'Upload').flatMap((upload) => {
    const key = exactTextOf(upload, 'Key');
    const uploadId = textOf(upload, 'UploadId');
    if (key === null || uploadId === null) return [];
    const initiatedAt = textOf(upload, 'Initiated') ?? '';
    return { key, readings: readings(key, saysEncoded), uploadId, initiatedAt };
  });
}

function nextOf(content: XmlNode, uploads: readonly UnfinishedUpload[]): Readonly<Record<string, string>> {
  const written = exactTextOf(content, 'NextKeyMarker');
  const saysEncoded = textOf(content, 'EncodingType') === 'url';
  const keys = uploads.map((upload) => upload.readings[0]);
  const uploadId = textOf(content, 'NextUploadIdMarker') || uploads.at(-1)?.uploadId || '';
  return {
    'key-marker': written ? markerAfter(written, saysEncoded, keys) : (keys.at(-1) ?? ''),
    ...(uploadId === '' ? {} : { 'upload-id-marker': uploadId }),
  };
}
