import { backToSql, blank, type PartReader, type Reading, refuse } from './reading.ts';
import { NEWLINE } from './signs.ts';

const MOST_LINE = 128;
const MOST_SAID = 20;

/**
 * Reads commands of psql: the pair `\restrict` and `\unrestrict` with one key, which is blanked out, since psql is locked by a key of ours.
 * All others are refused.
 */
export function newCommandReader(reading: Reading) {
  let line = '';
  let key: string | null = null;
  let isLocked = false;

  const check = (at: number): void => {
    const [, name, given = ''] = /^(restrict|unrestrict) ([A-Za-z0-9]+)$/.exec(line) ?? [];
    if (name === 'restrict' && key === null) {
      key = given;
      isLocked = true;
    } else if (name === 'unrestrict' && isLocked && given === key) {
      isLocked = false;
    } else {
      refuse(reading, `the command \\${line.slice(0, MOST_SAID)}`, at);
    }
  };

  const read: PartReader = (chunk, from) => {
    const found = chunk.indexOf(NEWLINE, from);
    const end = found < 0 ? chunk.length : found;
    line += String.fromCharCode(...chunk.subarray(from, Math.min(end, from + MOST_LINE)));
    blank(reading, chunk, from, end);
    if (line.length > MOST_LINE) refuse(reading, `the command \\${line.slice(0, MOST_SAID)}`, from);
    if (found < 0) return end;
    check(from);
    backToSql(reading, NEWLINE);
    return found + 1;
  };

  return {
    /** At its backslash. */
    begin(chunk: Uint8Array, at: number): void {
      line = '';
      reading.part = 'command';
      blank(reading, chunk, at, at + 1);
    },
    read,
  };
}
