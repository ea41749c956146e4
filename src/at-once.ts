/** Lets a limited number of holders in at once. */
export interface Slots {
  /** How many wait for their turn. */
  readonly waiting: number;
  /** Waits for a free slot and gives the function that frees it again. Throws the signal's reason when it aborts first. */
  take(signal?: AbortSignal): Promise<() => void>;
}

/** That many at once, the others in the order of their coming. */
export function createSlots(limit: number): Slots {
  let free = limit;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    get waiting() {
      return waiting.length;
    },
    async take(signal) {
      signal?.throwIfAborted();
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

/** Does it with each item, that many at once, and gives the results in the order of the items. The first failure is thrown. */
export async function eachAtOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  action: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const slots = createSlots(limit);
  const failed = new AbortController();
  return Promise.all(
    items.map(async (item) => {
      const release = await slots.take(failed.signal);
      try {
        return await action(item);
      } catch (error) {
        // Nobody waits for the others any more.
        failed.abort(error);
        throw error;
      } finally {
        release();
      }
    }),
  );
}

function turn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const enter = () => {
      signal?.removeEventListener('abort', leave);
      done();
    };
    const leave = () => {
      const index = waiting.indexOf(enter);
      if (index >= 0) waiting.splice(index, 1);
      fail(signal?.reason);
    };
    waiting.push(enter);
    signal?.addEventListener('abort', leave, { once: true });
  });
}
