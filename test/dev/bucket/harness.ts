import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { Agent, fetch, type Response } from 'undici';
import { onTestFinished } from 'vitest';
import { type DevBucket, type DevBucketOptions, startDevBucket } from '../../../dev/bucket/server.ts';

export const owner = { accessKey: 'owner', secretKey: 'owner-secret' } as const;
export const scoped = { accessKey: 'scoped', secretKey: 'scoped-secret', buckets: ['backups'] } as const;
export const region = 'fra1';

export interface Send {
  readonly body?: Uint8Array | string;
  readonly headers?: Record<string, string>;
  readonly key?: { readonly accessKey: string; readonly secretKey: string };
  readonly region?: string;
  readonly signedAt?: Date;
  /** What is really sent, where it differs from what was signed. */
  readonly sent?: { body?: Uint8Array | string; headers?: Record<string, string>; path?: string };
  readonly signContentType?: boolean;
  readonly signal?: AbortSignal;
}

export interface Presign {
  readonly expires?: number;
  readonly signedAt?: Date;
  readonly region?: string;
  readonly virtualHost?: string;
}

export interface Bench extends DevBucket {
  readonly folder: string;
  send(method: string, path: string, options?: Send): Promise<Response>;
  /** A URL that needs no headers; under the virtual-hosted name where one is given. */
  presign(path: string, options?: Presign): Promise<string>;
  /** The headers of a signed request with an unsigned payload, for clients other than fetch. */
  signedHeaders(method: string, path: string): Promise<Record<string, string>>;
  /** An unsigned request. */
  plain(url: string, init?: { method?: string; headers?: Record<string, string> }): Promise<Response>;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-bucket-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A development bucket for one test, with a client that signs with aws4fetch. */
export async function startBench(options: Partial<DevBucketOptions> = {}): Promise<Bench> {
  const folder = options.folder ?? (await temporaryFolder());
  const server = await startDevBucket({
    folder,
    region,
    keys: [owner, scoped],
    buckets: ['backups', 'other'],
    ...options,
  });
  const dispatcher = new Agent(server.caPem === null ? {} : { connect: { ca: server.caPem } });
  onTestFinished(async () => {
    await dispatcher.destroy();
    await server.close();
  });
  const send = async (method: string, path: string, given: Send = {}): Promise<Response> => {
    const { body, sent = {} } = given;
    const signed = await signer(given.key, given.region).sign(`${server.endpoint}${path}`, {
      method,
      headers: {
        'x-amz-content-sha256': createHash('sha256')
          .update(body ?? '')
          .digest('hex'),
        ...given.headers,
      },
      aws: { allHeaders: given.signContentType ?? true, datetime: timestamp(given.signedAt) },
    });
    const url = sent.path === undefined ? signed.url : `${server.endpoint}${sent.path}`;
    return fetch(url, {
      method,
      headers: { ...Object.fromEntries(signed.headers), ...sent.headers },
      // Bytes, because fetch adds an unsigned Content-Type to a text.
      body: bodyBytes(sent.body ?? body),
      redirect: 'manual',
      dispatcher,
      ...(given.signal === undefined ? {} : { signal: given.signal }),
    });
  };
  const presign: Bench['presign'] = async (path, given = {}) => {
    const url = new URL(`${server.endpoint}${path}`);
    url.hostname = given.virtualHost ?? url.hostname;
    url.searchParams.set('X-Amz-Expires', String(given.expires ?? 300));
    const signed = await signer(owner, given.region).sign(url, {
      method: 'GET',
      aws: { signQuery: true, datetime: timestamp(given.signedAt) },
    });
    return signed.url.replaceAll('+', '%20').replaceAll('%7E', '~');
  };
  const signedHeaders: Bench['signedHeaders'] = async (method, path) => {
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    const signed = await signer().sign(`${server.endpoint}${path}`, { method, headers });
    return Object.fromEntries(signed.headers);
  };
  const plain: Bench['plain'] = (url, init = {}) => fetch(url, { ...init, dispatcher });
  return { ...server, folder, send, presign, signedHeaders, plain };
}

function bodyBytes(body: Uint8Array | string | undefined): Uint8Array | null {
  return body === undefined ? null : Buffer.from(body);
}

function signer(key: Send['key'] = owner, signedRegion = region): AwsClient {
  const { accessKey: accessKeyId, secretKey: secretAccessKey } = key;
  return new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: signedRegion, retries: 0 });
}

function timestamp(instant = new Date()): string {
  return instant.toISOString().replace(/[-:]|\.\d+/g, '');
}

/** The status and the code of an S3 error document: `403 AccessDenied`. */
export async function refusal(response: Response): Promise<string> {
  const code = /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1];
  return `${response.status} ${code}`;
}

export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}

export async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** The text of each element of that name. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'g'))].map((match) => match[1] ?? '');
}

export const minPartBytes = 5 * 1024 * 1024;

/** Bytes that differ from place to place, so that a part out of order shows. */
export function pattern(bytes: number, seed = 1): Buffer {
  const block = createHash('sha512').update(String(seed)).digest();
  const buffer = Buffer.alloc(bytes, block);
  for (let at = 0; at + 4 <= bytes; at += 4096) buffer.writeUInt32BE(at + seed, at);
  return buffer;
}

export async function createUpload(
  bench: Bench,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await bench.send('POST', `${path}?uploads=`, { headers });
  return elements(await response.text(), 'UploadId')[0] ?? '';
}

export function sendPart(bench: Bench, path: string, uploadId: string, number: number, body: Uint8Array) {
  return bench.send('PUT', `${path}?partNumber=${number}&uploadId=${uploadId}`, { body });
}

export function complete(
  bench: Bench,
  path: string,
  uploadId: string,
  parts: readonly (readonly [number, string])[],
  headers: Record<string, string> = {},
) {
  const list = parts.map(
    ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`;
  return bench.send('POST', `${path}?uploadId=${uploadId}`, { body, headers });
}

/** Uploads the parts and completes; gives the answer to Complete. */
export async function putParts(
  bench: Bench,
  path: string,
  parts: readonly Uint8Array[],
  headers: Record<string, string> = {},
) {
  const uploadId = await createUpload(bench, path, headers);
  const etags: [number, string][] = [];
  for (const [index, part] of parts.entries()) {
    const response = await sendPart(bench, path, uploadId, index + 1, part);
    etags.push([index + 1, response.headers.get('etag') ?? '']);
  }
  return complete(bench, path, uploadId, etags);
}
