import { type CopyRows, newCopyRows } from './copy-rows.ts';
import { MOST_HELD, newHeld } from './held.ts';
import { runThrough, type ShiftWalk, viewOf } from './shift-walk.ts';
import {
  APOSTROPHE,
  BACKSLASH,
  BRACKET,
  DASH,
  DASHED,
  DOLLAR,
  OUTSIDE,
  PLAIN,
  QUOTATION,
  QUOTE,
  SEMICOLON,
  SINGLE,
  SLASH,
  SPACE,
  type SqlQuoting,
  tablesOf,
} from './sql-tables.ts';

/**
 * Follows SQL text through its quotes, comments and COPY data, in constant memory and across any chunking, so that
 * an end marker is told from the same text inside of data. It knows the SQL that dump tools write, where quotes
 * inside of literals are doubled and never escaped.
 */
export interface SqlScanner {
  observe(chunk: Uint8Array): void;
  /** True when the bytes so far end outside of quotes, comments, COPY data and statements; never after a dollar tag that is too long to be one. */
  isBetweenStatements(): boolean;
  /** Bytes of the longest statement that has ended, without its semicolon. */
  longestStatement(): number;
}

export interface SqlDialect extends SqlQuoting {
  /** Called with the beginning of each block comment that begins a line between statements, at most 32 bytes. */
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
const STAR = 0x2a;
const COMMENT_BYTES = 32;
const COPY = [...'COPY '].map((letter) => letter.charCodeAt(0));
const OPENING = 0x28;

/** Longer than any name of PostgreSQL, and kept whole: what goes on beyond that is no tag, and nobody knows where it ends. */
const MOST_TAG_BYTES = 64;

/** How far a statement is gone over at once, before it is told whether it is in a long string. */
const PIECE_BYTES = 2048;
type State =
  | 'sql'
  | 'quoted'
  | 'mark'
  | 'line-comment'
  | 'block-comment'
  | 'dollar-tag'
  | 'dollar-quoted'
  | 'lost'
  | 'command'
  | 'copy-head'
  | 'copy-data';

export function newSqlScanner(dialect: SqlDialect): SqlScanner {
  const { kinds, closings, table } = tablesOf(dialect);
  const walk: ShiftWalk = { table, state: OUTSIDE, marks: 0 };
  let state: State = 'sql';
  /** In a statement, beyond its first byte that is neither space nor comment. */
  let inStatement = false;
  /** How many bytes of its beginning were looked at to recognise COPY, and whether they are COPY's. */
  let headBytes = 0;
  let isCopy = true;
  let current: Uint8Array = new Uint8Array(0);
  let view = viewOf(current);
  /** Where the present statement and byte are, from the beginning of the present chunk on: small numbers in a text of any length. */
  let statementStart = 0;
  let position = 0;
  let chunkStart = 0;
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
  /** Of what `mark` stands for. */
  let isLineStart = false;

  const startOrGoOn = (byte: number): void => {
    if (!inStatement) {
      inStatement = true;
      statementStart = position;
      startsLine = previous === NEWLINE || chunkStart + position === 0;
      depth = 0;
      groups = 0;
      headBytes = dialect.isPostgres ? 0 : COPY.length;
      isCopy = true;
    }
    if (headBytes === COPY.length) return;
    isCopy &&= COPY[headBytes] === byte;
    headBytes += 1;
  };

  /** Reads ordinary SQL to the next byte that means something; gives the position after it. */
  const readSql = (chunk: Uint8Array, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      if (inStatement && headBytes === COPY.length) {
        at = passOver(chunk, at);
        if (state !== 'sql' || at === chunk.length) break;
      }
      const byte = chunk[at] ?? 0;
      position = at;
      at += 1;
      readByte(byte);
      previous = byte;
      if (state !== 'sql') break;
    }
    return at;
  };

  /** Goes over what is left of a statement as far as nothing happens in it; whole strings are among that. */
  const passOver = (chunk: Uint8Array, from: number): number => {
    const until = Math.min(chunk.length, from + PIECE_BYTES);
    walk.state = OUTSIDE;
    const at = runThrough(walk, view, from, until);
    if (at > from) previous = chunk[at - 1] ?? 0;
    if (walk.state === DASHED) {
      mark = DASH;
      state = 'mark';
    } else if (walk.state !== OUTSIDE) {
      closing = walk.state === SINGLE ? APOSTROPHE : QUOTATION;
      state = 'quoted';
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
    const start = statementStart;
    const end = position;
    longest = Math.max(longest, end - start);
    inStatement = false;
    if (dialect.isPostgres && isCopy && headBytes === COPY.length) {
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
      isLineStart = previous === NEWLINE || chunkStart + position === 0;
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
        if (!inStatement && isLineStart) dialect.onBlockComment?.(comment);
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
      if (tag.length > MOST_TAG_BYTES) state = 'lost';
      else tag.push(byte);
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
      case 'lost':
        return chunk.length;
      case 'copy-head':
        return skipTo(chunk, at, NEWLINE, 'copy-data');
      default:
        return readCopyData(chunk, at);
    }
  };

  return {
    observe(chunk) {
      current = chunk;
      view = viewOf(chunk);
      let at = 0;
      while (at < chunk.length) at = step(chunk, at);
      if (inStatement) held.keep(chunk, statementStart, chunk.length);
      statementStart -= chunk.length;
      position -= chunk.length;
      chunkStart += chunk.length;
    },
    isBetweenStatements: () => state === 'sql' && !inStatement,
    longestStatement: () => longest,
  };
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
