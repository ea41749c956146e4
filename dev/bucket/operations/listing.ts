import { invalidArgument } from '../s3-error.ts';
import { encode } from '../signature.ts';
import { compareKeys, current, type StoredVersion } from '../store.ts';
import { document, type XmlFields } from '../xml.ts';
import { type Answer, bucketOf, ENCODERS, type Exchange } from './exchange.ts';
import { quoted } from './objects.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** The last key or common prefix on the page; the next page starts after it. */
  readonly last: string;
}

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly limit: number;
}

/** Groups sorted items by delimiter and cuts the page: keys and common prefixes count alike. */
function paginate<Item extends { readonly key: string }>(items: readonly Item[], asked: Asked): Page<Item> {
  const page: Item[] = [];
  const prefixes: string[] = [];
  let last = '';
  for (const item of items) {
    if (!item.key.startsWith(asked.prefix)) continue;
    const at = asked.delimiter === '' ? -1 : item.key.indexOf(asked.delimiter, asked.prefix.length);
    const name = at < 0 ? item.key : item.key.slice(0, at + asked.delimiter.length);
    if (asked.after !== '' && compareKeys(name, asked.after) <= 0) continue;
    if (at >= 0 && prefixes.at(-1) === name) continue;
    if (page.length + prefixes.length >= asked.limit)
      return { items: page, prefixes, truncated: asked.limit > 0, last };
    if (at < 0) page.push(item);
    else prefixes.push(name);
    last = name;
  }
  return { items: page, prefixes, truncated: false, last };
}

export async function listObjectsV2(exchange: Exchange): Promise<Answer> {
  const { query } = exchange.request;
  const token = query.get('continuation-token');
  const after = token === undefined ? (query.get('start-after') ?? '') : fromToken(token);
  const asked = readAsked(exchange, after);
  const page = paginate(currentObjects(exchange), asked);
  const fields = {
    ...commonFields(exchange, asked, page),
    KeyCount: page.items.length + page.prefixes.length,
    ContinuationToken: token,
    StartAfter: around(exchange, query.get('start-after')),
    NextContinuationToken: page.truncated ? toToken(page.last) : undefined,
    Contents: page.items.map((version) => ({
      ...contents(exchange, version),
      ...(query.get('fetch-owner') === 'true' ? { Owner: owner } : {}),
    })),
  };
  return { status: 200, body: document('ListBucketResult', fields) };
}

export async function listObjects(exchange: Exchange): Promise<Answer> {
  const marker = exchange.request.query.get('marker') ?? '';
  const asked = readAsked(exchange, marker);
  const page = paginate(currentObjects(exchange), asked);
  const fields = {
    ...commonFields(exchange, asked, page),
    Marker: around(exchange, marker),
    NextMarker: page.truncated ? around(exchange, page.last) : undefined,
    Contents: page.items.map((version) => ({ ...contents(exchange, version), Owner: owner })),
  };
  return { status: 200, body: document('ListBucketResult', fields) };
}

/** Every version on one page per 1,000 keys; the key is the only marker. */
export async function listObjectVersions(exchange: Exchange): Promise<Answer> {
  const marker = exchange.request.query.get('key-marker') ?? '';
  const asked = readAsked(exchange, marker);
  const { objects } = bucketOf(exchange);
  const keys = [...objects.keys()].sort(compareKeys).map((key) => ({ key }));
  const page = paginate(keys, asked);
  const entry = (version: StoredVersion, index: number): XmlFields => ({
    ...contents(exchange, version),
    VersionId: version.versionId ?? 'null',
    IsLatest: index === 0,
  });
  const versions = page.items.flatMap(({ key }) =>
    (objects.get(key) ?? []).map((version, index) => ({ version, index })),
  );
  const fields = {
    ...commonFields(exchange, asked, page),
    KeyMarker: around(exchange, marker),
    NextKeyMarker: page.truncated ? around(exchange, page.last) : undefined,
    Version: versions
      .filter(({ version }) => !version.deleteMarker)
      .map(({ version, index }) => entry(version, index)),
    DeleteMarker: versions
      .filter(({ version }) => version.deleteMarker)
      .map(({ version, index }) => entry(version, index)),
  };
  return { status: 200, body: document('ListVersionsResult', fields) };
}

