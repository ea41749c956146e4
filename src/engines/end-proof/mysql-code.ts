/**
 * Follows what stands in a dump of MySQL outside of its INSERTs and CREATE TABLEs through quotes and comments, as client and server do,
 * so that a line in the middle of them is told from one of the dump's own. It needs each byte of it, across any chunking.
 */
export interface MysqlCode {
  /** Reads on to the next newline, or the end of the chunk; gives the position of what ended it. */
  readLine(chunk: Uint8Array, from: number): number;
  /** Takes the newline that ends a line. */
  endLine(): void;
  /** Outside of all from here on, where a statement ends at so many semicolons; the rest of this line is none of its own. */
  begin(delimiterBytes: number): void;
  /** In a quote or a comment that goes on over the ends of lines. */
  isOpen(): boolean;
}

const NEWLINE = 0x0a;
const [APOSTROPHE, QUOTATION, BACKQUOTE, BACKSLASH] = [0x27, 0x22, 0x60, 0x5c];
const [DASH, HASH, SLASH, STAR, SEMICOLON, SPACE] = [0x2d, 0x23, 0x2f, 0x2a, 0x3b, 0x20];
const [BANG, LETTER_M] = [0x21, 0x4d];
/** How the tools set a mode before the body that was made in it, and set it back; all names of modes are shorter together. */
const MODE = /^\/\*M?!\d+ SET sql_mode\s*=\s*(?:'([A-Z0-9_,]*)'|@\w+) *\*\/ ;;?$/i;
const MODE_BYTES = 1024;

/** Of bytes that go on with whatever they stand in, be it code, a quote or a comment: 1. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9_$=@(),.<>]/.test(String.fromCharCode(byte)) || byte >= 0x80 ? 1 : 0,
);

type State =
  | ('code' | 'quoted' | 'escaped' | 'dash' | 'dashes' | 'slash' | 'opened' | 'opened-m')
  | ('star' | 'line' | 'block' | 'block-star');

const OPEN: ReadonlySet<State> = new Set(['quoted', 'escaped', 'opened', 'opened-m', 'block', 'block-star']);

export function newMysqlCode(): MysqlCode {
  let state: State = 'code';
  let quote = 0;
  /** Within a comment that servers read as SQL. */
  let isVersion = false;
  /** What the last SET of a dump's own says of how strings are written. */
  let hasPlainBackslash = false;
  let quotesNames = false;
  let delimiterBytes = 1;
  let semicolons = 0;
  /** Nothing of a statement has come. */
  let isFresh = true;
  /** The present line, where a statement began with it, as far as it may set the mode. */
  let line: string | null = '';

  const readCode = (byte: number): void => {
    state = 'code';
    if (byte === SEMICOLON) {
      semicolons += 1;
      isFresh = semicolons >= delimiterBytes;
      if (isFresh) semicolons = 0;
      return;
    }
    semicolons = 0;
    switch (byte) {
      case APOSTROPHE:
      case QUOTATION:
      case BACKQUOTE:
        quote = byte;
        state = 'quoted';
        break;
      case DASH:
        state = 'dash';
        break;
      case SLASH:
        state = 'slash';
        break;
      case STAR:
        if (isVersion) state = 'star';
        break;
      case HASH:
        state = 'line';
        break;
      default:
    }
    if (byte > SPACE && byte !== DASH && byte !== SLASH && byte !== HASH) isFresh = false;
  };

  const isEscaping = (): boolean =>
    !hasPlainBackslash && quote !== BACKQUOTE && !(quote === QUOTATION && quotesNames);

  const step = (byte: number): void => {
    switch (state) {
      case 'quoted':
        // One that is doubled opens again at once.
        if (byte === quote) state = 'code';
        else if (byte === BACKSLASH && isEscaping()) state = 'escaped';
        break;
      case 'escaped':
        state = 'quoted';
        break;
      case 'dash':
        if (byte === DASH) state = 'dashes';
        else readCode(byte);
        break;
      case 'dashes':
        if (byte === NEWLINE) state = 'code';
        else if (byte <= SPACE) state = 'line';
        else if (byte !== DASH) readCode(byte);
        break;
      case 'slash':
        if (byte === STAR) state = 'opened';
        else readCode(byte);
        break;
      case 'opened':
        if (byte === BANG) openVersion();
        else if (byte === LETTER_M) state = 'opened-m';
        else readBlock(byte);
        break;
      case 'opened-m':
        if (byte === BANG) openVersion();
        else readBlock(byte);
        break;
      case 'star':
        isVersion = byte !== SLASH;
        if (isVersion) readCode(byte);
        else state = 'code';
        break;
      case 'block':
        readBlock(byte);
        break;
      case 'block-star':
        if (byte === SLASH) state = 'code';
        else readBlock(byte);
        break;
      default:
        readCode(byte);
    }
  };

  const openVersion = (): void => {
    isVersion = true;
    isFresh = false;
    state = 'code';
  };

  const readBlock = (byte: number): void => {
    state = byte === STAR ? 'block-star' : 'block';
  };

  const isOpen = (): boolean => OPEN.has(state);

  return {
    readLine(chunk, from) {
      let at = from;
      for (; at < chunk.length; at += 1) {
        const byte = chunk[at] ?? 0;
        if (byte === NEWLINE) break;
        if (state === 'line') continue;
        if (PLAIN[byte] === 0) step(byte);
        else if (state === 'code') {
          semicolons = 0;
          isFresh = false;
        } else if (state !== 'quoted' && state !== 'block') step(byte);
      }
      if (line !== null) line = line.length + at - from > MODE_BYTES ? null : line + textOf(chunk, from, at);
      return at;
    },
    endLine() {
      const [isMode, modes = ''] = (line === null ? null : MODE.exec(line)) ?? [];
      if (isMode !== undefined) {
        hasPlainBackslash = modes.toUpperCase().includes('NO_BACKSLASH_ESCAPES');
        quotesNames = modes.toUpperCase().includes('ANSI');
      }
      if (state === 'line') state = 'code';
      else step(NEWLINE);
      line = isFresh && !isOpen() ? '' : null;
    },
    begin(bytes) {
      state = 'code';
      isVersion = false;
      semicolons = 0;
      delimiterBytes = bytes;
      isFresh = true;
      line = null;
    },
    isOpen,
  };
}

/** A character a byte: for words of ASCII. */
function textOf(chunk: Uint8Array, from: number, to: number): string {
  return LATIN1.decode(chunk.subarray(from, to));
}

const LATIN1 = new TextDecoder('latin1');
