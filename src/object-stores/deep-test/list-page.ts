import { attemptedOf, badAnswer } from '../s3/errors.ts';
import { listUploads as listBegun } from '../s3/list-uploads.ts';
import { markerAfter, readings } from '../s3/listed-key.ts';
import { send } from '../s3/request.ts';
import { childrenOf, exactTextOf, parseXml, textOf, type XmlNode } from '../s3/xml.ts';
import type { BucketTest } from './run.ts';

type Place = Pick<BucketTest, 'connection' | 'bucket'>;

export interface Version {
  readonly key: string;
  /** Null for what has none: a bucket that keeps no versions. */
  readonly versionId: string | null;
  readonly isDeleteMarker: boolean;
  readonly modifiedAt: string;
}

export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedAt: string;
}

/** Ten thousand entries; what lies beyond is removed by the next deep test. */
const MAX_PAGES = 10;

/** One page of the keys under a prefix. */
export async function listPage(
  run: Pick<BucketTest, 'connection' | 'bucket' | 'signal'>,
  prefix: string,
  page: { readonly maxKeys: number; readonly token: string | null },
): Promise<{ keys: readonly string[]; next: string | null }> {
  const content = await list(run, run.signal, 'ListObjectsV2', 'ListBucketResult', {
    'list-type': '2',
    'max-keys': String(page.maxKeys),
    prefix,
    ...(page.token === null ? {} : { 'continuation-token': page.token }),
  });
  const next =
    textOf(content, 'IsTruncated') === 'true' ? exactTextOf(content, 'NextContinuationToken') : null;
  return { keys: childrenOf(content, 'Contents').map((entry) => keyOf(content, entry, prefix)), next };
}

/** Every object under a prefix, with the time of its last change. */
export async function listAll(run: Place, signal: AbortSignal, prefix: string): Promise<readonly Version[]> {
  const found: Version[] = [];
  let token: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const content: XmlNode = await list(run, signal, 'ListObjectsV2', 'ListBucketResult', {
      'list-type': '2',
      'max-keys': String(run.connection.tuning.listPageEntries),
      prefix,
      ...(token === null ? {} : { 'continuation-token': token }),
    });
    found.push(
      ...childrenOf(content, 'Contents').map((entry) =>
        toVersion(content, entry, { prefix, isDeleteMarker: false }),
      ),
    );
    token = textOf(content, 'IsTruncated') === 'true' ? exactTextOf(content, 'NextContinuationToken') : null;
    if (token === null) break;
  }
  return under(prefix, found);
}

/** Every version and delete marker under a prefix. */
export async function listVersions(
  run: Place,
  signal: AbortSignal,
  prefix: string,
): Promise<readonly Version[]> {
  const found: Version[] = [];
  let marker: Readonly<Record<string, string>> = {};
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const content = await list(run, signal, 'ListObjectVersions', 'ListVersionsResult', {
      versions: '',
      'max-keys': String(run.connection.tuning.listPageEntries),
      prefix,
      ...marker,
    });
    found.push(
      ...childrenOf(content, 'Version').map((entry) =>
        toVersion(content, entry, { prefix, isDeleteMarker: false }),
      ),
      ...childrenOf(content, 'DeleteMarker').map((entry) =>
        toVersion(content, entry, { prefix, isDeleteMarker: true }),
      ),
    );
    const next = exactTextOf(content, 'NextKeyMarker');
    if (textOf(content, 'IsTruncated') !== 'true' || !next) break;
    const versionMarker = textOf(content, 'NextVersionIdMarker');
    marker = {
      'key-marker': markerAfter(next, saysEncoded(content), keysIn(content)),
      ...(versionMarker ? { 'version-id-marker': versionMarker } : {}),
    };
  }
  return under(prefix, found);
}

/** Every unfinished upload under a prefix. */
export async function listUploads(
  run: Place,
  signal: AbortSignal,
  prefix: string,
): Promise<readonly UnfinishedUpload[]> {
  const uploads = await listBegun(run.connection, run.bucket, prefix, signal);
  return under(
    prefix,
    uploads.map(({ readings: possible, ...upload }) => ({ ...upload, key: underPrefix(possible, prefix) })),
  );
}

/** What is listed is removed: a storage that did not look at the prefix would have it take the backups. */
function under<T extends { readonly key: string }>(prefix: string, found: readonly T[]): readonly T[] {
  return found.filter(({ key }) => key.startsWith(prefix));
}

async function list(
  { connection, bucket }: Place,
  signal: AbortSignal,
  operation: string,
  root: string,
  query: Readonly<Record<string, string>>,
): Promise<XmlNode> {
  const request = { operation, method: 'GET', bucket } as const;
  const { text } = await send(connection, { ...request, query, signal, attempts: 3 });
  const document = parseXml(text);
  if (document?.root === root) return document.content;
  throw badAnswer(attemptedOf(connection, request), `the answer is no ${root}`);
}

function toVersion(
  content: XmlNode,
  entry: XmlNode,
  { prefix, isDeleteMarker }: { readonly prefix: string; readonly isDeleteMarker: boolean },
): Version {
  const versionId = textOf(entry, 'VersionId');
  return {
    key: keyOf(content, entry, prefix),
    versionId: versionId === 'null' || versionId === '' ? null : versionId,
    isDeleteMarker,
    modifiedAt: textOf(entry, 'LastModified') ?? '',
  };
}

function keyOf(content: XmlNode, entry: XmlNode, prefix: string): string {
  return underPrefix(readings(exactTextOf(entry, 'Key') ?? '', saysEncoded(content)), prefix);
}

/** The reading that was asked for, where there is one: then the storage encoded it unasked. */
function underPrefix(possible: readonly string[], prefix: string): string {
  return possible.find((key) => key.startsWith(prefix)) ?? possible[0] ?? '';
}

function keysIn(content: XmlNode): readonly string[] {
  const entries = [...childrenOf(content, 'Version'), ...childrenOf(content, 'DeleteMarker')];
  return entries.map((entry) => readings(exactTextOf(entry, 'Key') ?? '', saysEncoded(content))[0]);
}

function saysEncoded(content: XmlNode): boolean {
  return textOf(content, 'EncodingType') === 'url';
}
