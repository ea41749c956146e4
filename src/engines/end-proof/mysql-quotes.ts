/** Follows one statement of a dump of MySQL through its quotes. */
export interface QuotedWalk {
  begin(): void;
  /** Reads on; gives the position after the semicolon, after the byte `stop` where that comes first, or the end of the chunk. */
  read(chunk: Uint8Array, from: number, stop: number): number;
  /** The semicolon or `stop`, where the last reading ended at one; else null. */
  readonly stoppedAt: number | null;
  /** Brackets that were opened outside of quotes so far. A dump has none within others there. */
  readonly brackets: number;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const BACKQUOTE = 0x60;
const OPENING = 0x28;
const SEMICOLON = 0x3b;
/** What may mean something outside of quotes. */
const MEANS = new Uint8Array(256);
for (const letter of '\'"`(;') MEANS[letter.charCodeAt(0)] = 1;
MEANS[NEWLINE] = 1;
/** From this many bytes on it pays to leave the search for the quote's end to the machine. */
const SHORT_BYTES = 24;

export function newQuotedWalk(): QuotedWalk {
  let quote = 0;
  /** The byte before was a backslash that stands for the next one. */
  let isEscaped = false;
  let brackets = 0;
  let stoppedAt: number | null = null;

  /** Within quotes; gives the position after the closing one, or the end. A doubled quote opens again at once. */
  const readQuoted = (chunk: Uint8Array, from: number): number => {
    let at = from;
    if (isEscaped) {
      isEscaped = false;
      at += 1;
    }
    const shortEnd = Math.min(chunk.length, at + SHORT_BYTES);
    while (at < shortEnd) {
      const byte = chunk[at];
      at += 1;
      if (byte === quote) {
        quote = 0;
        return at;
      }
      if (byte === BACKSLASH && quote !== BACKQUOTE) at += 1;
    }
    return readLong(chunk, at);
  };

  const readLong = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; ) {
      const found = chunk.indexOf(quote, at);
      const end = found < 0 ? chunk.length : found;
      const isLiteral = quote !== BACKQUOTE && backslashesBefore(chunk, at, end) % 2 === 1;
      if (found < 0) {
        isEscaped = isLiteral;
        return chunk.length;
      }
      at = found + 1;
      if (isLiteral) continue;
      quote = 0;
      return at;
    }
    // The byte that a backslash stands before may lie in the next chunk.
    isEscaped = from > chunk.length;
    return chunk.length;
  };

  return {
    begin() {
      quote = 0;
      isEscaped = false;
      brackets = 0;
    },
    read(chunk, from, stop) {
      stoppedAt = null;
      for (let at = from; at < chunk.length; ) {
        if (quote !== 0) {
          at = readQuoted(chunk, at);
          continue;
        }
        while (at < chunk.length && MEANS[chunk[at] ?? 0] === 0) at += 1;
        const byte = chunk[at];
        if (byte === undefined) break;
        at += 1;
        if (byte === SEMICOLON || byte === stop) {
          stoppedAt = byte;
          return at;
        }
        if (byte === OPENING) brackets += 1;
        else if (byte !== NEWLINE) quote = byte;
      }
      return chunk.length;
    },
    get stoppedAt() {
      return stoppedAt;
    },
    get brackets() {
      return brackets;
    },
  };
}

/** How many backslashes stand right before a place, back to where the reading began. */
function backslashesBefore(chunk: Uint8Array, from: number, place: number): number {
  let at = place;
  while (at > from && chunk[at - 1] === BACKSLASH) at -= 1;
  return place - at;
}
