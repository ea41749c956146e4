import { type Reading, refuse } from './reading.ts';
import { AND, COLON, isUpperCase, lowerSignOf, QUOTE } from './signs.ts';

/** More than any word that counts has. */
const MOST_WORD = 64;
const BLOCK_WORD = /^(?:begin|end)$/;
const NUMBERED_WORD = /^\d.*(?:begin|case|end)$/;
/** The beginnings of texts, which are no words. */
const PREFIX = /^[ebxn]$/;
/** What a server writes in capitals, and so perhaps behind the colon of a slice (`ar[1:CASE …]`): no such variable exists. */
const OF_EXPRESSIONS =
  /^(?:case|cast|coalesce|extract|greatest|grouping|json_value|least|null|nullif|position)$/;

/** Puts words together from their bytes, in lower case, and refuses those that psql reads in its own way, as a variable above all. */
export function newWords(reading: Reading, take: (word: string, isCounted: boolean, at: number) => void) {
  let word = '';
  let before = 0;
  let isVariable = false;
  return {
    /** The next byte of one. `isBehindColon`: before it stands a colon that is none of a cast. */
    add(byte: number, isBehindColon: boolean): void {
      if (word === '') {
        before = reading.previous;
        isVariable = isBehindColon && isUpperCase(byte);
      }
      if (word.length < MOST_WORD) word += lowerSignOf(byte);
    },
    /** At a byte that is none of a word: takes the one that has ended, if there is one. */
    end(byte: number, at: number): void {
      if (word === '') return;
      if (NUMBERED_WORD.test(word)) refuse(reading, 'a number that goes on as a word', at);
      if (before === COLON && BLOCK_WORD.test(word)) refuse(reading, `:${word}`, at);
      if (isVariable && !OF_EXPRESSIONS.test(word)) refuse(reading, 'a variable of psql', at);
      if (word === 'u' && byte === AND) refuse(reading, 'U&', at);
      const ended = word;
      word = '';
      if (byte === QUOTE && PREFIX.test(ended)) return;
      // psql takes a CASE behind a colon for a variable, and so counts its END alone.
      take(ended, ended !== 'case' || before !== COLON, at);
    },
  };
}
