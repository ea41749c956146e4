import { type CopyRows, newCopyRows } from './copy-rows.ts';
import { MOST_HELD, newHeld } from './held.ts';

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
  /** Called with each statement that has ended. */
  readonly onStatement?: (statement: SqlStatement) => void;
}

/** Valid while it is told. */
export interface SqlStatement {
  /** Its bytes are those from `start` to `end`, without its semicolon. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Whether these are all of them: of a very long one only the beginning is kept. */
  readonly isWhole: boolean;
  /** Whether it begins a line. */
  readonly startsLine: boolean;
  /** Of PostgreSQL: brackets that were opened outside of others. */
  readonly groups: number;
  /** Of a COPY: the rows of its data; null otherwise. */
  readonly copied: number | null;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const DOLLAR = 0x24;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const COMMENT_BYTES = 32;
const COPY = 'COPY ';
const OPENING = 0x28;

/** What an ordinary byte between quotes means. */
const PLAIN = 0;
const SPACE = 1;
const QUOTE = 2;
const SEMICOLON = 3;
const MARK = 4;
const BRACKET = 5;

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
  | 'copy-data';

export function newSqlScanner(dialect: SqlDialect): SqlScanner {
  const { kinds, closings } = tablesOf(dialect);
  let state: State = 'sql';
  /** In a statement, beyond its first byte that is neither space nor comment. */
  let inStatement = false;
  /** The first bytes of the statement, to recognise COPY. */
  let head = '';
  /** Where the present chunk, statement and byte are in the whole text. */
  let current: Uint8Array = new Uint8Array(0);
  let chunkStart = 0;
  let statementStart = 0;
  let position = 0;
  let longest = 0;
  let closing = 0;
  let mark = 0;
  let previous = 0;
  let startsLine = false;
  let depth = 0;
  let groups = 0;
  /** What is kept of a statement that goes on in the next chunk. */
  const held = newHeld();
  let copy: CopyRows | undefined;
  /** `$tag$`, and how much of it the last bytes match. */
  let tag: number[] = [];
  let matched = 0;
  let comment = '';

  const startOrGoOn = (byte: number): void => {
    if (!inStatement) {
      inStatement = true;
      statementStart = position;
      startsLine = previous === NEWLINE || position === 0;
      depth = 0;
      groups = 0;
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
        if (inStatement) endStatement();
        break;
      case BRACKET:
        startOrGoOn(byte);
        if (byte === OPENING && depth === 0) groups += 1;
        depth += byte === OPENING ? 1 : -1;
        break;
      default:
        readMeaningful(byte);
    }
  };

  const endStatement = (): void => {
    const start = statementStart - chunkStart;
    const end = position - chunkStart;
    longest = Math.max(longest, end - start);
    inStatement = false;
    if (dialect.isPostgres && head === COPY) {
      state = 'copy-head';
      held.keep(current, start, end);
    } else if (start < 0) {
      held.keep(current, start, end);
      tellHeld(null);
    } else {
      // Most lie in one chunk, and are told without a copy.
      const isWhole = end - start <= MOST_HELD;
      dialect.onStatement?.({ bytes: current, start, end, isWhole, startsLine, groups, copied: null });
    }
  };

  const tellHeld = (copied: number | null): void => {
    const bytes = held.bytes();
    const { isWhole } = held;
    dialect.onStatement?.({ bytes, start: 0, end: bytes.length, isWhole, startsLine, groups, copied });
    held.clear();
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

  const readCopyData = (chunk: Uint8Array, from: number): number => {
    copy ??= newCopyRows();
    const at = copy.read(chunk, from, chunk.length);
    if (copy.isOver) {
      tellHeld(copy.rows);
      copy = undefined;
      previous = NEWLINE;
      state = 'sql';
    }
    return at;
  };

  /** Skips to and over `byte`; then `next` begins. */
  const skipTo = (chunk: Uint8Array, from: number, byte: number, next: State): number => {
    const found = chunk.indexOf(byte, from);
    if (found < 0) return chunk.length;
    previous = byte;
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
        return skipTo(chunk, at, NEWLINE, 'copy-data');
      default:
        return readCopyData(chunk, at);
    }
  };

  return {
    observe(chunk) {
      current = chunk;
      let at = 0;
      while (at < chunk.length) at = step(chunk, at);
      if (inStatement) held.keep(chunk, statementStart - chunkStart, chunk.length);
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
    for (const bracket of '()') kinds[bracket.charCodeAt(0)] = BRACKET;
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
