/** What follows the statements of SQL text as sqlite3 splits it; what its functions throw goes through. */
export interface StatementReader {
  /** The next token of a statement, in upper case where it is a word; `"` for anything in quotes. Not within a trigger's body. */
  token(text: string): void;
  /** A statement has ended with the byte before `at` of the present chunk. */
  end(at: number): void;
  /** A line of its own, "/" or "go", that sqlite3 takes for a semicolon, or a NUL, which ends a line for it alone. */
  trap(what: string): void;
}

const [NUL, NEWLINE, DASH, SLASH, STAR, SEMICOLON] = [0, 0x0a, 0x2d, 0x2f, 0x2a, 0x3b];
const CLOSINGS = new Map([
  [0x27, 0x27],
  [0x22, 0x22],
  [0x60, 0x60],
  [0x5b, 0x5d],
]);
const WORD_BYTES = 64;

/** 1: of a word, 2: space. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (/[A-Za-z0-9_$]/.test(String.fromCharCode(byte)) || byte >= 0x80) return 1;
  return ' \t\n\r\f'.includes(String.fromCharCode(byte)) ? 2 : 0;
});

/**
 * SQLite's own table of what ends a statement (`sqlite3_complete`, complete.c): states are invalid, start, normal, explain, create,
 * trigger, semi and end.
 */
const NEXT = {
  semi: [1, 1, 1, 1, 1, 6, 6, 1],
  other: [2, 2, 2, 2, 2, 5, 5, 5],
  explain: [3, 3, 2, 2, 2, 5, 5, 5],
  create: [4, 4, 2, 4, 2, 5, 5, 5],
  temp: [2, 2, 2, 2, 4, 5, 5, 5],
  trigger: [2, 2, 2, 2, 5, 5, 5, 5],
  end: [2, 2, 2, 2, 2, 5, 7, 5],
} as const;
const [START, TRIGGER] = [1, 5];
const WORDS: Readonly<Record<string, keyof typeof NEXT>> = {
  EXPLAIN: 'explain',
  CREATE: 'create',
  TEMP: 'temp',
  TEMPORARY: 'temp',
  TRIGGER: 'trigger',
  END: 'end',
};

/** Splits SQL text into statements as the program sqlite3 does, in constant memory and across any chunking. */
export function newStatementScanner(reader: StatementReader): { observe(chunk: Uint8Array): void } {
  let state: 'code' | 'word' | 'quoted' | 'dash' | 'slash' | 'line' | 'block' = 'code';
  let at = START as number;
  let atLineStart = START as number;
  let word = '';
  let closing = 0;
  let previous = 0;
  /** What of the line was read outside of quotes, as far as it may be a trap. */
  let line = '';

  const pass = (kind: keyof typeof NEXT, text: string): void => {
    const isBody = at >= TRIGGER;
    at = NEXT[kind][at] ?? START;
    if (!isBody) reader.token(text);
  };

  const endLine = (): void => {
    if (/^(?:\/|go)$/i.test(line.trim()) && NEXT.semi[atLineStart] === START) {
      reader.trap('a line of only "/" or "go"');
    }
    line = '';
    atLineStart = at;
  };

  const endWord = (): void => {
    state = 'code';
    const text = word.toUpperCase();
    pass(WORDS[text] ?? 'other', text);
  };

  const readCode = (byte: number, position: number): void => {
    if (byte === NEWLINE) endLine();
    else if (line.length < 8) line += String.fromCharCode(byte);
    if (KINDS[byte] === 2) return;
    if (KINDS[byte] === 1) {
      word = String.fromCharCode(byte);
      state = 'word';
    } else if (byte === SEMICOLON) {
      const isEnd = NEXT.semi[at] === START;
      at = NEXT.semi[at] ?? START;
      if (isEnd) reader.end(position + 1);
    } else if (CLOSINGS.has(byte)) {
      closing = CLOSINGS.get(byte) ?? byte;
      pass('other', '"');
      state = 'quoted';
    } else if (byte === DASH) state = 'dash';
    else if (byte === SLASH) state = 'slash';
    else pass('other', String.fromCharCode(byte));
  };

  const step = (byte: number, position: number): void => {
    if (byte === NUL) reader.trap('a NUL character');
    switch (state) {
      case 'dash':
        state = byte === DASH ? 'line' : 'code';
        if (state === 'line') return;
        pass('other', '-');
        break;
      case 'slash':
        previous = 0;
        state = byte === STAR ? 'block' : 'code';
        if (state === 'block') return;
        pass('other', '/');
        break;
      case 'block':
        if (byte === NEWLINE) endLine();
        if (previous === STAR && byte === SLASH) state = 'code';
        previous = byte;
        return;
      case 'line':
        if (byte !== NEWLINE) return;
        state = 'code';
        break;
      default:
    }
    readCode(byte, position);
  };

  const readWord = (chunk: Uint8Array, from: number): number => {
    for (let position = from; position < chunk.length; position += 1) {
      const byte = chunk[position] ?? 0;
      if (KINDS[byte] !== 1) {
        endWord();
        return position;
      }
      if (word.length < WORD_BYTES) word += String.fromCharCode(byte);
      if (line.length < 8) line += String.fromCharCode(byte);
    }
    return chunk.length;
  };

  const readQuoted = (chunk: Uint8Array, from: number): number => {
    for (let position = from; position < chunk.length; position += 1) {
      const byte = chunk[position] ?? 0;
      if (byte === closing) {
        state = 'code';
        return position + 1;
      }
      if (byte === NUL) reader.trap('a NUL character');
      if (byte === NEWLINE) endLine();
      // It began in quotes, so it is no trap.
      line = '"';
    }
    return chunk.length;
  };

  return {
    observe(chunk) {
      for (let position = 0; position < chunk.length; ) {
        if (state === 'quoted') position = readQuoted(chunk, position);
        else if (state === 'word') position = readWord(chunk, position);
        else {
          step(chunk[position] ?? 0, position);
          position += 1;
        }
      }
    },
  };
}
