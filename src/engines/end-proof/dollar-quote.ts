import { DOLLAR } from './sql-tables.ts';

/** Follows `$tag$ … $tag$` of PostgreSQL across any chunking. */
export interface DollarQuote {
  /** Takes the dollar sign that may begin a tag. */
  begin(): void;
  /** Takes the next byte of the tag; says what it was. */
  readTag(byte: number): TagByte;
  /** Reads on behind the tag; gives the position after the closing one, or the end of the chunk. */
  readQuoted(chunk: Uint8Array, from: number): number;
  /** Whether the closing one was read. */
  readonly isOver: boolean;
}

/** One of the tag, its end, none (the dollar sign was just one, and the byte is read anew), or one too many. */
export type TagByte = 'tag' | 'end' | 'none' | 'lost';

/** Longer than any name of PostgreSQL, and kept whole: what goes on beyond that is no tag, and nobody knows where it ends. */
const MOST_TAG_BYTES = 64;

export function newDollarQuote(): DollarQuote {
  /** With its dollar signs, and how much of it the last bytes match. */
  let tag: number[] = [];
  let matched = 0;
  return {
    begin() {
      tag = [DOLLAR];
      matched = 0;
    },
    readTag(byte) {
      if (byte === DOLLAR) {
        tag.push(byte);
        return 'end';
      }
      if (!isNameByte(byte) || (tag.length === 1 && isDigit(byte))) return 'none';
      if (tag.length > MOST_TAG_BYTES) return 'lost';
      tag.push(byte);
      return 'tag';
    },
    readQuoted(chunk, from) {
      let at = from;
      while (at < chunk.length && matched < tag.length) {
        if (matched === 0) {
          const next = chunk.indexOf(DOLLAR, at);
          if (next < 0) return chunk.length;
          at = next;
        }
        const byte = chunk[at];
        at += 1;
        if (byte === tag[matched]) matched += 1;
        else matched = byte === DOLLAR ? 1 : 0;
      }
      return at;
    },
    get isOver() {
      return matched === tag.length;
    },
  };
}

/** Whether a name may hold it; behind such a byte a dollar sign begins no tag. */
export function isNameByte(byte: number): boolean {
  return (
    isDigit(byte) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x5f ||
    byte >= 0x80
  );
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
