import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer } from './errors.ts';
import { send } from './request.ts';
import { childrenOf, parseXml, textOf } from './xml.ts';

const PAGE = '1000';
const MAX_PAGES = 1_000;
/** Ten times AWS's quota; what a broken storage counts beyond it is left out. */
const MAX_NAMES = 100_000;

/**
 * Names of all buckets that the key may list, in the storage's order. The first request asks for no page size, which
 * every provider understands; the next ones follow the token that came back.
 */
export async function listBuckets(
  connection: S3Connection,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  let token: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const found = await listPage(connection, token, signal);
    names.push(...found.names);
    token = found.next;
    if (token === null || seen.has(token) || names.length >= MAX_NAMES) break;
    seen.add(token);
  }
  return [...new Set(names)];
}

async function listPage(
  connection: S3Connection,
  token: string | null,
  signal: AbortSignal | undefined,
): Promise<{ names: readonly string[]; next: string | null }> {
  const request = { operation: 'ListBuckets', method: 'GET' } as const;
  const query: Readonly<Record<string, string>> =
    token === null ? {} : { 'continuation-token': token, 'max-buckets': PAGE };
  const { text } = await send(connection, { ...request, query, signal });
  const document = parseXml(text);
  if (document?.root !== 'ListAllMyBucketsResult') {
    throw badAnswer(attemptedOf(connection, request), 'the answer is no list of buckets');
  }
  const [buckets] = childrenOf(document.content, 'Buckets');
  return {
    names: childrenOf(buckets, 'Bucket').flatMap((bucket) => textOf(bucket, 'Name') ?? []),
    next:
      textOf(document.content, 'ContinuationToken') ||
      textOf(document.content, 'NextContinuationToken') ||
      null,
  };
}
