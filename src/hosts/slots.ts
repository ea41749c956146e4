export interface Slots {
  /** Waits for a free slot and gives the function that frees it again. Throws the signal's reason when it aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

/** Lets a limited number of holders in at once, the others in the order of their coming. */
export function createSlots(limit: number): Slots {
  let free = limit;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await turn(waiting, signal);
      let isFreed = false;
      return () => {
        if (!isFreed) release();
        isFreed = true;
      };
    },
  };
}

function turn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const enter = () => {
      signal.removeEventListener('abort', leave);
      done();
    };
    const leave = () => {
      const index = waiting.indexOf(enter);
      if (index >= 0) waiting.splice(index, 1);
      fail(signal.reason);
    };
    waiting.push(enter);
    signal.addEventListener('abort', leave, { once: true });
  });
}
