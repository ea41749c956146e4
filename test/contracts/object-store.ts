import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { ObjectStore, PutOptions } from '../../src/object-stores/object-store.ts';

export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  /** A fresh key of that store, for a file of that name. */
  key(name: string): string;
  /** Everything unfinished that the store still holds for the key: uploads or temporary files. Must be none. */
  unfinished(key: string): Promise<readonly string[]>;
  /** Whether the store keeps the run's token with an object; some keep it with objects of one part only. */
  readonly keepsToken: boolean | 'in one part';
  /** Size that is stored in several parts; the default is 33 MiB and some. */
  readonly largeBytes?: number;
  close(): Promise<void>;
}

const MIB = 2 ** 20;

/** What every `ObjectStore` does: the whole object appears or nothing does, and it comes back byte for byte. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStoreFixture>): void {
  describe(`${name} as an object store`, () => {
    let fixture: ObjectStoreFixture;
    let store: ObjectStore;
    let largeBytes = 0;

    beforeAll(async () => {
      fixture = await open();
      store = fixture.store;
      largeBytes = fixture.largeBytes ?? 33 * MIB + 12_345;
    });
    afterAll(async () => {
      await fixture?.close();
    });

    for (const [size, bytes] of [
      ['an empty object', () => 0],
      ['one byte', () => 1],
      ['a small object', () => 100_003],
      ['an object of several parts', () => largeBytes],
    ] as const) {
      it(`gives ${size} back as it was stored`, async () => {
        const key = fixture.key('object.bin');
        const content = randomBytes(bytes());
        const stored = await store.put(key, chunked(content), options({ token: 'token-a' }));
        expect(stored.bytes).toBe(content.byteLength);
        const head = await store.head(key);
        expect(head).toMatchObject({
          bytes: content.byteLength,
          token: keepsToken(content.byteLength) ? 'token-a' : null,
        });
        const body = await store.get(key);
        expect([body.bytes, body.totalBytes]).toEqual([content.byteLength, content.byteLength]);
        expect(content.equals(await collect(body))).toBe(true);
        await store.remove(key);
      });
    }

    it('gives an inclusive range of the bytes', async () => {
      const key = fixture.key('range.bin');
      const content = randomBytes(10_000);
      await store.put(key, chunked(content), options());
      const first = await store.get(key, { range: { start: 0, end: 0 } });
      expect([first.bytes, first.totalBytes]).toEqual([1, 10_000]);
      expect(await collect(first)).toEqual(content.subarray(0, 1));
      const last = await store.get(key, { range: { start: 9_990, end: 9_999 } });
      expect(await collect(last)).toEqual(content.subarray(9_990));
      await store.remove(key);
    });

    it('gives no more of an object when another one lies there', async () => {
      const key = fixture.key('changed.bin');
      const range = { start: 5, end: 9 };
      await store.put(key, chunked(Buffer.from('first one.')), options());
      const first = await store.get(key, { range });
      await collect(first);
      const { etag = null } = first;
      expect(etag === null).toBe(fixture.keepsToken === false);
      expect((await collect(await store.get(key, { range, ifMatch: etag }))).toString()).toBe(' one.');
      await store.remove(key);
      await store.put(key, chunked(Buffer.from('secondone.')), options());
      if (etag !== null) {
        const code = 'storage_mismatch';
        await expect(store.get(key, { range, ifMatch: etag })).rejects.toMatchObject({ code });
      }
      await store.remove(key);
    });

    it('tells its caller each step: the upload, the progress, and the bytes before the object appears', async () => {
      const key = fixture.key('steps.bin');
      const content = randomBytes(largeBytes);
      const seen: string[] = [];
      let accepted = 0;
      await store.put(
        key,
        chunked(content),
        options({
          onUploadCreated: async (uploadId) => {
            expect(await store.uploadExists(key, uploadId)).toBe(true);
            seen.push('created');
          },
          onProgress: (bytes) => {
            expect(bytes).toBeGreaterThanOrEqual(accepted);
            accepted = bytes;
          },
          beforeSeal: async ({ bytes }) => {
            expect(await store.head(key)).toBeNull();
            seen.push(`seal ${bytes}`);
          },
        }),
      );
      expect(seen).toEqual(['created', `seal ${largeBytes}`]);
      expect(accepted).toBe(largeBytes);
      await store.remove(key);
    });

    it('refuses a key that is taken and leaves its object as it was', async () => {
      const key = fixture.key('taken.bin');
      await store.put(key, chunked(Buffer.from('first')), options());
      await expect(store.put(key, chunked(Buffer.from('second')), options())).rejects.toMatchObject({
        code: 'storage_exists',
      });
      expect((await collect(await store.get(key))).toString()).toBe('first');
      await store.remove(key);
    });

    for (const [when, at] of [
      ['at once', () => 0],
      ['within the first part', () => 70_000],
      ['in a later part', () => largeBytes - 100],
      ['after its last byte', () => largeBytes],
    ] as const) {
      it(`leaves nothing of a body that fails ${when}, and throws its error`, async () => {
        const key = fixture.key('failing.bin');
        const broken = new AppError('dump_failed', 'the dump broke');
        const put = store.put(key, failing(randomBytes(at()), broken), options());
        await expect(put).rejects.toBe(broken);
        await expectNothing(key);
      });
    }

    it('leaves nothing of a run that is cancelled while its body flows', async () => {
      const key = fixture.key('cancelled.bin');
      const cancel = new AbortController();
      const content = randomBytes(largeBytes);
      async function* body() {
        yield* chunked(content.subarray(0, largeBytes - 1000));
        cancel.abort(new AppError('cancelled', 'cancelled by the test'));
        yield content.subarray(largeBytes - 1000);
      }
      await expect(store.put(key, body(), options({ signal: cancel.signal }))).rejects.toMatchObject({
        code: 'cancelled',
      });
      await expectNothing(key);
    });

    it('leaves nothing of a run that is cancelled while its body hangs', async () => {
      const key = fixture.key('hanging.bin');
      const cancel = new AbortController();
      async function* body() {
        yield* chunked(randomBytes(largeBytes - 1000));
        cancel.abort(new AppError('cancelled', 'cancelled by the test'));
        await new Promise(() => {});
      }
      await expect(store.put(key, body(), options({ signal: cancel.signal }))).rejects.toMatchObject({
        code: 'cancelled',
      });
      await expectNothing(key);
    });

    it('leaves nothing when the caller refuses at the last step', async () => {
      const key = fixture.key('unsealed.bin');
      const refusal = new AppError('dump_incomplete', 'no end proof');
      for (const size of [1000, largeBytes]) {
        const put = store.put(
          key,
          chunked(randomBytes(size)),
          options({
            beforeSeal: async () => {
              throw refusal;
            },
          }),
        );
        await expect(put).rejects.toBe(refusal);
        await expectNothing(key);
      }
    });

    it('knows nothing of an object that was never stored', async () => {
      const key = fixture.key('absent.bin');
      expect(await store.head(key)).toBeNull();
      await expect(store.get(key)).rejects.toMatchObject({ code: 'storage_missing' });
      await store.remove(key);
    });

    it('keeps objects of several runs apart that are written at the same time', async () => {
      const contents = [1, 2, 3, 4].map(() => randomBytes(Math.floor(largeBytes / 2) + 7));
      const keys = contents.map((_, index) => fixture.key(`parallel-${index}.bin`));
      await Promise.all(
        contents.map((content, index) => store.put(keys[index] ?? '', chunked(content), options())),
      );
      for (const [index, content] of contents.entries()) {
        expect(content.equals(await collect(await store.get(keys[index] ?? '')))).toBe(true);
        await store.remove(keys[index] ?? '');
      }
    });

    function keepsToken(bytes: number): boolean {
      return fixture.keepsToken === 'in one part' ? bytes < largeBytes : fixture.keepsToken;
    }

    async function expectNothing(key: string): Promise<void> {
      expect(await store.head(key)).toBeNull();
      expect(await fixture.unfinished(key)).toEqual([]);
    }
  });
}

export function options(overrides: Partial<PutOptions> = {}): PutOptions {
  return {
    signal: new AbortController().signal,
    token: 'token',
    contentType: 'application/octet-stream',
    fileName: 'object.bin',
    ...overrides,
  };
}

/** The bytes in chunks of uneven sizes, as a pipe gives them. */
export async function* chunked(content: Uint8Array): AsyncGenerator<Uint8Array> {
  const sizes = [65_536, 1, 32_768, 100_001];
  for (let at = 0, turn = 0; at < content.byteLength; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield content.subarray(at, at + size);
    at += size;
  }
}

async function* failing(content: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* chunked(content);
  throw error;
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
