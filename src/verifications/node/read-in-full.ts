import { createHash } from 'node:crypto';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { EndProof } from '../../engines/engine.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { through } from '../../transfer/node/compress.ts';

/** A stored dump, as its backup recorded it. */
export interface StoredDump {
  readonly key: string;
  readonly versionId: string | null;
  /** Of the stored object. */
  readonly bytes: number;
  /** Hex; null where it was not recorded, so that nothing can be compared. */
  readonly sha256: string | null;
  /** `none`, `gzip-6`, `zstd-3`, … */
  readonly compression: string | null;
  readonly newEndProof: () => EndProof;
}

export interface FullRead {
  /** What is wrong with the stored bytes, a sentence for the admin; null: nothing. */
  readonly damage: string | null;
  /** Bytes of the dump that came out of them. */
  readonly dumpBytes: number;
}

const CHUNK_BYTES = 128 * 1024;
/** A connection that breaks is opened again where it broke, so often without a byte in between. */
const READ_TRIES = 5;

/**
 * Reads a stored dump from its first byte to its last: hashes what is stored, decompresses it, and follows the dump to its
 * proven end, in constant memory. Throws what the store throws, where nothing was found out: an object that is not there is
 * damage, a storage that does not answer is not.
 */
export async function readInFull(
  store: ObjectStore,
  stored: StoredDump,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (bytes: number) => void },
): Promise<FullRead> {
  const seen = { bytes: 0, sha256: '', dumpBytes: 0 };
  const bytes = hashed(whole(store, stored, signal), seen, onProgress);
  let damage: string | null = null;
  try {
    damage = await follow(lent(bytes), stored, seen, signal);
    // What the dump's end, or its damage, left unread belongs to the object too.
    for (let rest = await bytes.next(); !rest.done; rest = await bytes.next());
  } catch (error) {
    signal.throwIfAborted();
    if (!isDamage(error)) throw error;
    return { damage: error.message, dumpBytes: seen.dumpBytes };
  } finally {
    await bytes.return(undefined);
  }
  return { damage: differenceOf(stored, seen) ?? damage, dumpBytes: seen.dumpBytes };
}

/** A proxy in between answers 404 too, where the storage behind it is away: only the storage's own word counts. */
function isDamage(error: unknown): error is AppError {
  if (isAppError(error, 'storage_mismatch')) return true;
  if (!isAppError(error, 'storage_missing')) return false;
  const { status, s3Code } = error.details;
  return status !== 404 || s3Code === 'NoSuchKey' || s3Code === 'NoSuchVersion';
}

interface Seen {
  bytes: number;
  sha256: string;
  dumpBytes: number;
}

/** Of the stored bytes, which says more than what became of the dump in them. */
function differenceOf(stored: StoredDump, seen: Seen): string | null {
  if (seen.bytes !== stored.bytes) {
    return `The stored object has ${seen.bytes} bytes instead of the ${stored.bytes} that the backup stored.`;
  }
  if (stored.sha256 === null || seen.sha256 === stored.sha256) return null;
  return `The stored object is not what the backup stored: its SHA-256 is ${seen.sha256} instead of ${stored.sha256}.`;
}

/** Gives what is wrong with the dump; throws what the source throws. */
async function follow(
  source: AsyncIterable<Uint8Array>,
  { compression, newEndProof }: StoredDump,
  seen: Seen,
  signal: AbortSignal,
): Promise<string | null> {
  const proof = newEndProof();
  let sourceError: unknown;
  const watched = watch(source, (error) => {
    sourceError = error;
  });
  try {
    for await (const chunk of decompressed(watched, compression, signal)) {
      seen.dumpBytes += chunk.byteLength;
      proof.observe(chunk);
    }
    proof.finish();
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (sourceError !== undefined) throw sourceError;
    if (isAppError(error)) return `What is stored is not a whole dump: ${error.message}`;
    const said = error instanceof Error ? error.message : String(error);
    return `What is stored can't be decompressed (${compression}): ${said}, after ${seen.dumpBytes} bytes of the dump.`;
  }
}

function decompressed(
  source: AsyncIterable<Uint8Array>,
  compression: string | null,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const options = { chunkSize: CHUNK_BYTES };
  if (compression?.startsWith('gzip')) return through(source, createGunzip(options), signal);
  if (compression?.startsWith('zstd')) return through(source, createZstdDecompress(options), signal);
  return source;
}

async function* watch(
  source: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** Leaves the iteration open for who reads on, when its reader has enough. */
async function* lent(bytes: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let next = await bytes.next(); !next.done; next = await bytes.next()) yield next.value;
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  seen: Seen,
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

/** The object's bytes; a connection that breaks within them is opened again where it broke. */
async function* whole(
  store: ObjectStore,
  { key, versionId }: StoredDump,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  let total = Number.POSITIVE_INFINITY;
  for (let tries = 1; read < total; tries += 1) {
    try {
      const range = read === 0 ? {} : { range: { start: read, end: total - 1 } };
      const body = await store.get(key, { versionId, signal, isPatient: true, ...range });
      if (read > 0 && body.totalBytes !== total) {
        throw new AppError(
          'storage_mismatch',
          `The object changed while it was read: it has ${body.totalBytes} bytes now instead of ${total}.`,
        );
      }
      total = body.totalBytes;
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
