import type { Stored } from '../../backups/stored.ts';
import type { EndProof } from '../../engines/engine.ts';
import type { RestorePlan } from '../../engines/restore.ts';
import { AppError } from '../../errors.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { newArchiveBlocks } from '../../transfer/node/archive-blocks.ts';
import {
  decompressed,
  differenceOf,
  hashed,
  type SeenBytes,
  storedBytes,
} from '../../transfer/node/stored-bytes.ts';
import { holdBack } from '../hold-back.ts';

/** How far the feeding is. */
export interface Fed extends SeenBytes {
  /** Of the dump. */
  dumpBytes: number;
  /** What is stored is what was stored, and it is a whole dump: only from then on its last bytes are sent. */
  isProven: boolean;
}

/** A dump that lies somewhere, and what is known of it. */
export interface DumpSource
  extends Pick<Stored, 'key' | 'versionId' | 'bytes' | 'sha256' | 'compression' | 'newEndProof'> {
  /**
   * Asked before the last bytes are sent, of the proof that has seen the end: throws where the dump holds other than is known of it.
   * Where it is given, compressed blocks of an archive are inflated, too, so that all in them is counted.
   */
  readonly check?: (proof: EndProof) => void;
}

/**
 * What a program of the target reads: the plan's beginning, the dump, and, once the stored bytes and the dump's end are proven, its last
 * 64 KiB with the plan's own end. Throws where anything is not as it should be, before those are given: whoever feeds a program with
 * this must then kill it, and never end its input.
 */
export async function* feedDump(
  store: Pick<ObjectStore, 'get'>,
  stored: DumpSource,
  plan: Pick<RestorePlan, 'before' | 'after' | 'newGuard'>,
  { fed, signal }: { readonly fed: Fed; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = stored.check === undefined ? undefined : newArchiveBlocks();
  const proof = stored.newEndProof(blocks);
  const guard = plan.newGuard?.(plan.before.byteLength > 0);
  const bytes = hashed(storedBytes(store, stored, signal), fed, () => {});
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of unpacked(bytes, stored.compression, signal)) {
      fed.dumpBytes += chunk.byteLength;
      proof.observe(chunk);
      await blocks?.settle();
      yield guard?.observe(chunk) ?? chunk;
    }
    // What the compressed dump's end left unread belongs to the object too.
    for (let rest = await bytes.next(); !rest.done; rest = await bytes.next());
  }
  try {
    if (guard?.first !== undefined) yield guard.first;
    if (plan.before.byteLength > 0) yield plan.before;
    yield* holdBack(watched(), () => {
      const difference = differenceOf(stored, fed);
      if (difference !== null) throw new AppError('storage_mismatch', difference);
      proof.finish();
      guard?.finish?.();
      stored.check?.(proof);
      fed.isProven = true;
      return plan.after;
    });
  } finally {
    blocks?.close();
    await bytes.return(undefined);
  }
}

/** The dump in the bytes, which stay open for who reads on. What can't be unpacked is damage, and the source's fault its own. */
async function* unpacked(
  bytes: AsyncGenerator<Uint8Array>,
  compression: string | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let sourceError: unknown;
  async function* lent(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await bytes.next(); !next.done; next = await bytes.next()) yield next.value;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  }
  try {
    yield* decompressed(lent(), compression, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (sourceError !== undefined || error instanceof AppError) throw sourceError ?? error;
    const said = error instanceof Error ? error.message : String(error);
    throw new AppError(
      'storage_mismatch',
      `What is stored can't be decompressed (${compression}): ${said}. The backup is damaged; restore another one.`,
      { cause: error },
    );
  }
}
