/**
 * Follows SQL text through its quotes, comments and COPY data, in constant memory and across any chunking, so that
 * an end marker is told from the same text inside of data. It knows the SQL that dump tools write, where quotes
 * inside of literals are doubled and never escaped.
 */
export interface SqlScanner {
  observe(chunk: Uint8Array): void;
  /** True when the bytes so far end outside of quotes, comments, COPY data and statements. */
  isBetweenStatements(): boolean;
  /** Bytes of the longest statement that has ended, without its semicolon. */
  longestStatement(): number;
}

export interface SqlDialect {
  /** Pairs of an opening and a closing character, of which the closing one is doubled inside. */
  readonly quotes: readonly string[];
  /** `$tag$ … $tag$`, psql's backslash commands, and `COPY … FROM stdin;` with its data. */
  readonly isPostgres: boolean;
  /** Called with the beginning of each block comment that stands between statements, at most 32 bytes. */
  readonly onBlockComment?: (text: string) => void;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const DOLLAR = 0x24;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const DOT = 0x2e;
const COMMENT_BYTES = 32;
const COPY = 'COPY ';
const END_OF_COPY = [BACKSLASH, DOT, NEWLINE];

/** What an ordinary byte between quotes means. */
const PLAIN = 0;
const SPACE = 1;
const QUOTE = 2;
const SEMICOLON = 3;
const MARK = 4;

type State =
  | 'sql'
  | 'quoted'
  | 'mark'
  | 'line-comment'
  | 'block-comment'
  | 'dollar-tag'
  | 'dollar-quoted'
  | 'command'
  | 'copy-head'
  | 'copy-line'
  | 'copy-rest';

export function newSqlScanner(dialect: SqlDialect): SqlScanner {
  const { kinds, closings } = tablesOf(dialect);
  let state: State = 'sql';
  /** In a statement, beyond its first byte that is neither space nor comment. */
  let inStatement = false;
  /** The first bytes of the statement, to recognise COPY. */
  let head = '';
  /** Where the present chunk, statement and byte are in the whole text. */
  let chunkStart = 0;
  let statementStart = 0;
  let position = 0;
  let longest = 0;
  let closing = 0;
  let mark = 0;
  let previous = 0;
  /** `$tag$`, and how much of it the last bytes match. */
  let tag: number[] = [];
  let matched = 0;
  let comment = '';

  const startOrGoOn = (byte: number): void => {
    if (!inStatement) {
      inStatement = true;
      statementStart = position;
      head = '';
    }
    if (head.length < COPY.length) head += String.fromCharCode(byte);
  };

  /** Reads ordinary SQL to the next byte that means something; gives the position after it. */
  const readSql = (chunk: Uint8Array, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      if (inStatement && head.length === COPY.length) {
        at = skipOrdinary(kinds, chunk, at);
        if (at > from) previous = chunk[at - 1] ?? 0;
        if (at === chunk.length) break;
      }
      const byte = chunk[at] ?? 0;
      position = chunkStart + at;
      at += 1;
      readByte(byte);
      previous = byte;
      if (state !== 'sql') break;
    }
    return at;
  };

  const readByte = (byte: number): void => {
    switch (kinds[byte]) {
      case PLAIN:
        startOrGoOn(byte);
        break;
      case SPACE:
        if (inStatement) startOrGoOn(byte);
        break;
      case QUOTE:
        startOrGoOn(byte);
        closing = closings[byte] ?? byte;
        state = 'quoted';
        break;
      case SEMICOLON:
        if (dialect.isPostgres && inStatement && head === COPY) state = 'copy-head';
        if (inStatement) longest = Math.max(longest, position - statementStart);
        inStatement = false;
        break;
      default:
        readMeaningful(byte);
    }
  };

  const readMeaningful = (byte: number): void => {
    if (byte === BACKSLASH) {
      if (!inStatement) state = 'command';
    } else if (byte === DOLLAR) {
      startOrGoOn(byte);
      if (isNameByte(previous) || previous === DOLLAR) return;
      tag = [DOLLAR];
      state = 'dollar-tag';
    } else {
      mark = byte;
      state = 'mark';
    }
  };

  /** The byte after `-` or `/`: a comment, or ordinary SQL, which is then read again as such. */
  const readMark = (byte: number, at: number): number => {
    if (mark === DASH && byte === DASH) {
      state = 'line-comment';
      return at + 1;
    }
    if (mark === SLASH && byte === STAR) {
      state = 'block-comment';
      comment = '/*';
      matched = 0;
      return at + 1;
    }
    startOrGoOn(mark);
    previous = mark;
    state = 'sql';
    return at;
  };

