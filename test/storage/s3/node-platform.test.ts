import { createHash, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createHasher } from '../../../src/storage/s3/hash-worker.ts';

const MIB = 2 ** 20;

describe('hashing', () => {
  const hasher = createHasher();
  afterAll(() => hasher.close());

  it.each([0, 1, 300_000, 5 * MIB])(
    'gives the SHA-256 of %i shared bytes, and of a part of them',
    async (size) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(size + 10));
      bytes.set(randomBytes(size + 10));
      const part = bytes.subarray(5, 5 + size);
      expect(await hasher.sha256(part)).toBe(createHash('sha256').update(part).digest('hex'));
    },
  );

  it('keeps the answers of many questions apart', async () => {
    const parts = Array.from({ length: 8 }, () => {
      const bytes = new Uint8Array(new SharedArrayBuffer(MIB));
      bytes.set(randomBytes(1000));
      return bytes;
    });
    const hashes = await Promise.all(parts.map((part) => hasher.sha256(part)));
    expect(hashes).toEqual(parts.map((part) => createHash('sha256').update(part).digest('hex')));
  });

  it('goes on after its thread was ended', async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(MIB));
    await hasher.sha256(bytes);
    await hasher.close();
    expect(await hasher.sha256(bytes)).toHaveLength(64);
  });
});
