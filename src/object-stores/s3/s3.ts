import type { ObjectStore } from '../object-store.ts';
import type { S3Connection } from './connection.ts';
import type { S3Settings } from './settings.ts';

/** An account at an S3-compatible storage. */
export interface S3 {
  /** Names of the buckets that the key may list, all pages. Throws `storage_denied` for a bucket-scoped key. */
  listBuckets(signal?: AbortSignal): Promise<readonly string[]>;
  /** Throws `storage_*` unless the bucket is there and readable with this key (HeadBucket, else a one-key list). */
  checkBucket(bucket: string, options?: { prefix?: string; signal?: AbortSignal }): Promise<void>;
  bucket(name: string): S3Bucket;
  /** For the deep test and the diagnosis, which ask more than this port does. */
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

export type S3Opener = (settings: S3Settings) => S3;
