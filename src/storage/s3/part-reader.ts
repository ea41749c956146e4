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

  async function hasMore(signal: AbortSignal): Promise<boolean> {
    while (rest.byteLength === 0 && !ended) {
      reading = true;
      const next = await unlessAborted(source.next(), signal);
      reading = false;
      if (next.done) ended = true;
      else rest = next.value;
    }
    return rest.byteLength > 0;
  }

  return {
    hasMore,
    async fill(buffer, signal) {
      let filled = 0;
      while (filled < buffer.byteLength && (await hasMore(signal))) {
        const taken = rest.subarray(0, buffer.byteLength - filled);
        buffer.set(taken, filled);
        filled += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
      }
      return filled;
    },
    async close() {
      if (ended) return;
      const returned = Promise.resolve(source.return?.()).catch(() => {
        // The body's own failure was thrown by its read already; this is its clean-up.
      });
      if (!reading) await returned;
    },
  };
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelledError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
