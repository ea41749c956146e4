/** More than any program reads at once before it acts: what is kept back of a dump until it is proven whole. */
export const HELD_BYTES = 64 * 1024;

/**
 * The same bytes, of which the last `held` are given only after `prove` has not thrown: what `prove` throws comes out instead of them.
 * `prove` may add bytes behind them. A chunk is valid until the next one is asked for.
 */
export async function* holdBack(
  source: AsyncIterable<Uint8Array>,
  prove: () => Uint8Array,
  held = HELD_BYTES,
): AsyncGenerator<Uint8Array, void, undefined> {
  let kept: Uint8Array = new Uint8Array(0);
  for await (const chunk of source) {
    if (chunk.byteLength >= held) {
      if (kept.byteLength > 0) yield kept;
      const free = chunk.byteLength - held;
      // A copy first: the chunk's memory may be used again once the next one is asked for.
      kept = new Uint8Array(chunk.subarray(free));
      if (free > 0) yield chunk.subarray(0, free);
      continue;
    }
    const both = joined(kept, chunk);
    const free = Math.max(0, both.byteLength - held);
    kept = both.subarray(free);
    if (free > 0) yield both.subarray(0, free);
  }
  const added = prove();
  const last = joined(kept, added);
  if (last.byteLength > 0) yield last;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
