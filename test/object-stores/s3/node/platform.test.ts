import { createHash, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createPartMemory } from '../../../../src/object-stores/part-memory.ts';
import { createNodePlatform } from '../../../../src/object-stores/s3/node/platform.ts';

const MIB = 2 ** 20;

describe('hashing', () => {
  const quiet = () => {};
  const platform = createNodePlatform({
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    now: () => new Date(),
    partMemory: createPartMemory(16 * MIB),
    publicEndpoint: null,
  });
  afterAll(() => platform.close());

  it.each([0, 1, 300_000, MIB / 2, MIB, 5 * MIB + 7])(
    'gives the SHA-256 of %i bytes in the middle of others',
    async (size) => {
      const part = new Uint8Array(randomBytes(size + 10)).subarray(5, 5 + size);
      expect(await platform.sha256(part)).toBe(createHash('sha256').update(part).digest('hex'));
    },
  );

  it('lets others have their turn while it hashes a large part', async () => {
    let hasEnded = false;
    const hashed = platform.sha256(new Uint8Array(8 * MIB)).then(() => {
      hasEnded = true;
    });
    await new Promise((done) => setImmediate(done));
    expect(hasEnded).toBe(false);
    await hashed;
  });
});
