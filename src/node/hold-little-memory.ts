import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A larger heap is collected: uploads need the room that the start, or pages, have let it take. */
const SMALL_HEAP_BYTES = 26 * 1024 * 1024;

/**
 * For the part memory to call: while parts are held, V8 collects and compacts the heap before it grows, as `--optimize-for-size` has
 * it do. Said at the start of the process, that would also hold the space for young objects at 1 MiB, whatever
 * `--max-semi-space-size` says: what a page leaves behind would be collected four times in place of once, and moved among the old
 * objects meanwhile. When no parts are held any more, their shared buffers leave the process only by being collected, and an idle
 * process has no reason of its own to collect.
 */
export function holdLittleMemory(isWanted: boolean): void {
  setFlagsFromString(isWanted ? '--optimize-for-size' : '--no-optimize-for-size');
  if (!isWanted || getHeapStatistics().total_heap_size > SMALL_HEAP_BYTES) collect();
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  if (typeof found === 'function') found();
}
