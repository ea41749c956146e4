import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8 begins a full collection some 30 MiB after the last one; what a young one has found is freed only a turn later. */
const EVERY_BYTES = 3 * 2 ** 20;

let passedBytes = 0;
let collect: ((options: { readonly type: 'minor' }) => void) | undefined;

/**
 * Counts the bytes of chunks that pass through this process, and collects its young garbage after every few MiB. A
 * chunk's bytes lie outside V8's heap and die young, but V8 answers their growth with collections of the whole heap,
 * 90 and more for each GiB: a third of a backup's CPU time (measured). A young collection takes a millisecond or two
 * and frees them as well.
 */
export function countPassedBytes(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < EVERY_BYTES) return;
  passedBytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** V8's own function, which it shows to contexts that are made after the flag. */
function collector(): (options: { readonly type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? (options) => void found(options) : () => {};
}
