import type { Log } from '../../log.ts';
import type { StorageMeter } from '../storage-meter.ts';

/** What Node gives to the client; on other platforms fetch and Web Crypto do the same, slower. */
export interface S3Platform {
  readonly log: Log;
  readonly meter?: StorageMeter | undefined;
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
