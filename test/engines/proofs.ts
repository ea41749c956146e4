import type { EndProof } from '../../src/engines/engine.ts';
import { isAppError } from '../../src/errors.ts';

/** True when the proof accepts these bytes, false when it refuses them as incomplete; other errors are thrown. */
export function isWhole(newProof: () => EndProof, chunks: readonly Uint8Array[]): boolean {
  const proof = newProof();
  try {
    for (const chunk of chunks) proof.observe(chunk);
    proof.finish();
    return true;
  } catch (error) {
    if (isAppError(error, 'dump_incomplete')) return false;
    throw error;
  }
}

/** The bytes cut at the given places (0 to 1 of the length), in order. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const cuts = [
    0,
    ...places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

/** The ends at which a stream that stopped there would be taken for whole; each is asked of the same proof as it goes by. */
export function wholeAt(
  newProof: () => EndProof,
  bytes: Uint8Array,
  ends: Iterable<number>,
): readonly number[] {
  const proof = newProof();
  let seen = 0;
  return [...ends]
    .sort((a, b) => a - b)
    .filter((end) => {
      proof.observe(bytes.subarray(seen, end));
      seen = end;
      return isWhole(() => ({ observe: () => {}, finish: () => proof.finish() }), []);
    });
}
