import { backToSql, type PartReader, type Reading, refuseUnclear } from './reading.ts';
import { BACKSLASH, DOUBLE_QUOTE, QUOTE } from './signs.ts';

/** A variable that psql itself sets; what it holds is read as if it stood in the dump. */
const VARIABLE = /^[A-Z][A-Z0-9_]*$/;
const MOST_VARIABLE = 64;

/** Reads texts and names in quotation marks. Behind a colon psql takes either for a variable. */
export function newQuotedReaders(reading: Reading) {
  let backslashes = 0;
  let beforeBackslashes = 0;
  /** What is quoted behind a colon, as far as it may be a variable's name; null: nothing is. */
  let variable: string | null = null;

  const noteVariable = (quoted: Uint8Array): void => {
    if (variable === null || variable.length > MOST_VARIABLE) return;
    variable += String.fromCharCode(...quoted.subarray(0, MOST_VARIABLE));
  };

  const refuseVariable = (at: number): void => {
    if (variable !== null && VARIABLE.test(variable)) {
      refuseUnclear(reading, `a quoted name behind a colon (:${variable})`, at);
    }
  };

  const readName: PartReader = (chunk, from) => {
    const end = chunk.indexOf(DOUBLE_QUOTE, from);
    noteVariable(chunk.subarray(from, end < 0 ? chunk.length : end));
    if (end < 0) return chunk.length;
    refuseVariable(end);
    backToSql(reading, DOUBLE_QUOTE);
    return end + 1;
  };

  /** Backslashes before its end take away the meaning of it in E strings, in others by a setting, and as half of a sign in none. */
  const readText: PartReader = (chunk, from) => {
    const found = chunk.indexOf(QUOTE, from);
    const end = found < 0 ? chunk.length : found;
    let start = end;
    while (start > from && chunk[start - 1] === BACKSLASH) start -= 1;
    if (start > from) {
      beforeBackslashes = chunk[start - 1] ?? 0;
      backslashes = 0;
    }
    backslashes += end - start;
    noteVariable(chunk.subarray(from, end));
    if (found < 0) return end;
    refuseVariable(found);
    if (backslashes % 2 === 1 || (backslashes > 0 && beforeBackslashes >= 0x80)) {
      refuseUnclear(reading, 'a text that ends with a backslash', found);
    }
    backToSql(reading, QUOTE);
    return found + 1;
  };

  return {
    begin(part: 'quoted' | 'named', isBehindColon: boolean): void {
      backslashes = 0;
      beforeBackslashes = 0;
      variable = isBehindColon ? '' : null;
      reading.part = part;
    },
    readName,
    readText,
  };
}
