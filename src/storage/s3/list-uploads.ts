import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer } from './errors.ts';
import { listedKey } from './keys.ts';
import { send } from './request.ts';
import { childrenOf, parseXml, textOf } from './xml.ts';

export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
}

/** Unfinished uploads whose key begins with the prefix, at most the storage's page (1,000). */
export async function listUploads(
  connection: S3Connection,
  bucket: string,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<readonly UnfinishedUpload[]> {
  const request = { operation: 'ListMultipartUploads', method: 'GET', bucket } as const;
  const { text } = await send(connection, {
    ...request,
    query: { uploads: '', 'encoding-type': 'url', ...(prefix === '' ? {} : { prefix }) },
    signal,
  });
  const document = parseXml(text);
  if (document?.root !== 'ListMultipartUploadsResult') {
    throw badAnswer(attemptedOf(connection, request), 'the answer is no list of uploads');
  }
  const encoded = textOf(document.content, 'EncodingType') === 'url';
  return childrenOf(document.content, 'Upload').flatMap((upload) => {
    const key = textOf(upload, 'Key');
    const uploadId = textOf(upload, 'UploadId');
    if (key === null || uploadId === null) return [];
    return { key: listedKey(key, encoded), uploadId };
  });
}
