/** Counts the rows of COPY data (text format): its lines up to the line `\.`, across any chunking. */
export interface CopyRows {
  /** Reads on, at most to `end`; gives the position after the end mark, or `end`. */
  read(chunk: Uint8Array, from: number, end: number): number;
  readonly rows: number;
  /** Whether the end mark was read. */
  readonly isOver: boolean;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const END_MARK = [BACKSLASH, DOT, NEWLINE];
/** A newline in each byte of a word. */
const NEWLINES = 0x0a0a0a0a;

/** Whether a byte of the word is a newline (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord). */
function hasNewline(word: number): boolean {
  const other = word ^ NEWLINES;
  return ((other - 0x01010101) & ~other & 0x80808080) !== 0;
}

/** A chunk as whole words of memory, the first of which is at `start`. */
interface Words {
  readonly words: Int32Array;
  readonly start: number;
}

/** Data never holds the end mark: a newline in it is written as `\n`, and each of its backslashes is doubled. */
export function newCopyRows(): CopyRows {
  /** Bytes of the end mark that this line began with; -1 within one that is none. */
  let matched = 0;
  let rows = 0;
  let isOver = false;
  let viewed: Uint8Array | undefined;
  let view: Words = { words: new Int32Array(0), start: 0 };

  const inWords = (chunk: Uint8Array): Words => {
    if (chunk === viewed) return view;
    const start = -chunk.byteOffset & 3;
    const length = Math.max(0, chunk.length - start) >>> 2;
    viewed = chunk;
    view = {
      start,
      words:
        length === 0 ? new Int32Array(0) : new Int32Array(chunk.buffer, chunk.byteOffset + start, length),
    };
    return view;
  };

  /** From within a line to the beginning of the next one that starts with a backslash, or to the end. */
  const skipLines = (chunk: Uint8Array, from: number, end: number): number => {
    const { words, start } = inWords(chunk);
    for (let at = from; at < end; ) {
      // Four bytes at once: this is where most bytes of a dump go through.
      if (((at - start) & 3) === 0) {
        let index = (at - start) >>> 2;
        const last = (end - start) >>> 2;
        while (index < last && !hasNewline(words[index] ?? 0)) index += 1;
        at = Math.max(at, start + 4 * index);
        if (at >= end) break;
      }
      const isNewline = chunk[at] === NEWLINE;
      at += 1;
      if (!isNewline) continue;
      rows += 1;
      // The next line has to be looked at.
      if (at < end && chunk[at] !== BACKSLASH) continue;
      matched = 0;
      return at;
    }
    return end;
  };

  return {
    read(chunk, from, end) {
      let at = from;
      while (at < end && !isOver) {
        if (matched < 0) {
          at = skipLines(chunk, at, end);
        } else if (chunk[at] === END_MARK[matched]) {
          at += 1;
          matched += 1;
          isOver = matched === END_MARK.length;
        } else {
          // The byte is read again, as one of the line.
          matched = -1;
        }
      }
      return at;
    },
    get rows() {
      return rows;
    },
    get isOver() {
      return isOver;
    },
  };
}
