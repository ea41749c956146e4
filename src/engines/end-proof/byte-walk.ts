import type { EndProof } from '../engine.ts';

/** Reads bytes in order for a walk; a walk waits (yields) where the stream has not brought them yet. */
export interface ByteReader {
  byte(): Generator<void, number>;
  skip(count: number): Generator<void, void>;
  /** As many bytes, of which no more than `most` are kept. */
  take(count: number, most: number): Generator<void, Uint8Array>;
  /** As `skip`, and shows what is skipped, piece by piece. */
  show(count: number, piece: (chunk: Uint8Array, from: number, end: number) => void): Generator<void, void>;
  /**
   * The bytes that have come, and how many of them are read: a walk that can go on without waiting may move
   * `offset` itself, as far as the end of `chunk`.
   */
  readonly chunk: Uint8Array;
  offset: number;
  /** Bytes that were read since the beginning. */
  readonly position: number;
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
  const reader = newReader();
  const walking = walk(reader);
  return {
    observe(chunk) {
      reader.accept(chunk);
      while (reader.offset < chunk.length) {
        const { done } = walking.next();
        if (done && reader.offset < chunk.length) throw refuse('bytes follow its end', reader.position);
      }
    },
    finish() {
      if (!reader.isAtEnd()) throw refuse('it stops before its end', reader.position);
    },
  };
}

interface FedReader extends ByteReader {
  accept(next: Uint8Array): void;
  isAtEnd(): boolean;
}

function newReader(): FedReader {
  let chunk: Uint8Array = new Uint8Array(0);
  let before = 0;
  let end = -1;
  const reader: FedReader = {
    offset: 0,
    get chunk() {
      return chunk;
    },
    get position() {
      return before + reader.offset;
    },
    *byte() {
      while (reader.offset >= chunk.length) yield;
      const value = chunk[reader.offset] ?? 0;
      reader.offset += 1;
      return value;
    },
    *skip(count) {
      yield* reader.show(count, () => {});
    },
    *take(count, most) {
      const taken = new Uint8Array(Math.min(count, most));
      let filled = 0;
      yield* reader.show(count, (bytes, from, end) => {
        const piece = bytes.subarray(from, Math.min(end, from + taken.length - filled));
        taken.set(piece, filled);
        filled += piece.length;
      });
      return taken;
    },
    *show(count, piece) {
      for (let left = count; left > 0; ) {
        while (reader.offset >= chunk.length) yield;
        const step = Math.min(left, chunk.length - reader.offset);
        piece(chunk, reader.offset, reader.offset + step);
        reader.offset += step;
        left -= step;
      }
    },
    mayEndHere: () => {
      end = reader.position;
    },
    accept: (next) => {
      before += chunk.length;
      chunk = next;
      reader.offset = 0;
    },
    isAtEnd: () => end === reader.position,
  };
  return reader;
}
