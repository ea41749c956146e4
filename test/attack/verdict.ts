/** What held and what did not, over all parts of the attack. */
export interface Verdict {
  /** Counts one assertion; what failed is printed at once, with the details that are needed to see why. */
  check(what: string, holds: boolean, details?: unknown): void;
  readonly passed: number;
  readonly failed: number;
}

const MAX_PRINTED = 40;

export function createVerdict(): Verdict {
  let passed = 0;
  let failed = 0;
  return {
    get passed() {
      return passed;
    },
    get failed() {
      return failed;
    },
    check(what, holds, details) {
      if (holds) {
        passed += 1;
        return;
      }
      failed += 1;
      if (failed <= MAX_PRINTED) console.error(`FAILED ${what}`, details ?? '');
    },
  };
}

/** Random numbers that the seed decides, in [0, 1): mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: () => number, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}
