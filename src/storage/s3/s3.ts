import type { Log } from '../../log.ts';
import type { ObjectStore } from '../object-store.ts';
import type { S3Connection } from './connection.ts';

/** An account at an S3-compatible storage. */
export interface S3 {
  /** Names of the buckets that the key may list, all pages. Throws `storage_denied` for a bucket-scoped key. */
  listBuckets(signal?: AbortSignal): Promise<readonly string[]>;
  /** Throws `storage_*` unless the bucket is there and readable with this key (HeadBucket, else a one-key list). */
  checkBucket(bucket: string, options?: { prefix?: string; signal?: AbortSignal }): Promise<void>;
  bucket(name: string): S3Bucket;
  /** For the probe and the diagnosis, which ask more than this port does. */
  readonly connection: S3Connection;
  /** Ends the client's sockets. */
  close(): Promise<void>;
}

export interface S3Bucket extends ObjectStore {
  /** A URL that downloads the object with GET until it expires; no header is needed. */
  presignDownload(key: string, options: PresignOptions): Promise<string>;
}

export interface PresignOptions {
  /** What a browser saves the file as; any characters. */
  readonly fileName: string;
  readonly expiresInSeconds: number;
  readonly versionId?: string | null;
  /** Signs for the endpoint itself: STORAGE_PUBLIC_ENDPOINT names another storage than this one. */
  readonly atOwnEndpoint?: boolean;
}

export interface S3Settings {
  /** `https://host[:port]`, or `http://…` where STORAGE_ALLOW_HTTP let it through. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary keys (STS). */
  readonly sessionToken?: string | null;
  /** What PUT and CreateMultipartUpload ask the provider for; null asks for nothing. */
  readonly encryption?: { readonly algorithm: 'AES256' | 'aws:kms'; readonly keyId: string | null } | null;
  /** True where a probe has seen that PUT honours If-None-Match, whatever is known of the provider. */
  readonly ifNoneMatch?: boolean;
}

export type S3Opener = (settings: S3Settings) => S3;

/** What Node gives to the client; on other platforms fetch and Web Crypto do the same, slower. */
export interface S3Platform {
  readonly log: Log;
  readonly now: () => Date;
  readonly fetch: typeof fetch;
  /** Sends one part or object: the body in slices with an explicit length, no redirects, a limit per silence. */
  readonly send: S3Transport;
  /** Hex SHA-256; of a large part without keeping the thread from others for long. */
  readonly sha256: (bytes: Uint8Array) => Promise<string>;
  /** Base64 MD5, for buckets that ask for Content-MD5; web platforms have none. */
  readonly md5?: (bytes: Uint8Array) => Promise<string>;
  readonly partMemory: PartMemory;
  /** Host and port of the proxy that a request to this URL goes through, or null. */
  readonly proxyOf?: (url: string) => string | null;
  /** Base of presigned URLs (`https://host[:port]`), where browsers reach the storage by another name. */
  readonly publicEndpoint: string | null;
}

export type S3Transport = (request: {
  readonly method: 'PUT';
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}) => Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }>;

/** One budget for the parts of every upload in the process; see PART_MEMORY_MIB. */
export interface PartMemory {
  readonly totalBytes: number;
  /** Waits until a buffer of that many bytes fits; give it back with `release`. */
  acquire(bytes: number, signal: AbortSignal): Promise<PartBuffer>;
}

export interface PartBuffer {
  readonly bytes: Uint8Array;
  release(): void;
}
