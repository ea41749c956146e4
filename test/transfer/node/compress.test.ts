import { randomBytes } from 'node:crypto';
import { crc32, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Compression } from '../../../src/engines/engine.ts';
import { compress } from '../../../src/transfer/node/compress.ts';

const never = new AbortController().signal;
const all: readonly Compression[] = [
  { type: 'none' },
  { type: 'gzip', level: 1 },
  { type: 'gzip', level: 9 },
  { type: 'zstd', level: 1 },
  { type: 'zstd', level: 9 },
];

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function decompress(bytes: Buffer, { type }: Compression): Buffer {
  return type === 'gzip' ? gunzipSync(bytes) : type === 'zstd' ? zstdDecompressSync(bytes) : bytes;
}

/** Hands out chunks of noise (no compression has room for it) for ever and records what became of it. */
function endless(bytes: number): {
  source: AsyncGenerator<Uint8Array>;
  seen: { chunks: number; ended: boolean };
} {
  const seen = { chunks: 0, ended: false };
  const source = (async function* () {
    try {
      for (;;) {
        seen.chunks += 1;
        yield randomBytes(bytes);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      seen.ended = true;
    }
  })();
  return { source, seen };
}

describe.each(all)('compression %j', (compression) => {
  it('gives the bytes back in any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), async (chunks) => {
        const source = (async function* () {
          yield* chunks;
        })();
        const stored = await collect(compress(source, compression, never));
        expect(decompress(stored, compression).equals(Buffer.concat(chunks))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('throws the source’s error in its place', async () => {
    const failure = new Error('the dump broke');
    const source = (async function* () {
      yield randomBytes(100_000);
      throw failure;
    })();
    await expect(collect(compress(source, compression, never))).rejects.toBe(failure);
  });

  it('throws the error of a source that fails after its last byte', async () => {
    const failure = new Error('exit status 1');
    const source = (async function* () {
      yield Buffer.from('all of it');
      await new Promise((resolve) => setImmediate(resolve));
      throw failure;
    })();
    await expect(collect(compress(source, compression, never))).rejects.toBe(failure);
  });

  it('can be left while its source says nothing', async () => {
    const source = (async function* () {
      yield randomBytes(1_000_000);
      await new Promise(() => {});
    })();
    const stream = compress(source, compression, never);
    expect((await stream.next()).done).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await stream.return();
  });

  it('ends the source when its reader leaves early', async () => {
    const { source, seen } = endless(64 * 1024);
    for await (const part of compress(source, compression, never)) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    expect(seen.ended).toBe(true);
  });

  it('reads no more than it needs while its reader waits', async () => {
    const { source, seen } = endless(64 * 1024);
    const reader = compress(source, compression, never);
    await reader.next();
    // Turns of the event loop and of zlib's threads: enough for a reader without back-pressure to run away.
    for (let turn = 0; turn < 2000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.chunks).toBeLessThan(64);
    await reader.return();
    expect(seen.ended).toBe(true);
  });

  it('throws the signal’s reason, and ends the source', async () => {
    const { source, seen } = endless(64 * 1024);
    const controller = new AbortController();
    const reason = new Error('cancelled by a person');
    const reading = collect(compress(source, compression, controller.signal));
    setImmediate(() => controller.abort(reason));
    await expect(reading).rejects.toBe(reason);
    expect(seen.ended).toBe(true);
  });

  it('does not start when the signal is already aborted', async () => {
    const { source, seen } = endless(10);
    const reason = new Error('too late');
    await expect(collect(compress(source, compression, AbortSignal.abort(reason)))).rejects.toBe(reason);
    expect(seen.chunks).toBe(0);
  });
});

describe('zstd', () => {
  it('carries a checksum, so that a damaged object can not be taken for a whole one', async () => {
    const source = (async function* () {
      yield Buffer.from('x'.repeat(100_000));
    })();
    const stored = await collect(compress(source, { type: 'zstd', level: 3 }, never));
    // RFC 8878, 3.1.1.1.1: bit 2 of the frame header descriptor, after the magic number.
    expect((stored[4] ?? 0) & 0b100).toBe(0b100);
  });
});

describe('gzip', () => {
  it('ends with the checksum and the length of what went in', async () => {
    const bytes = randomBytes(300_000);
    const source = (async function* () {
      yield bytes;
    })();
    const stored = await collect(compress(source, { type: 'gzip', level: 6 }, never));
    expect([stored.readUInt32LE(stored.length - 8), stored.readUInt32LE(stored.length - 4)]).toEqual([
      crc32(bytes),
      bytes.length,
    ]);
  });
});
