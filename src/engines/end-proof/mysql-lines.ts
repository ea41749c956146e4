import { newHeld } from './held.ts';
import { newMysqlCode } from './mysql-code.ts';
import { newQuotedWalk } from './mysql-quotes.ts';
import { viewOf } from './shift-walk.ts';

/** Follows a dump of MySQL line by line and through its quotes and comments, across any chunking. */
export interface MysqlLines {
  observe(chunk: Uint8Array): void;
  /** Whether the bytes so far end in the body of a trigger, an event or a routine. */
  isInBody(): boolean;
  /** Whether they end within an INSERT, a CREATE TABLE, or a quote or block comment of anything else. */
  isInStatement(): boolean;
  /** Bytes of the longest line or statement that has ended. */
  longest(): number;
}

/** Its bytes are those from `start` to `end`, without its semicolon; of an INSERT that came in pieces only the beginning. */
export interface MysqlStatement {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isWhole: boolean;
  readonly isInsert: boolean;
  /** Brackets that were opened outside of quotes, up to the first line of rows where each has its own. */
  readonly brackets: number;
  /** Lines of rows. */
  readonly rowLines: number;
}

const NEWLINE = 0x0a;
const SEMICOLON = 0x3b;
const WORD_BYTES = 12;
const INSERT = 'INSERT INTO ';
const TABLE = 'CREATE TABLE';
const DELIMITER = 'DELIMITER ;';
/** More than the name of a table and what stands before it. */
const INSERT_BYTES = 2048;

type State =
  /** At the first bytes of a line; in what is left of it, and in the next ones where a quote or a comment goes on. */
  | 'word'
  | 'line'
  | 'table'
  | 'insert'
  /** In the rows of an INSERT, each on a line of its own, as MariaDB's tool writes them. */
  | 'rows';

/**
 * Statements stand at the beginning of a line, outside of the lines `DELIMITER ;;` and `DELIMITER ;` with a body between them; in a
 * quote or a comment, which names and bodies may carry over lines, none of these means anything.
 * A newline in a row is written as `\n`: where rows have lines of their own, each of them ends one.
 */
export function newMysqlLines(onStatement: (statement: MysqlStatement) => void): MysqlLines {
  let state: State = 'word';
  let word = '';
  let inBody = false;
  let rowLines = 0;
  let last = 0;
  let current: Uint8Array = new Uint8Array(0);
  let bytes = viewOf(current);
  let chunkStart = 0;
  let statementStart = 0;
  let lineStart = 0;
  let longest = 0;
  const walk = newQuotedWalk();
  const held = newHeld();
  const code = newMysqlCode();

  const readWord = (chunk: Uint8Array, at: number): number => {
    const byte = chunk[at] ?? 0;
    if (byte !== NEWLINE) {
      word += String.fromCharCode(byte);
      if (word.length < WORD_BYTES) return at + 1;
    }
    if (!inBody && (word === INSERT || word === TABLE)) {
      state = word === INSERT ? 'insert' : 'table';
      walk.begin();
    } else {
      state = 'line';
      held.clear();
      if (word.startsWith(DELIMITER)) {
        inBody = word === `${DELIMITER};`;
        code.begin(inBody ? 2 : 1);
      } else {
        code.readLine(Uint8Array.from(word, byteOf), 0);
      }
    }
    rowLines = 0;
    // The newline of a shorter line is read again.
    return byte === NEWLINE ? at : at + 1;
  };

  /** To the end of this line and over it. */
  const readLine = (chunk: Uint8Array, at: number): number => {
    const found = state === 'line' ? code.readLine(chunk, at) : chunk.indexOf(NEWLINE, at);
    const newline = found < 0 ? chunk.length : found;
    if (newline === chunk.length) return newline;
    if (state === 'rows') {
      rowLines += 1;
      if ((newline === 0 ? last : chunk[newline - 1]) === SEMICOLON) endStatement(newline - 1);
    }
    if (state === 'line') {
      code.endLine();
      if (!code.isOpen()) {
        state = 'word';
        word = '';
      }
      statementStart = chunkStart + newline + 1;
    }
    longest = Math.max(longest, chunkStart + newline - lineStart);
    lineStart = chunkStart + newline + 1;
    return newline + 1;
  };

  const readStatement = (chunk: Uint8Array, at: number): number => {
    const next = walk.read(chunk, bytes, at, state === 'insert' ? NEWLINE : -1);
    if (walk.stoppedAt === NEWLINE) {
      state = 'rows';
      lineStart = chunkStart + next;
    } else if (walk.stoppedAt === SEMICOLON) {
      endStatement(next - 1);
    }
    return next;
  };

  const keep = (end: number): void => {
    const start = statementStart - chunkStart;
    if (state === 'word' || state === 'table') held.keep(current, start, end);
    else if (held.kept < INSERT_BYTES) {
      held.keep(current, start, Math.min(end, Math.max(0, start) + INSERT_BYTES));
    }
  };

  const endStatement = (end: number): void => {
    const start = statementStart - chunkStart;
    longest = Math.max(longest, state === 'rows' ? 0 : end - start);
    const told = { isInsert: state !== 'table', brackets: walk.brackets, rowLines };
    if (start >= 0) {
      onStatement({ bytes: current, start, end, isWhole: true, ...told });
    } else {
      keep(Math.max(0, end));
      const kept = held.bytes();
      onStatement({ bytes: kept, start: 0, end: kept.length, isWhole: held.isWhole, ...told });
    }
    held.clear();
    state = 'line';
    code.begin(1);
  };

  return {
    observe(chunk) {
      current = chunk;
      bytes = viewOf(chunk);
      for (let at = 0; at < chunk.length; ) {
        if (state === 'word') at = readWord(chunk, at);
        else if (state === 'insert' || state === 'table') at = readStatement(chunk, at);
        else at = readLine(chunk, at);
      }
      if (state !== 'line') keep(chunk.length);
      last = chunk.at(-1) ?? last;
      chunkStart += chunk.length;
    },
    isInBody: () => inBody,
    isInStatement: () => (state === 'line' ? code.isOpen() : state !== 'word'),
    longest: () => longest,
  };
}

const byteOf = (sign: string) => sign.charCodeAt(0);
