import { attemptedOf, badAnswer } from '../s3/errors.ts';
import { listedKey } from '../s3/keys.ts';
import { send } from '../s3/request.ts';
import { childrenOf, parseXml, textOf, type XmlNode } from '../s3/xml.ts';
import type { ProbeRun } from './run.ts';

type Place = Pick<ProbeRun, 'connection' | 'bucket'>;

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

const PAGE = '1000';
/** Ten thousand entries; what lies beyond is removed by the next probe. */
const MAX_PAGES = 10;

/** One page of the keys under a prefix. */
export async function listPage(
  run: ProbeRun,
  prefix: string,
  page: { readonly maxKeys: number; readonly token: string | null },
): Promise<{ keys: readonly string[]; next: string | null }> {
  const content = await list(run, run.signal, 'ListObjectsV2', 'ListBucketResult', {
    'list-type': '2',
    'max-keys': String(page.maxKeys),
    'encoding-type': 'url',
    prefix,
    ...(page.token === null ? {} : { 'continuation-token': page.token }),
  });
  const next = textOf(content, 'IsTruncated') === 'true' ? textOf(content, 'NextContinuationToken') : null;
  return { keys: childrenOf(content, 'Contents').map((entry) => keyOf(content, entry)), next };
}

/** Every object under a prefix, with the time of its last change. */
export async function listAll(run: Place, signal: AbortSignal, prefix: string): Promise<readonly Version[]> {
  const found: Version[] = [];
  let token: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const content: XmlNode = await list(run, signal, 'ListObjectsV2', 'ListBucketResult', {
      'list-type': '2',
      'max-keys': PAGE,
      'encoding-type': 'url',
      prefix,
      ...(token === null ? {} : { 'continuation-token': token }),
    });
    found.push(...childrenOf(content, 'Contents').map((entry) => toVersion(content, entry, false)));
    token = textOf(content, 'IsTruncated') === 'true' ? textOf(content, 'NextContinuationToken') : null;
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
      'max-keys': PAGE,
      'encoding-type': 'url',
      prefix,
      ...marker,
    });
    found.push(
      ...childrenOf(content, 'Version').map((entry) => toVersion(content, entry, false)),
      ...childrenOf(content, 'DeleteMarker').map((entry) => toVersion(content, entry, true)),
    );
    const next = textOf(content, 'NextKeyMarker');
    if (textOf(content, 'IsTruncated') !== 'true' || !next) break;
    const versionMarker = textOf(content, 'NextVersionIdMarker');
    marker = {
      'key-marker': decoded(content, next),
      ...(versionMarker ? { 'version-id-marker': versionMarker } : {}),
    };
  }
  return under(prefix, found);
}

/** Every unfinished upload under a prefix, at most one page. */
export async function listUploads(
  run: Place,
  signal: AbortSignal,
  prefix: string,
): Promise<readonly UnfinishedUpload[]> {
  const content = await list(run, signal, 'ListMultipartUploads', 'ListMultipartUploadsResult', {
    uploads: '',
    'encoding-type': 'url',
    prefix,
  });
  const uploads = childrenOf(content, 'Upload').map((entry) => ({
    key: keyOf(content, entry),
    uploadId: textOf(entry, 'UploadId') ?? '',
    initiatedAt: textOf(entry, 'Initiated') ?? '',
  }));
  return under(prefix, uploads);
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

function toVersion(content: XmlNode, entry: XmlNode, isDeleteMarker: boolean): Version {
  const versionId = textOf(entry, 'VersionId');
  return {
    key: keyOf(content, entry),
    versionId: versionId === 'null' || versionId === '' ? null : versionId,
    isDeleteMarker,
    modifiedAt: textOf(entry, 'LastModified') ?? '',
  };
}

function keyOf(content: XmlNode, entry: XmlNode): string {
  return decoded(content, textOf(entry, 'Key') ?? '');
}

function decoded(content: XmlNode, text: string): string {
  return listedKey(text, textOf(content, 'EncodingType') === 'url');
}
