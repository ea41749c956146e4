/** Remembers how the last INSERT began: most that follow begin alike, and need not be read to be known. */
export interface RowPrefix<Of> {
  keep(bytes: Uint8Array, start: number, length: number, of: Of): void;
  /** What the kept beginning stands for, where these bytes begin with it. */
  find(bytes: Uint8Array, start: number, end: number): Of | undefined;
}

export function newRowPrefix<Of>(): RowPrefix<Of> {
  let prefix: Uint8Array = new Uint8Array(0);
  let kept: Of | undefined;
  return {
    keep(bytes, start, length, of) {
      // A copy: `slice` of a Buffer is none.
      prefix = new Uint8Array(bytes.subarray(start, start + length));
      kept = of;
    },
    find(bytes, start, end) {
      if (end - start < prefix.length) return undefined;
      for (let at = 0; at < prefix.length; at += 1) {
        if (bytes[start + at] !== prefix[at]) return undefined;
      }
      return kept;
    },
  };
}
