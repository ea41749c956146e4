import { isLargeObjectCall, isMark, newGrants } from '../dump-statements.ts';
import { COPY, newCopyStatement } from './copy.ts';
import { newFunctionBody } from './function-body.ts';
import { blank, type Reading, refuse, refuseStatement } from './reading.ts';
import { CLOSING, OPENING, signOf } from './signs.ts';

const MOST_WORDS = 64;
const MOST_SAID = 40;
const MOST_ENDING = 64;
const MOST_KEPT = 16;

/**
 * Follows a statement to the semicolon that ends it for psql, and refuses what pg_dump does not begin statements with, above all what ends a
 * transaction. `isInTransaction`: the dump is sent in one of ours, so that those around large objects are blanked out.
 */
export function newStatement(reading: Reading, isInTransaction: boolean) {
  const copy = newCopyStatement();
  const body = newFunctionBody(reading);
  const grants = newGrants();
  /** Between the BEGIN and COMMIT that pg_dump writes around large objects. */
  let isInPair = false;
  /** The last bytes of the statement that are neither quoted nor a comment, and its first. */
  let ending = '';
  let head = '';
  /** Its first words, in lower case. */
  let words = '';
  /** How many of the words stand before the first thing that is quoted; -1: nothing is. */
  let quotedAfter = -1;
  let onWhat: string | null = null;
  let parentheses = 0;

  const clear = (): void => {
    head = '';
    copy.clear();
    ending = '';
    words = '';
    quotedAfter = -1;
    onWhat = null;
    body.end();
  };

  const refuseForeign = (at: number): void => {
    const foreign = isInPair ? words : grants.whatIsForeign({ head, words, quotedAfter, onWhat });
    if (foreign !== null) {
      refuseStatement(reading, `a statement “${foreign.slice(0, MOST_SAID)}…”`, at);
    }
  };

  /** What begins and ends the transaction around large objects, as pg_dump writes it. */
  const endMark = (chunk: Uint8Array, at: number): void => {
    const isBegin = words === 'begin';
    if (isBegin === isInPair || grants.isOpen() || !isMark(chunk, at, words))
      refuseStatement(reading, `a statement “${words}”`, at);
    isInPair = isBegin;
    if (isInTransaction) blank(reading, chunk, at - words.length, at + 1);
  };

  return {
    /** Nothing of one has come yet. */
    isEmpty: () => head === '',
    /** A byte that is neither quoted nor a comment, nor what begins or ends these. */
    add(byte: number): void {
      const sign = signOf(byte);
      if (head.length < COPY.length) head = (head + sign).trimStart();
      ending = ending.length < MOST_ENDING ? ending + sign : ending.slice(-MOST_KEPT) + sign;
      if (head === COPY) copy.add(byte, parentheses > 0);
      if (byte === OPENING) {
        parentheses += 1;
        body.openBracket();
      } else if (byte === CLOSING) parentheses = Math.max(0, parentheses - 1);
    },
    /** A dash or a slash that has begun no comment. */
    addOperator(sign: '-' | '/'): void {
      if (head.length < COPY.length) head += sign;
    },
    /** `isCounted`: not as psql counts the words of functions' bodies. */
    addWord(word: string, isCounted: boolean, at: number): void {
      if (words.length < MOST_WORDS) words += words === '' ? word : ` ${word}`;
      if (onWhat === '') onWhat = word;
      else if (word === 'on' && onWhat === null) onWhat = '';
      if (parentheses === 0 && isCounted) body.follow(word, words, ending, at);
    },
    /** Something quoted, a comment, or an operator that may be one: it stands between the words. */
    addOther(what: 'name' | 'text' | 'comment'): void {
      ending = '';
      if (what !== 'comment') {
        if (quotedAfter < 0) quotedAfter = words.length;
        if (head.length < COPY.length) head += '"';
      }
      if (head === COPY) copy.addOther(what === 'name');
    },
    /** A semicolon. True where rows of a COPY follow. */
    end(chunk: Uint8Array, at: number): boolean {
      const isCopy = head === COPY && copy.hasRows();
      const isInner = parentheses > 0 || body.isOpen();
      if (isInner ? /from\s+stdin$/i.test(ending) : /^copy\b/.test(words) && !isCopy) {
        refuse(reading, 'a COPY as no pg_dump writes it', at);
      }
      if (isInner) {
        if (parentheses === 0) body.endInner();
        return false;
      }
      if (words === 'begin' || words === 'commit') endMark(chunk, at);
      else if (isInPair ? !isLargeObjectCall(words) : head !== '') refuseForeign(at);
      clear();
      return isCopy;
    },
    /** At the dump's end. */
    finish(): void {
      if (grants.isOpen()) {
        refuseStatement(reading, 'SET SESSION AUTHORIZATION without its end', 0);
      }
    },
  };
}

export type Statement = ReturnType<typeof newStatement>;
