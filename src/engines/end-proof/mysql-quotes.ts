import { MARK, newShiftTable, runThrough, type ShiftWalk, STEP_BITS, STOP } from './shift-walk.ts';

/** Follows one statement of a dump of MySQL through its quotes. */
export interface QuotedWalk {
  begin(): void;
  /** Reads on; gives the position after the semicolon, after the byte `stop` where that comes first, or the end of the chunk. */
  read(chunk: Uint8Array, bytes: DataView, from: number, stop: number): number;
  /** The semicolon or `stop`, where the last reading ended at one; else null. */
  readonly stoppedAt: number | null;
  /** Brackets that were opened outside of quotes so far. A dump has none within others there. */
  readonly brackets: number;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const APOSTROPHE = 0x27;
const QUOTE = 0x22;
const BACKQUOTE = 0x60;
const OPENING = 0x28;
const SEMICOLON = 0x3b;
/** A string that goes on where so many bytes end is left to the machine's own search. */
const PIECE_BYTES = 2048;

const OUTSIDE = 0;
/** Between apostrophes, as the strings of rows are; behind a backslash there. */
const QUOTED = STEP_BITS;
const ESCAPED = 2 * STEP_BITS;
const TABLE = newShiftTable((state, byte) => {
  if (state === ESCAPED) return QUOTED;
  if (state === QUOTED) return byte === APOSTROPHE ? OUTSIDE : byte === BACKSLASH ? ESCAPED : QUOTED;
  if (byte === APOSTROPHE) return QUOTED;
  if (byte === OPENING) return OUTSIDE + MARK;
  return [SEMICOLON, NEWLINE, QUOTE, BACKQUOTE].includes(byte) ? STOP : OUTSIDE;
});

export function newQuotedWalk(): QuotedWalk {
  const walk: ShiftWalk = { table: TABLE, state: OUTSIDE, marks: 0 };
  /** Of a name, of a string between quotation marks, or of a long one; 0 outside of these. */
  let quote = 0;
  /** The byte before was a backslash within them that stands for the next one. */
  let isEscaped = false;
  let stoppedAt: number | null = null;

  /** Within quotes; gives the position after the closing one, or the end. A doubled quote opens again at once. */
  const readQuoted = (chunk: Uint8Array, from: number): number => {
    let at = isEscaped ? from + 1 : from;
    isEscaped = false;
    while (at < chunk.length) {
      const found = chunk.indexOf(quote, at);
      const end = found < 0 ? chunk.length : found;
      const isLiteral = quote !== BACKQUOTE && backslashesBefore(chunk, at, end) % 2 === 1;
      if (found < 0) {
        isEscaped = isLiteral;
        return end;
      }
      at = found + 1;
      if (isLiteral) continue;
      quote = 0;
      return at;
    }
    return at;
  };

  return {
    begin() {
      walk.state = OUTSIDE;
      walk.marks = 0;
      quote = 0;
      isEscaped = false;
    },
    read(chunk, bytes, from, stop) {
      stoppedAt = null;
      for (let at = from; at < chunk.length; ) {
        if (quote !== 0) {
          at = readQuoted(chunk, at);
          continue;
        }
        const until = Math.min(chunk.length, at + PIECE_BYTES);
        at = runThrough(walk, bytes, at, until);
        if (at === until) {
          if (walk.state !== QUOTED) continue;
          walk.state = OUTSIDE;
          quote = APOSTROPHE;
          continue;
        }
        const byte = chunk[at];
        at += 1;
        if (byte === SEMICOLON || byte === stop) {
          stoppedAt = byte;
          return at;
        }
        if (byte === QUOTE || byte === BACKQUOTE) quote = byte;
      }
      return chunk.length;
    },
    get stoppedAt() {
      return stoppedAt;
    },
    get brackets() {
      return walk.marks;
    },
  };
}

/** How many backslashes stand right before a place, back to where the reading began. */
function backslashesBefore(chunk: Uint8Array, from: number, place: number): number {
  let at = place;
  while (at > from && chunk[at - 1] === BACKSLASH) at -= 1;
  return place - at;
}
