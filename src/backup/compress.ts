import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Compression } from '../engines/engine.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of `source`, compressed at the reader's pace. The work is done in libuv's thread pool, off the main
 * thread. An error of the source is thrown at its place; leaving the iteration early, or the signal, ends the source.
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
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  // The pipeline destroys every stage with the first error; iterating over the last one throws that error.
  const ended = pipeline(input, transform, { signal }).catch(() => {});
  try {
    for await (const chunk of transform) yield chunk;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    transform.destroy();
    await ended;
  }
}
