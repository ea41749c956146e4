import { createHash } from 'node:crypto';
import { contentsDiffer } from '../../backups/contents.ts';
import type { DumpContents } from '../../engines/contents.ts';
import type { ArchiveBlocks, EndProof } from '../../engines/engine.ts';
import { type AppError, isAppError } from '../../errors.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { newArchiveBlocks } from '../../transfer/node/archive-blocks.ts';
import {
  decompressed,
  differenceOf,
  hashed,
  type SeenBytes,
  storedBytes,
} from '../../transfer/node/stored-bytes.ts';

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
  /** Hex SHA-256 of the dump in them, and what it holds; null where it is not known yet. */
  readonly dumpSha256: string | null;
  readonly contents: DumpContents | null;
  readonly newEndProof: (blocks: ArchiveBlocks) => EndProof;
}

export interface FullRead {
  /** What is wrong with the stored bytes, a sentence for the admin; null: nothing. */
  readonly damage: string | null;
  /** Bytes of the dump that came out of them. */
  readonly dumpBytes: number;
  /** Hex SHA-256 of the dump, and what it holds; null where it was not read to its end, or is not told. */
  readonly dumpSha256: string | null;
  readonly contents: DumpContents | null;
}

/**
 * Reads a stored dump from its first byte to its last: hashes what is stored, decompresses it, and follows the dump to its
 * proven end, the rows in it counted and compared with what is known, and each compressed block of an archive inflated, in constant memory. Throws what the store throws, where nothing was found out: an object that is not there is
 * damage, a storage that does not answer is not.
 */
export async function readInFull(
  store: Pick<ObjectStore, 'get'>,
  stored: StoredDump,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (bytes: number) => void },
): Promise<FullRead> {
  const seen: Seen = { bytes: 0, sha256: null, dumpBytes: 0, dumpSha256: null, contents: null };
  const bytes = hashed(storedBytes(store, stored, signal), seen, onProgress);
  let damage: string | null = null;
  try {
    damage = await follow(lent(bytes), stored, seen, signal);
    // What the dump's end, or its damage, left unread belongs to the object too.
    for (let rest = await bytes.next(); !rest.done; rest = await bytes.next());
  } catch (error) {
    signal.throwIfAborted();
    if (!isDamage(error)) throw error;
    return found(seen, error.message);
  } finally {
    await bytes.return(undefined);
  }
  // The stored bytes say more than what became of the dump in them.
  return found(seen, differenceOf(stored, seen) ?? damage);
}

function found({ dumpBytes, dumpSha256, contents }: Seen, damage: string | null): FullRead {
  return { damage, dumpBytes, dumpSha256, contents };
}

/** A proxy in between answers 404 too, where the storage behind it is away: only the storage's own word counts. */
function isDamage(error: unknown): error is AppError {
  if (isAppError(error, 'storage_mismatch')) return true;
  if (!isAppError(error, 'storage_missing')) return false;
  const { status, s3Code } = error.details;
  return status !== 404 || s3Code === 'NoSuchKey' || s3Code === 'NoSuchVersion';
}

interface Seen extends SeenBytes {
  dumpBytes: number;
  dumpSha256: string | null;
  contents: DumpContents | null;
}

/** Gives what is wrong with the dump; throws what the source throws. */
async function follow(
  source: AsyncIterable<Uint8Array>,
  stored: StoredDump,
  seen: Seen,
  signal: AbortSignal,
): Promise<string | null> {
  const { compression } = stored;
  const blocks = newArchiveBlocks();
  const proof = stored.newEndProof(blocks);
  const hash = createHash('sha256');
  let sourceError: unknown;
  const watched = watch(source, (error) => {
    sourceError = error;
  });
  try {
    for await (const chunk of decompressed(watched, compression, signal)) {
      seen.dumpBytes += chunk.byteLength;
      hash.update(chunk);
      proof.observe(chunk);
      await blocks.settle();
    }
    proof.finish();
    seen.dumpSha256 = hash.digest('hex');
    seen.contents = proof.contents?.() ?? null;
    return dumpDiffers(stored, seen);
  } catch (error) {
    signal.throwIfAborted();
    if (sourceError !== undefined) throw sourceError;
    if (isAppError(error)) return `What is stored is not a whole dump: ${error.message}`;
    const said = error instanceof Error ? error.message : String(error);
    return `What is stored can't be decompressed (${compression}): ${said}, after ${seen.dumpBytes} bytes of the dump.`;
  } finally {
    blocks.close();
  }
}

/**
 * The counts say more to a person than the hash of the bytes that they come from. Of a dump that was read in full before, and is the same
 * byte by byte, other counts say that an earlier version counted wrong.
 */
function dumpDiffers(stored: StoredDump, { dumpSha256, contents }: Seen): string | null {
  if (stored.dumpSha256 !== null && stored.dumpSha256 === dumpSha256) return null;
  const differ = contentsDiffer(stored.contents, contents);
  if (differ !== null) return `What is stored is not the dump that was made: ${differ}`;
  if (stored.dumpSha256 === null || stored.dumpSha256 === dumpSha256) return null;
  return `What is stored is not the dump that was made: its SHA-256 is ${dumpSha256} instead of ${stored.dumpSha256}.`;
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
