import { type Reading, refuseStatement } from './reading.ts';

/** Words that psql counts by, to know whether a semicolon ends a function's body (psqlscan.l of 14 and later). */
const OF_FUNCTIONS = /^create (?:or replace )?(?:function|procedure)\b/;
/** With what the statements of a function's body begin; its end is one more. */
const OF_BODIES = /^(?:select|insert|update|delete|merge|return|with|values)$/;
const BODY = /n atomic$/i;

/**
 * Follows the words of a function's body, `BEGIN ATOMIC … END`. psql sends all of it at once, and what it takes for one: whatever the server
 * would read as more statements than this one must not be in it. An `END` behind a semicolon is the body's last word, or ends a transaction.
 */
export function newFunctionBody(reading: Reading) {
  let blocks = 0;
  /** What the next word must be. */
  let awaited: 'atomic' | 'statement' | null = null;
  return {
    isOpen: () => blocks > 0,
    /** The next word, outside of brackets. `words`: the first ones of its statement; `ending`: the last bytes of that, this word's too. */
    follow(word: string, words: string, ending: string, at: number): void {
      if (!OF_FUNCTIONS.test(words)) return;
      const was = awaited;
      awaited = null;
      if (was === 'atomic') {
        if (word !== 'atomic' || !BODY.test(ending)) {
          refuseStatement(reading, 'BEGIN without ATOMIC', at);
        }
        awaited = 'statement';
        return;
      }
      const isFirst = was === 'statement';
      if (isFirst && word !== 'end' && !OF_BODIES.test(word)) {
        refuseStatement(reading, `${word} in a function`, at);
      }
      if (word === 'begin') {
        if (blocks > 0) refuseStatement(reading, 'BEGIN in a function', at);
        blocks = 1;
        awaited = 'atomic';
      } else if (word === 'case' && blocks > 0) blocks += 1;
      else if (word === 'end' && blocks > 0) {
        if (isFirst !== (blocks === 1)) refuseStatement(reading, 'END in a function', at);
        blocks -= 1;
      }
    },
    /** A query in brackets is a statement, too. */
    openBracket(): void {
      if (awaited === 'statement') awaited = null;
    },
    /** A semicolon within it. */
    endInner(): void {
      awaited = 'statement';
    },
    /** The semicolon behind it. */
    end(): void {
      awaited = null;
    },
  };
}