  const readBlockComment = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (comment.length < COMMENT_BYTES) comment += String.fromCharCode(byte);
      if (matched === 1 && byte === SLASH) {
        if (!inStatement) dialect.onBlockComment?.(comment);
        previous = byte;
        state = 'sql';
        return at + 1;
      }
      matched = byte === STAR ? 1 : 0;
    }
    return chunk.length;
  };

  const readDollarTag = (byte: number, at: number): number => {
    const isFirst = tag.length === 1;
    if (byte === DOLLAR) {
      tag.push(byte);
      matched = 0;
      state = 'dollar-quoted';
      return at + 1;
    }
    if (isNameByte(byte) && !(isFirst && isDigit(byte))) {
      tag.push(byte);
      return at + 1;
    }
    previous = DOLLAR;
    state = 'sql';
    return at;
  };

  const readDollarQuoted = (chunk: Uint8Array, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      if (matched === 0) {
        const next = chunk.indexOf(DOLLAR, at);
        if (next < 0) return chunk.length;
        at = next;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (byte === tag[matched]) matched += 1;
      else matched = byte === DOLLAR ? 1 : 0;
      if (matched === tag.length) {
        previous = 0;
        state = 'sql';
        return at;
      }
    }
    return at;
  };

  /** COPY data, a line at a time, up to the line `\\.`; data never holds such a line, its backslashes are doubled. */
  const readCopyLines = (chunk: Uint8Array, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      if (state === 'copy-rest') {
        at = skipLines(chunk, at);
        if (at === chunk.length && chunk[at - 1] !== NEWLINE) return at;
        matched = 0;
        state = 'copy-line';
        continue;
      }
      if (chunk[at] !== END_OF_COPY[matched]) {
        state = 'copy-rest';
        continue;
      }
      at += 1;
      matched += 1;
      if (matched === END_OF_COPY.length) {
        previous = NEWLINE;
        state = 'sql';
        return at;
      }
    }
    return at;
  };

  /** Skips to and over `byte`; then `next` begins. */
  const skipTo = (chunk: Uint8Array, from: number, byte: number, next: State): number => {
    const found = chunk.indexOf(byte, from);
    if (found < 0) return chunk.length;
    previous = 0;
    matched = 0;
    state = next;
    return found + 1;
  };

  const step = (chunk: Uint8Array, at: number): number => {
    switch (state) {
      case 'sql':
        return readSql(chunk, at);
      case 'quoted':
        return skipTo(chunk, at, closing, 'sql');
      case 'mark':
        return readMark(chunk[at] ?? 0, at);
      case 'line-comment':
      case 'command':
        return skipTo(chunk, at, NEWLINE, 'sql');
      case 'block-comment':
        return readBlockComment(chunk, at);
      case 'dollar-tag':
        return readDollarTag(chunk[at] ?? 0, at);
      case 'dollar-quoted':
        return readDollarQuoted(chunk, at);
      case 'copy-head':
        return skipTo(chunk, at, NEWLINE, 'copy-line');
      default:
        return readCopyLines(chunk, at);
    }
  };

  return {
    observe(chunk) {
      let at = 0;
      while (at < chunk.length) at = step(chunk, at);
      chunkStart += chunk.length;
    },
    isBetweenStatements: () => state === 'sql' && !inStatement,
    longestStatement: () => longest,
  };
}

function tablesOf(dialect: SqlDialect): { kinds: Uint8Array; closings: Uint8Array } {
  const kinds = new Uint8Array(256);
  const closings = new Uint8Array(256);
  for (const space of ' \t\r\n\f\v') kinds[space.charCodeAt(0)] = SPACE;
  kinds[';'.charCodeAt(0)] = SEMICOLON;
  kinds[DASH] = MARK;
  kinds[SLASH] = MARK;
  if (dialect.isPostgres) {
    kinds[DOLLAR] = MARK;
    kinds[BACKSLASH] = MARK;
  }
  for (const pair of dialect.quotes) {
    kinds[pair.charCodeAt(0)] = QUOTE;
    closings[pair.charCodeAt(0)] = pair.charCodeAt(1);
  }
  return { kinds, closings };
}

/** The position of the next byte that is neither ordinary nor space, or the end. */
function skipOrdinary(kinds: Uint8Array, chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && (kinds[chunk[at] ?? 0] ?? 0) <= SPACE) at += 1;
  return at;
}

/** From within a line to the beginning of the next one that starts with a backslash, or the end of the chunk. */
function skipLines(chunk: Uint8Array, from: number): number {
  let newline = chunk.indexOf(NEWLINE, from);
  while (newline >= 0 && newline + 1 < chunk.length && chunk[newline + 1] !== BACKSLASH) {
    newline = chunk.indexOf(NEWLINE, newline + 1);
  }
  return newline < 0 ? chunk.length : newline + 1;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isNameByte(byte: number): boolean {
  return (
    isDigit(byte) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x5f ||
    byte >= 0x80
  );
}
