import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Compression } from '../engines/engine.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of `source`, compressed at the reader's pace. The work is done in libuv's thread pool, off the main
 * thread, a chunk at a time, so that small ones cost a turn of the pool each. An error of the source is thrown at its place; leaving the iteration early, or the signal, ends the source.
 */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal.throwIfAborted();
  if (compression.type === 'none') {
    for await (const chunk of source) {
      signal.throwIfAborted();
      yield chunk;
    }
    return;
  }
  yield* through(source, compressor(compression), signal);
}

function compressor(compression: Exclude<Compression, { type: 'none' }>): Transform {
  if (compression.type === 'gzip') return createGzip({ level: compression.level, chunkSize: CHUNK_BYTES });
  return createZstdCompress({
    chunkSize: CHUNK_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: compression.level,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const fed = feed(source, transform, signal);
  try {
    for await (const chunk of transform) yield chunk;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    transform.destroy();
    await fed;
  }
}

/** Writes the source and ends the transform, or destroys it with what the source throws; never rejects. */
async function feed(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  signal: AbortSignal,
): Promise<void> {
  const abort = () => transform.destroy(asError(signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of source) {
      if (transform.destroyed) return;
      await write(transform, chunk);
      if (transform.destroyed) return;
    }
    transform.end();
  } catch (error) {
    transform.destroy(asError(error));
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits until the transform has taken all of it, or is closed: then it may never call back. */
function write(transform: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      transform.off('close', over);
      done();
    };
    transform.once('close', over);
    transform.write(chunk, over);
  });
}

/** A stream is destroyed with an error, or else with none at all. */
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
}
