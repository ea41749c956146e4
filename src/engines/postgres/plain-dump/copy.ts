import { type PartReader, type Reading, refuse } from './reading.ts';
import { BACKSLASH, DOT, isNameByte, NEWLINE, RETURN, signOf } from './signs.ts';

/** How the only statement begins that a dump has rows after. */
export const COPY = 'COPY ';
/** All of it behind that word: a quotation mark stands for a quoted name, and between brackets `w` for any other. */
const OF_COPY =
  /^ (?:"|[\w\x80-\xff]+)(?:\.(?:"|[\w\x80-\xff]+))? (?:\([w"](?:, [w"])*\) )? ?(?:WITH OIDS )?FROM stdin$/;
/** Of a table with the most columns that one can have, three signs for each. */
const MOST_COPY = 8192;
const END_OF_ROWS = [BACKSLASH, DOT, NEWLINE];

/** What stands behind the word COPY of a statement, to know whether rows follow it. */
export function newCopyStatement() {
  let text = '';
  return {
    add(byte: number, isInBrackets: boolean): void {
      if (text.length >= MOST_COPY) return;
      if (!isInBrackets || !isNameByte(byte)) text += signOf(byte);
      else if (!text.endsWith('w')) text += 'w';
    },
    /** Something quoted, or a comment. In two parts is a name that has a quotation mark. */
    addOther(isName: boolean): void {
      if (!isName) text += '?';
      else if (!text.endsWith('"')) text += '"';
    },
    /** As pg_dump writes it. */
    hasRows: () => OF_COPY.test(text),
    clear(): void {
      text = '';
    },
  };
}

/** Reads the rows behind a COPY, up to the line that ends them. */
export function newCopyRows(reading: Reading) {
  /** How much of the end a line has so far. */
  let matched = 0;

  /** Up to the rows: what stands on the same line is read after them. */
  const readHead: PartReader = (chunk, at) => {
    if (chunk[at] !== NEWLINE) refuse(reading, 'something behind COPY … FROM stdin;', at);
    matched = 0;
    reading.part = 'copy-line';
    return at + 1;
  };

  const readLine: PartReader = (chunk, at) => {
    const byte = chunk[at];
    if (byte !== END_OF_ROWS[matched]) {
      if (matched === 2 && byte === RETURN) refuse(reading, 'an end of rows with a carriage return', at);
      reading.part = 'copy-rest';
      return at;
    }
    matched += 1;
    if (matched === END_OF_ROWS.length) {
      reading.previous = NEWLINE;
      reading.part = 'sql';
    }
    return at + 1;
  };

  /** Lines that do not begin with a backslash can't be the end. */
  const readRest: PartReader = (chunk, from) => {
    let newline = chunk.indexOf(NEWLINE, from);
    while (newline >= 0 && newline + 1 < chunk.length && chunk[newline + 1] !== BACKSLASH) {
      newline = chunk.indexOf(NEWLINE, newline + 1);
    }
    if (newline < 0) return chunk.length;
    matched = 0;
    reading.part = 'copy-line';
    return newline + 1;
  };

  return { readHead, readLine, readRest };
}
