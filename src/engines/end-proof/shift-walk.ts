/**
 * Follows bytes through a small automaton, two at a time, with no branch whose way depends on them: what a dump costs is the same
 * whatever it holds, where a loop over quotes and brackets waits for the processor to guess each of them.
 */
export interface ShiftWalk {
  readonly table: ShiftTable;
  /** A multiple of `STEP_BITS`. */
  state: number;
  /** Steps with a `MARK` so far. */
  marks: number;
}

/** A state that comes next, or `STOP`; either may have a `MARK`. */
export type Step = number;

/** States are 0, `STEP_BITS`, and so on, at most four. */
export const STEP_BITS = 6;
export const STOP: Step = 4 * STEP_BITS;
/** Added to a step that is counted. */
export const MARK: Step = 32;
/** Of a shifted word: the next state, or `STOP`. */
export const STATE_BITS = 31;

/**
 * The automaton as words of memory. A word stands for a byte (or a pair) and holds what it does in each state, `STEP_BITS` each: a state
 * is the number of bits by which a word is shifted to have the next one in its lowest five. So a step is a look-up and a shift.
 */
export interface ShiftTable {
  readonly ofByte: Int32Array;
  /** By the first byte, plus 256 times the second. */
  readonly ofPair: Int32Array;
}

const STATES = [0, 1, 2, 3].map((index) => index * STEP_BITS);
const MARK_BIT = 5;
const GROUP_BYTES = 8;

export function newShiftTable(next: (state: number, byte: number) => Step): ShiftTable {
  const ofByte = Int32Array.from({ length: 256 }, (_, byte) => wordOf((state) => next(state, byte)));
  const ofPair = new Int32Array(256 * 256);
  // Most bytes mean the same: there are few different words.
  const words = [...new Set(ofByte)];
  const kinds = Uint8Array.from(ofByte, (word) => words.indexOf(word));
  const pairs = words.map((second) => Int32Array.from(words, (first) => wordOf(stepOfBoth(first, second))));
  for (let second = 0, at = 0; second < 256; second += 1) {
    const pair = pairs[kinds[second] ?? 0] ?? ofByte;
    for (let first = 0; first < 256; first += 1, at += 1) ofPair[at] = pair[kinds[first] ?? 0] ?? 0;
  }
  return { ofByte, ofPair };
}

function wordOf(step: (state: number) => Step): number {
  return STATES.reduce((word, state) => word | (step(state) << state), STOP << STOP);
}

/** A pair has one mark at most: that of two is a stop, and gone over byte by byte. */
function stepOfBoth(first: number, second: number): (state: number) => Step {
  return (state) => {
    const one = first >>> state;
    const other = second >>> one;
    return (one & other & MARK) !== 0 ? STOP : (other & STATE_BITS) | ((one | other) & MARK);
  };
}

/** Goes on from `from`; gives the position of the first byte that is a `STOP`, which is not gone over, or `until`. */
export function runThrough(walk: ShiftWalk, bytes: DataView, from: number, until: number): number {
  for (let at = from; ; ) {
    at = runInPairs(walk, walk.table.ofPair, bytes, at, until);
    const end = Math.min(until, at + GROUP_BYTES);
    at = runByByte(walk, walk.table.ofByte, bytes, at, end);
    if (at < end || at === until) return at;
  }
}

/** Stops before the eight bytes that have a `STOP` among them, and before the last few. */
function runInPairs(
  walk: ShiftWalk,
  words: Int32Array,
  bytes: DataView,
  from: number,
  until: number,
): number {
  // All in variables of the loop: this is where most bytes of a dump go through.
  let { state } = walk;
  let marked = 0;
  let at = from;
  for (; at + GROUP_BYTES <= until; at += GROUP_BYTES) {
    const low = bytes.getInt32(at, true);
    const high = bytes.getInt32(at + 4, true);
    // A shift goes by the lowest five bits of its count, so that the others may stay.
    const first = (words[low & 0xffff] ?? 0) >>> state;
    const second = (words[low >>> 16] ?? 0) >>> first;
    const third = (words[high & 0xffff] ?? 0) >>> second;
    const fourth = (words[high >>> 16] ?? 0) >>> third;
    if ((fourth & STATE_BITS) === STOP) {
      // It lies in the first pair that ends in it.
      if ((first & STATE_BITS) === STOP) break;
      if ((second & STATE_BITS) === STOP) {
        at += 2;
        state = first;
        marked += first & MARK;
      } else if ((third & STATE_BITS) === STOP) {
        at += 4;
        state = second;
        marked += (first & MARK) + (second & MARK);
      } else {
        at += 6;
        state = third;
        marked += (first & MARK) + (second & MARK) + (third & MARK);
      }
      break;
    }
    marked += (first & MARK) + (second & MARK) + (third & MARK) + (fourth & MARK);
    state = fourth;
  }
  walk.state = state & STATE_BITS;
  walk.marks += marked >>> MARK_BIT;
  return at;
}

function runByByte(walk: ShiftWalk, words: Int32Array, bytes: DataView, from: number, until: number): number {
  let { state } = walk;
  let marked = 0;
  let at = from;
  for (; at < until; at += 1) {
    const step = (words[bytes.getUint8(at)] ?? 0) >>> state;
    if ((step & STATE_BITS) === STOP) break;
    marked += step & MARK;
    state = step;
  }
  walk.state = state & STATE_BITS;
  walk.marks += marked >>> MARK_BIT;
  return at;
}

/** 1 for a shifted word that is a stop, 0 for any other, without a branch: `STOP` alone has both of its bits. */
export function stopsIn(word: number): number {
  return (word >>> 4) & (word >>> 3) & 1;
}

/** The bytes of a chunk as `runThrough` takes them. */
export function viewOf(chunk: Uint8Array): DataView {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