export async function listMultipartUploads(exchange: Exchange): Promise<Answer> {
  const { query } = exchange.request;
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const limit = readLimit(query.get('max-uploads'));
  const left = [...bucketOf(exchange).uploads.values()]
    .filter(({ key }) => key.startsWith(prefixOf(exchange)))
    .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId))
    .filter(({ key, uploadId }) => {
      const order = keyMarker === '' ? 1 : compareKeys(key, keyMarker);
      return order > 0 || (order === 0 && idMarker !== '' && uploadId > idMarker);
    });
  const page = left.slice(0, limit);
  const truncated = left.length > page.length;
  const fields = {
    Bucket: exchange.request.bucket ?? '',
    KeyMarker: around(exchange, keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: truncated ? around(exchange, page.at(-1)?.key) : undefined,
    NextUploadIdMarker: truncated ? page.at(-1)?.uploadId : undefined,
    EncodingType: exchange.limits.encodesSilently ? undefined : query.get('encoding-type'),
    Prefix: around(exchange, query.get('prefix') ?? ''),
    MaxUploads: limit,
    IsTruncated: truncated,
    Upload: page.map((upload) => ({
      Key: name(exchange, upload.key),
      UploadId: upload.uploadId,
      StorageClass: 'STANDARD',
      Initiated: upload.initiatedAt,
    })),
  };
  return { status: 200, body: document('ListMultipartUploadsResult', fields) };
}

const owner = { ID: 'development', DisplayName: 'development' };

function currentObjects(exchange: Exchange): StoredVersion[] {
  const bucket = bucketOf(exchange);
  return [...bucket.objects.keys()].sort(compareKeys).flatMap((key) => current(bucket, key) ?? []);
}

function prefixOf({ request, fault }: Exchange): string {
  return fault?.kind === 'ignore-prefix' ? '' : (request.query.get('prefix') ?? '');
}

function readAsked(exchange: Exchange, after: string): Asked {
  const { query } = exchange.request;
  const limit = readLimit(query.get('max-keys'));
  return { prefix: prefixOf(exchange), delimiter: query.get('delimiter') ?? '', after, limit };
}

/** A page size of at most 1,000. */
export function readLimit(text: string | undefined, most = 1000): number {
  if (text === undefined) return most;
  if (!/^\d+$/.test(text)) throw invalidArgument('Provided max-keys not an integer or within integer range');
  return Math.min(Number(text), most);
}

function commonFields(exchange: Exchange, asked: Asked, page: Page<unknown>): XmlFields {
  const { query, bucket } = exchange.request;
  return {
    Name: bucket ?? '',
    Prefix: around(exchange, asked.prefix),
    Delimiter: asked.delimiter === '' ? undefined : around(exchange, asked.delimiter),
    MaxKeys: asked.limit,
    EncodingType: query.get('encoding-type'),
    IsTruncated: page.truncated,
    CommonPrefixes: page.prefixes.map((prefix) => ({ Prefix: name(exchange, prefix) })),
  };
}

function contents(exchange: Exchange, version: StoredVersion): XmlFields {
  return {
    Key: name(exchange, version.key),
    LastModified: version.modifiedAt,
    ...(version.deleteMarker ? {} : { ETag: quoted(version.etag), Size: version.bytes }),
    StorageClass: 'STANDARD',
  };
}

/** A key as the answer shows it: percent-encoded where the client asked for `encoding-type=url`, or in the storage's own way. */
function name(exchange: Exchange, key: string | undefined): string | undefined {
  const { encodesUnasked } = exchange.limits;
  if (key !== undefined && encodesUnasked !== null) {
    return key.split('/').map(ENCODERS[encodesUnasked]).join('/');
  }
  if (key === undefined || exchange.request.query.get('encoding-type') !== 'url') return key;
  return key.split('/').map(encode).join('/');
}

/** What stands beside the keys: what was asked for, and where the next page begins. */
function around(exchange: Exchange, text: string | undefined): string | undefined {
  const { encodesSilently, encodesUnasked } = exchange.limits;
  return encodesSilently || encodesUnasked !== null ? text : name(exchange, text);
}

function toToken(key: string): string {
  return Buffer.from(key).toString('base64url');
}

export function fromToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString();
  if (toToken(key) !== token) throw invalidArgument('The continuation token provided is incorrect');
  return key;
}
