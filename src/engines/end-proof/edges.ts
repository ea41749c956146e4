/** Keeps the first and the last bytes of a stream. */
export interface Edges {
  observe(chunk: Uint8Array): void;
  /** Bytes seen so far. */
  readonly bytes: number;
  /** As text of one character a byte. */
  head(): string;
  tail(): string;
}

export function newEdges(size: number): Edges {
  let bytes = 0;
  let head = '';
  let tail = new Uint8Array(0);
  return {
    observe(chunk) {
      bytes += chunk.length;
      if (head.length < size) head += toText(chunk.subarray(0, size - head.length));
      if (chunk.length >= size) {
        // A copy: `slice` of a Buffer is none.
        tail = new Uint8Array(chunk.subarray(chunk.length - size));
        return;
      }
      const kept = tail.subarray(Math.max(0, tail.length + chunk.length - size));
      const next = new Uint8Array(kept.length + chunk.length);
      next.set(kept);
      next.set(chunk, kept.length);
      tail = next;
    },
    get bytes() {
      return bytes;
    },
    head: () => head,
    tail: () => toText(tail),
  };
}

function toText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
