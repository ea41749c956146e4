import type { EndProof } from '../engine.ts';

/** Reads bytes in order for a walk; a walk waits (yields) where the stream has not brought them yet. */
export interface ByteReader {
  /** Bytes that were read. */
  readonly position: number;
  byte(): Generator<void, number>;
  skip(count: number): Generator<void, void>;
  /** The byte at `offset` from here if it has come, without waiting and without reading it. */
  peek(offset: number): number | undefined;
  /** Reads `count` bytes that `peek` has shown to be there. */
  take(count: number): void;
  /** Says that the stream may end here, until the next byte is read. */
  mayEndHere(): void;
}

/**
 * An end proof that follows a binary format byte by byte: `walk` is a generator that reads and throws where the
 * bytes are not of its format. The stream is whole when it stops where `mayEndHere` was said.
 */
export function newWalkProof(
  walk: (reader: ByteReader) => Generator<void, void>,
  refuse: (found: string, bytes: number) => Error,
): EndProof {
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;
  let before = 0;
  let endPosition = -1;
  const position = (): number => before + at;

  const reader: ByteReader = {
    get position() {
      return position();
    },
    *byte() {
      while (at >= chunk.length) yield;
      const value = chunk[at] ?? 0;
      at += 1;
      return value;
    },
    *skip(count) {
      let left = count;
      while (left > 0) {
        while (at >= chunk.length) yield;
        const step = Math.min(left, chunk.length - at);
        at += step;
        left -= step;
      }
    },
    peek: (offset) => chunk[at + offset],
    take: (count) => {
      at += count;
    },
    mayEndHere: () => {
      endPosition = position();
    },
  };
  const walking = walk(reader);

  return {
    observe(next) {
      before += chunk.length;
      chunk = next;
      at = 0;
      while (at < chunk.length) {
        const { done } = walking.next();
        if (done && at < chunk.length) throw refuse('bytes follow its end', position());
      }
    },
    finish() {
      if (endPosition !== position()) throw refuse('it stops before its end', position());
    },
  };
}
