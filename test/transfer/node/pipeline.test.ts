import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { EndProof } from '../../../src/engines/engine.ts';
import { AppError } from '../../../src/errors.ts';
import { openPipeline } from '../../../src/transfer/node/pipeline.ts';

const noProof = (): EndProof => ({ observe: () => {}, finish: () => {} });
const signal = new AbortController().signal;

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of stream) all.push(chunk);
  return Buffer.concat(all);
}

test('what comes out is what the record says of it: bytes, ends and hash', async () => {
  const plan = { newEndProof: noProof, compression: { type: 'gzip', level: 6 } } as const;
  const { stream, record } = openPipeline(chunks('hello ', 'world'), plan, signal);
  const out = await collect(stream);
  expect(gunzipSync(out).toString()).toBe('hello world');
  expect(record).toMatchObject({
    bytesRead: 11,
    bytesOut: out.length,
    firstByte: out[0],
    lastByte: out.at(-1),
    sha256: createHash('sha256').update(out).digest('hex'),
    sourceError: undefined,
  });
});

test('a source that fails after its last byte fails the stream, and no hash is given', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* chunks('all of it');
    throw new AppError('host_command', 'exit status 1');
  }
  const plan = { newEndProof: noProof, compression: { type: 'none' } } as const;
  const { stream, record } = openPipeline(failing(), plan, signal);
  await expect(collect(stream)).rejects.toMatchObject({ code: 'host_command' });
  expect(record.sha256).toBeNull();
  expect(record.sourceError).toMatchObject({ code: 'host_command' });
});

test('a dump without its end proof fails the stream', async () => {
  const newEndProof = (): EndProof => ({
    observe: () => {},
    finish: () => {
      throw new AppError('dump_incomplete', 'cut short');
    },
  });
  const { stream, record } = openPipeline(
    chunks('half'),
    { newEndProof, compression: { type: 'zstd', level: 3 } },
    signal,
  );
  await expect(collect(stream)).rejects.toMatchObject({ code: 'dump_incomplete' });
  expect(record.sourceError).toMatchObject({ code: 'dump_incomplete' });
});

test('the source is read only as far as the reader asks', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      given += 1;
      yield new Uint8Array(65_536);
    }
  }
  const { stream } = openPipeline(endless(), { newEndProof: noProof, compression: { type: 'none' } }, signal);
  for await (const _ of stream) if (given >= 3) break;
  expect(given).toBe(3);
});
