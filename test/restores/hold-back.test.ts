import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdBack } from '../../src/restores/hold-back.ts';

/** In one memory that is used again for each chunk, as what comes from a host does. */
async function* chunks(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(bytes.length);
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    const chunk = bytes.subarray(at, at + length);
    if (chunk.length === 0) continue;
    memory.set(chunk);
    yield memory.subarray(0, chunk.length);
    memory.fill(0xee);
    at += chunk.length;
  }
}

async function collected(source: AsyncIterable<Uint8Array>, into: number[] = []): Promise<number[]> {
  for await (const chunk of source) into.push(...chunk);
  return into;
}

const held = fc.integer({ min: 1, max: 20 });
const lengths = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 8 });

it('gives every byte once, in order, and the last ones with what the proof adds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), lengths, held, async (bytes, cuts, kept) => {
      const added = new Uint8Array([1, 2, 3]);
      expect(await collected(holdBack(chunks(bytes, cuts), () => added, kept))).toEqual([...bytes, ...added]);
    }),
  );
});

it('never gives the last ones where the proof fails, nor where the source does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), lengths, held, async (bytes, cuts, kept) => {
      const given: number[] = [];
      const refuse = () => {
        throw new Error('not whole');
      };
      await expect(collected(holdBack(chunks(bytes, cuts), refuse, kept), given)).rejects.toThrow(
        'not whole',
      );
      expect(given).toEqual([...bytes.subarray(0, Math.max(0, bytes.length - kept))]);
      const broken: number[] = [];
      async function* failing() {
        yield* chunks(bytes, cuts);
        throw new Error('broken');
      }
      const never = () => expect.unreachable();
      await expect(collected(holdBack(failing(), never, kept), broken)).rejects.toThrow('broken');
      expect(broken).toEqual(given);
    }),
  );
});
