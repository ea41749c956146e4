import type { PartBuffer, PartMemory } from './s3/platform.ts';

interface Waiter {
  readonly bytes: number;
  readonly grant: (buffer: PartBuffer) => void;
}

/** How long unused buffers are kept for the next part before their memory is given back. */
const KEEP_MS = 5_000;

/**
 * The budget of all uploads' parts in this process, `totalBytes` at most. Requests are served in the order of asking,
 * so that a large part is not overtaken for ever by small ones. Buffers are used again, and given back when nobody
 * has held one for a while. `onUse` is told that a first one is made, and that they are given back, which lets the platform
 * collect them.
 *
 * It can't deadlock as long as a holder of a filled buffer sends it without asking for another first.
 */
export function createPartMemory(
  totalBytes: number,
  onUse: (isUsed: boolean) => void = () => {},
): PartMemory {
  const waiting: Waiter[] = [];
  let spare: Uint8Array[] = [];
  let heldBytes = 0;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;
  let isUsed = false;

  function take(bytes: number): Uint8Array {
    const found = spare.findIndex((buffer) => buffer.byteLength === bytes);
    const reused = found === -1 ? undefined : spare.splice(found, 1)[0];
    if (reused) return reused;
    // Held and spare buffers together stay within the budget.
    while (spare.length > 0 && heldBytes + sum(spare) + bytes > totalBytes) spare.shift();
    return new Uint8Array(bytes);
  }

  function grant(bytes: number): PartBuffer {
    clearTimeout(idleTimer);
    if (!isUsed) {
      isUsed = true;
      onUse(true);
    }
    const buffer = take(bytes);
    heldBytes += bytes;
    let released = false;
    return {
      bytes: buffer,
      release() {
        if (released) return;
        released = true;
        heldBytes -= bytes;
        spare.push(buffer);
        serve();
        if (heldBytes === 0) idleTimer = startIdleTimer();
      },
    };
  }

  function serve(): void {
    for (let next = waiting[0]; next && heldBytes + next.bytes <= totalBytes; next = waiting[0]) {
      waiting.shift();
      next.grant(grant(next.bytes));
    }
  }

  function startIdleTimer(): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      spare = [];
      isUsed = false;
      onUse(false);
    }, KEEP_MS);
    // Node's timers would keep the process alive; other platforms return a number.
    if (typeof timer === 'object' && 'unref' in timer) timer.unref();
    return timer;
  }

  return {
    totalBytes,
    acquire(bytes, signal) {
      if (bytes > totalBytes) {
        return Promise.reject(
          new RangeError(`a part of ${bytes} bytes exceeds the part memory of ${totalBytes}`),
        );
      }
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(signal.reason);
          serve();
        };
        const waiter: Waiter = {
          bytes,
          grant(buffer) {
            signal.removeEventListener('abort', onAbort);
            resolve(buffer);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(waiter);
        serve();
      });
    },
  };
}

function sum(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((total, buffer) => total + buffer.byteLength, 0);
}
