import { newBlockComment } from './block-comment.ts';
import { type CopyRows, newCopyRows } from './copy-rows.ts';
import { isNameByte, newDollarQuote } from './dollar-quote.ts';
import type { InsertRun } from './insert-run.ts';
import {
  beginStatement,
  endStatement,
  HEAD_BYTES,
  leaveChunk,
  newOpenStatement,
  takeBracket,
  takeByte,
  tellStatement,
} from './open-statement.ts';
import { runThrough, type ShiftWalk, viewOf } from './shift-walk.ts';
import type { SqlDialect } from './sql-dialect.ts';
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

const NEWLINE = 0x0a;
const STAR = 0x2a;

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
  const { isPostgres, inserts, onStatement } = dialect;
  const walk: ShiftWalk = { table, state: OUTSIDE, marks: 0 };
  let state: State = 'sql';
  const statement = newOpenStatement();
  let current: Uint8Array = new Uint8Array(0);
  let view = viewOf(current);
  /** Of the present byte, in the present chunk. */
  let position = 0;
  let chunkStart = 0;
  let closing = 0;
  let mark = 0;
  let previous = 0;
  let copy: CopyRows | undefined;
  const dollarQuote = newDollarQuote();
  const comment = newBlockComment();
  /** Of what `mark` stands for. */
  let isLineStart = false;

  const startOrGoOn = (byte: number): void => {
    if (!statement.isOpen) {
      beginStatement(statement, position, previous === NEWLINE || chunkStart + position === 0, isPostgres);
    }
    takeByte(statement, byte);
  };

  /** Reads ordinary SQL to the next byte that means something; gives the position after it. */
  const readSql = (chunk: Uint8Array, from: number): number => {
    let at = from;
    while (at < chunk.length) {
      if (statement.isOpen && statement.headBytes === HEAD_BYTES) {
        at = passOver(chunk, at);
        if (state !== 'sql' || at === chunk.length) break;
      }
      const byte = chunk[at] ?? 0;
      position = at;
      at += 1;
      readByte(byte);
      previous = byte;
      if (inserts !== undefined && kinds[byte] === SEMICOLON) at = passInserts(at, inserts);
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
    leaveWalk();
    return at;
  };

  /** From behind a semicolon over all INSERTs that follow and need not be told, and into the one that is not over there. */
  const passInserts = (from: number, inserts: InsertRun): number => {
    const at = inserts.read(walk, view, from);
    if (inserts.openAt >= 0) {
      beginStatement(statement, inserts.openAt, true, isPostgres);
      leaveWalk();
    }
    return at;
  };

  const leaveWalk = (): void => {
    if (walk.state === DASHED) {
      mark = DASH;
      state = 'mark';
    } else if (walk.state !== OUTSIDE) {
      closing = walk.state === SINGLE ? APOSTROPHE : QUOTATION;
      state = 'quoted';
    }
  };

  const readByte = (byte: number): void => {
    switch (kinds[byte]) {
      case PLAIN:
        startOrGoOn(byte);
        break;
      case SPACE:
        if (statement.isOpen) takeByte(statement, byte);
        break;
      case QUOTE:
        startOrGoOn(byte);
        closing = closings[byte] ?? byte;
        state = 'quoted';
        break;
      case SEMICOLON:
        if (statement.isOpen && endStatement(statement, current, position, onStatement)) state = 'copy-head';
        break;
      case BRACKET:
        startOrGoOn(byte);
        takeBracket(statement, byte);
        break;
      default:
        readMeaningful(byte);
    }
  };

  const readMeaningful = (byte: number): void => {
    if (byte === BACKSLASH) {
      if (!statement.isOpen) state = 'command';
    } else if (byte === DOLLAR) {
      startOrGoOn(byte);
      if (isNameByte(previous) || previous === DOLLAR) return;
      dollarQuote.begin();
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
      comment.begin();
      return at + 1;
    }
    const isBegun = statement.isOpen;
    startOrGoOn(mark);
    // The first byte of a statement, and the last of the chunk before: nobody else has kept it.
    if (!isBegun && position < 0) statement.held.keep(Uint8Array.of(mark), 0, 1);
    previous = mark;
    state = 'sql';
    return at;
  };

  const readBlockComment = (chunk: Uint8Array, from: number): number => {
    const at = comment.read(chunk, from);
    if (comment.isOver) {
      if (!statement.isOpen && isLineStart) dialect.onBlockComment?.(comment.text);
      previous = SLASH;
      state = 'sql';
    }
    return at;
  };

  const readDollarTag = (byte: number, at: number): number => {
    const read = dollarQuote.readTag(byte);
    if (read === 'none') {
      previous = DOLLAR;
      state = 'sql';
      return at;
    }
    if (read === 'end') state = 'dollar-quoted';
    else if (read === 'lost') state = 'lost';
    return at + 1;
  };

  const readDollarQuoted = (chunk: Uint8Array, from: number): number => {
    const at = dollarQuote.readQuoted(chunk, from);
    if (dollarQuote.isOver) {
      previous = 0;
      state = 'sql';
    }
    return at;
  };

  const readCopyData = (chunk: Uint8Array, from: number): number => {
    copy ??= newCopyRows();
    const at = copy.read(chunk, from, chunk.length);
    if (copy.isOver) {
      tellStatement(statement, copy.rows, onStatement);
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
      leaveChunk(statement, chunk);
      position -= chunk.length;
      chunkStart += chunk.length;
    },
    isBetweenStatements: () => state === 'sql' && !statement.isOpen,
    longestStatement: () => Math.max(statement.longest, inserts?.longest ?? 0),
  };
}
