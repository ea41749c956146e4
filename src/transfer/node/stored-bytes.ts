import { createHash } from 'node:crypto';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError, isAppError } from '../../errors.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { through } from './compress.ts';

/** Each costs a turn of the thread pool. */
const CHUNK_BYTES = 256 * 1024;
/** A connection that breaks is opened again where it broke, so often without a byte in between. */
const READ_TRIES = 5;

/**
 * The bytes of a stored object, valid until the next but one is asked for; a connection that breaks within them is opened again
 * where it broke. Throws what the store throws, and `storage_mismatch` where the object changed meanwhile.
 */
export async function* storedBytes(
  store: Pick<ObjectStore, 'get'>,
  { key, versionId }: { readonly key: string; readonly versionId: string | null },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  let total = Number.POSITIVE_INFINITY;
  let etag: string | null = null;
  for (let tries = 1; read < total; tries += 1) {
    try {
      const rest = read === 0 ? {} : { range: { start: read, end: total - 1 }, ifMatch: etag };
      const body = await store.get(key, { versionId, signal, isPatient: true, ...rest });
      if (read > 0 && body.totalBytes !== total) {
        throw new AppError(
          'storage_mismatch',
          `The object changed while it was read: it has ${body.totalBytes} bytes now instead of ${total}.`,
        );
      }
      total = body.totalBytes;
      etag = body.etag ?? etag;
      for await (const chunk of body) {
        signal.throwIfAborted();
        read += chunk.byteLength;
        tries = 0;
        yield chunk;
      }
    } catch (error) {
      if (signal.aborted || tries >= READ_TRIES) throw error;
      if (!isAppError(error, 'storage_unreachable', 'host_dropped')) throw error;
    }
  }
}

/** What is known of bytes that went by. */
export interface SeenBytes {
  bytes: number;
  /** Hex; null until the last one was seen. */
  sha256: string | null;
}

/** The same bytes; `seen` is kept up to date. */
export async function* hashed(
  source: AsyncIterable<Uint8Array>,
  seen: SeenBytes,
  onProgress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    seen.bytes += chunk.byteLength;
    onProgress(seen.bytes);
    yield chunk;
  }
  seen.sha256 = hash.digest('hex');
}

/** What tells bytes that were seen from those that were stored, a sentence for the admin; null where they are the same. */
export function differenceOf(
  stored: { readonly bytes: number; readonly sha256: string | null },
  seen: SeenBytes,
): string | null {
  if (seen.bytes !== stored.bytes) {
    return `The stored object has ${seen.bytes} bytes instead of the ${stored.bytes} that the backup stored.`;
  }
  if (stored.sha256 === null || seen.sha256 === stored.sha256) return null;
  return `The stored object is not what the backup stored: its SHA-256 is ${seen.sha256} instead of ${stored.sha256}.`;
}

/** The dump in stored bytes, by the compression that its backup recorded (`none`, `gzip-6`, `zstd-3`, …). */
export function decompressed(
  source: AsyncIterable<Uint8Array>,
  compression: string | null,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const options = { chunkSize: CHUNK_BYTES };
  if (compression?.startsWith('gzip')) return through(source, createGunzip(options), signal);
  if (compression?.startsWith('zstd')) return through(source, createZstdDecompress(options), signal);
  return source;
}
