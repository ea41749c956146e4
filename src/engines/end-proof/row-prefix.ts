import { viewOf } from './shift-walk.ts';

/** Remembers how the last INSERT began: most that follow begin alike, and need not be read to be known. */
export interface RowPrefix<Of> {
  keep(bytes: Uint8Array, start: number, length: number, of: Of): void;
  /** What the kept beginning stands for, where these bytes begin with it. */
  find(bytes: Uint8Array, start: number, end: number): Of | undefined;
}

export function newRowPrefix<Of>(): RowPrefix<Of> {
  let prefix = viewOf(new Uint8Array(0));
  let viewed: Uint8Array | undefined;
  let view = prefix;
  let kept: Of | undefined;
  return {
    keep(bytes, start, length, of) {
      // A copy: `slice` of a Buffer is none.
      prefix = viewOf(new Uint8Array(bytes.subarray(start, start + length)));
      kept = of;
    },
    find(bytes, start, end) {
      const length = prefix.byteLength;
      if (end - start < length) return undefined;
      if (bytes !== viewed) {
        viewed = bytes;
        view = viewOf(bytes);
      }
      let at = 0;
      for (; at + 4 <= length; at += 4) {
        if (view.getInt32(start + at) !== prefix.getInt32(at)) return undefined;
      }
      for (; at < length; at += 1) {
        if (view.getUint8(start + at) !== prefix.getUint8(at)) return undefined;
      }
      return kept;
    },
  };
}
