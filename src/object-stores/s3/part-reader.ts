import { cancelledError } from './errors.ts';

/** Cuts a body of any chunks into parts. */
export interface PartReader {
  /** Fills the buffer from the body; fewer bytes than its size only when the body has ended. Throws what the body throws. */
  fill(buffer: Uint8Array, signal: AbortSignal): Promise<number>;
  /** False when the body has ended. */
  hasMore(signal: AbortSignal): Promise<boolean>;
  /** Tells the body that nobody reads on; without waiting for a read that hangs. */
  close(): Promise<void>;
}

export function readParts(body: AsyncIterable<Uint8Array>): PartReader {
  const source = body[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  let ended = false;
  let reading = false;

  /** Makes sure of a rest, unless the body has ended. */
  async function read(patience: Patience): Promise<boolean> {
    while (rest.byteLength === 0 && !ended) {
      reading = true;
      const next = await patience.wait(source.next());
      reading = false;
      if (next.done) ended = true;
      else rest = next.value;
    }
    return rest.byteLength > 0;
  }

  return {
    hasMore: (signal) => withPatience(signal, read),
    fill: (buffer, signal) =>
      withPatience(signal, async (patience) => {
        let filled = 0;
        while (filled < buffer.byteLength && (await read(patience))) {
          const taken = rest.subarray(0, buffer.byteLength - filled);
          buffer.set(taken, filled);
          filled += taken.byteLength;
          rest = rest.subarray(taken.byteLength);
        }
        return filled;
      }),
    async close() {
      if (ended) return;
      const returned = Promise.resolve(source.return?.()).catch(() => {
        // The body's own failure was thrown by its read already; this is its clean-up.
      });
      if (!reading) await returned;
    },
  };
}

interface Patience {
  /** The promise's outcome, or the end of patience. */
  wait<T>(promise: Promise<T>): Promise<T>;
}

/** Patience until the signal aborts. One listener for many waits: to add and remove it costs more than a chunk. */
async function withPatience<T>(signal: AbortSignal, use: (patience: Patience) => Promise<T>): Promise<T> {
  let giveUp = () => {};
  const onAbort = () => giveUp();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await use({
      wait: (promise) =>
        new Promise((resolve, reject) => {
          giveUp = () => reject(cancelledError(signal));
          if (signal.aborted) giveUp();
          promise.then(resolve, reject);
        }),
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
