import { type Held, MOST_HELD, newHeld } from './held.ts';
import type { SqlDialect } from './sql-dialect.ts';

/**
 * The statement that a scanner is in: where it began, what it is, and what is kept of it while it goes on from chunk to chunk. It is a
 * record and no closure, since each quote and bracket outside of what is gone over fast asks for it.
 */
export interface OpenStatement {
  /** Beyond its first byte that is neither space nor comment. */
  isOpen: boolean;
  /** Position in the present chunk, negative where it began before: a small number in a text of any length. */
  start: number;
  startsLine: boolean;
  /** How many bytes of its beginning were looked at to recognise COPY, and whether they are COPY's. */
  headBytes: number;
  isCopy: boolean;
  /** Brackets that are open, and those that were opened outside of others. */
  depth: number;
  groups: number;
  /** Bytes of the longest that has ended, without its semicolon. */
  longest: number;
  readonly held: Held;
}

const COPY = [...'COPY '].map((letter) => letter.charCodeAt(0));
/** As many are looked at, where it may be one. */
export const HEAD_BYTES = COPY.length;
const OPENING = 0x28;

export function newOpenStatement(): OpenStatement {
  return {
    isOpen: false,
    start: 0,
    startsLine: false,
    headBytes: 0,
    isCopy: false,
    depth: 0,
    groups: 0,
    longest: 0,
    held: newHeld(),
  };
}

export function beginStatement(
  statement: OpenStatement,
  start: number,
  startsLine: boolean,
  mayBeCopy: boolean,
): void {
  statement.isOpen = true;
  statement.start = start;
  statement.startsLine = startsLine;
  statement.headBytes = mayBeCopy ? 0 : HEAD_BYTES;
  statement.isCopy = mayBeCopy;
  statement.depth = 0;
  statement.groups = 0;
}

/** Takes a byte of it that stands outside of comments. */
export function takeByte(statement: OpenStatement, byte: number): void {
  if (statement.headBytes === HEAD_BYTES) return;
  statement.isCopy &&= COPY[statement.headBytes] === byte;
  statement.headBytes += 1;
}

/** Takes a bracket of it, besides. */
export function takeBracket(statement: OpenStatement, byte: number): void {
  if (byte === OPENING && statement.depth === 0) statement.groups += 1;
  statement.depth += byte === OPENING ? 1 : -1;
}

/** Ends it before its semicolon and tells it; gives true for a COPY, which is told behind its data by `tellStatement`. */
export function endStatement(
  statement: OpenStatement,
  chunk: Uint8Array,
  at: number,
  onStatement: SqlDialect['onStatement'],
): boolean {
  const { start, startsLine, groups, held } = statement;
  statement.longest = Math.max(statement.longest, at - start);
  statement.isOpen = false;
  if (statement.isCopy && statement.headBytes === HEAD_BYTES) {
    held.keep(chunk, start, at);
    return true;
  }
  if (start < 0) {
    held.keep(chunk, start, at);
    tellStatement(statement, null, onStatement);
  } else {
    // Most lie in one chunk, and are told without a copy.
    const isWhole = at - start <= MOST_HELD;
    onStatement?.({ bytes: chunk, start, end: at, isWhole, startsLine, groups, copied: null });
  }
  return false;
}

export function tellStatement(
  { startsLine, groups, held }: OpenStatement,
  copied: number | null,
  onStatement: SqlDialect['onStatement'],
): void {
  const bytes = held.bytes();
  onStatement?.({
    bytes,
    start: 0,
    end: bytes.length,
    isWhole: held.isWhole,
    startsLine,
    groups,
    copied,
  });
  held.clear();
}

/** Keeps what has come of it: the chunk is over. */
export function leaveChunk(statement: OpenStatement, chunk: Uint8Array): void {
  if (statement.isOpen) statement.held.keep(chunk, statement.start, chunk.length);
  statement.start -= chunk.length;
}
