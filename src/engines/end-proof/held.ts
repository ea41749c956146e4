/** The beginning of something that comes in pieces, of bounded length. */
export interface Held {
  /** Keeps the bytes from `start` (or from 0, where that lies before the chunk) to `end`, as far as there is room. */
  keep(chunk: Uint8Array, start: number, end: number): void;
  readonly kept: number;
  /** False where more came than was kept. */
  readonly isWhole: boolean;
  bytes(): Uint8Array;
  clear(): void;
}

/** The longest definition whose digest is taken. */
export const MOST_HELD = 256 * 1024;

export function newHeld(): Held {
  let pieces: Uint8Array[] = [];
  let kept = 0;
  let isWhole = true;
  return {
    keep(chunk, start, end) {
      const last = Math.min(end, Math.max(0, start) + MOST_HELD - kept);
      // A copy: `slice` of a Buffer is none.
      const piece = new Uint8Array(chunk.subarray(Math.max(0, start), last));
      if (piece.length < end - Math.max(0, start)) isWhole = false;
      if (piece.length === 0) return;
      pieces.push(piece);
      kept += piece.length;
    },
    get kept() {
      return kept;
    },
    get isWhole() {
      return isWhole;
    },
    bytes() {
      const [only] = pieces;
      if (pieces.length === 1 && only !== undefined) return only;
      const whole = new Uint8Array(kept);
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
    clear() {
      if (kept === 0 && isWhole) return;
      pieces = [];
      kept = 0;
      isWhole = true;
    },
  };
}
