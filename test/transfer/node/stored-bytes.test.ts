import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { GetOptions, ObjectStore } from '../../../src/object-stores/object-store.ts';
import { storedBytes } from '../../../src/transfer/node/stored-bytes.ts';

const BYTES = Buffer.from('the first half, and the second half');
const HALF = 15;

/** Gives half of it and breaks; asked again, the rest, if its tag is that of `now`. */
function breaking({ before, now }: { readonly before: string | null; readonly now: string | null }) {
  const asked: GetOptions[] = [];
  const get: ObjectStore['get'] = async (_, options = {}) => {
    asked.push(options);
    const { range, ifMatch } = options;
    const etag = range === undefined ? before : now;
    if (ifMatch && ifMatch !== etag) throw new AppError('storage_mismatch', 'The object changed.');
    async function* read() {
      yield BYTES.subarray(range?.start ?? 0, range === undefined ? HALF : BYTES.length);
      if (range === undefined) throw new AppError('storage_unreachable', 'The connection broke.');
    }
    const bytes = BYTES.length - (range?.start ?? 0);
    return { totalBytes: BYTES.length, bytes, etag, [Symbol.asyncIterator]: read };
  };
  return { asked, get };
}

async function read(store: Pick<ObjectStore, 'get'>): Promise<string> {
  const chunks: Uint8Array[] = [];
  const signal = new AbortController().signal;
  for await (const chunk of storedBytes(store, { key: 'a ü + 😀', versionId: null }, signal))
    chunks.push(chunk.slice());
  return Buffer.concat(chunks).toString();
}

describe('a stored object whose connection broke', () => {
  it.each([['"a tag"'], [null]])('is read on where that was, by its tag %s', async (tag) => {
    const { asked, get } = breaking({ before: tag, now: tag });
    expect(await read({ get })).toBe(BYTES.toString());
    expect(asked.map(({ range, ifMatch }) => ({ range, ifMatch }))).toEqual([
      { range: undefined, ifMatch: undefined },
      { range: { start: HALF, end: BYTES.length - 1 }, ifMatch: tag },
    ]);
  });

  it('is not read on when another one of the same size lies there', async () => {
    const { get } = breaking({ before: '"one"', now: '"another"' });
    await expect(read({ get })).rejects.toMatchObject({ code: 'storage_mismatch' });
  });
});
