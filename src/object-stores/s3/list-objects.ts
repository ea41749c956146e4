import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer } from './errors.ts';
import { readings } from './listed-key.ts';
import { send } from './request.ts';
import { childrenOf, exactTextOf, parseXml, textOf } from './xml.ts';

/** The first keys under a prefix, at most `maxKeys`. */
export async function listKeys(
  connection: S3Connection,
  bucket: string,
  options: { readonly prefix: string; readonly maxKeys: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const request = { operation: 'ListObjectsV2', method: 'GET', bucket } as const;
  const { text } = await send(connection, {
    ...request,
    query: {
      'list-type': '2',
      'max-keys': String(options.maxKeys),
      ...(options.prefix === '' ? {} : { prefix: options.prefix }),
    },
    signal: options.signal,
  });
  const document = parseXml(text);
  if (document?.root !== 'ListBucketResult') {
    throw badAnswer(attemptedOf(connection, request), 'the answer is no list of objects');
  }
  const encoded = textOf(document.content, 'EncodingType') === 'url';
  return childrenOf(document.content, 'Contents').flatMap((entry) => {
    const key = exactTextOf(entry, 'Key');
    if (key === null) return [];
    return readings(key, encoded)[0];
  });
}
