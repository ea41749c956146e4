/** With what pg_dump begins statements, in every version whose dumps are restored, without `--create` and `--use-set-session-authorization`. */
const BEGINNINGS =
  /^(?:alter|comment on|copy|create|drop|grant|insert into|refresh materialized view|revoke|security label|select|set)\b/;
/** What is of the whole server, and so outlives the one database that is restored. */
const ELSEWHERE =
  /^(?:alter|create|drop) (?:database|group|role|system|tablespace|user(?! mapping (?:for|if)\b))\b|^drop owned\b/;
/** What would change as whom the rest runs, or in which transaction. */
const SETTINGS =
  /^set (?:characteristics|constraints|local|role|session|session_authorization|time|transaction)\b/;
const CALLS =
  /^select (?:from )?(?:pg_catalog )?(?:lo_close|lo_create|lo_open|lo_unlink|lowrite|pg_restore_[a-z_]+|set_config|setval)\b/;
const LARGE_OBJECT_CALL = /^select pg_catalog (?:lo_close|lo_create|lo_open|lowrite)\b/;
const OF_SERVER = /^(?:database|parameter|role|tablespace)$/;
/** The comment of a database stands in dumps of versions before 11. */
const OF_ALL = /^(?:role|tablespace)$/;
const FIRST_LETTER = /^[a-z]/i;

/** What is known of a statement when it ends: its first words, in lower case, without what is quoted or commented out. */
export interface StatementHead {
  /** Its first signs, as they stand; a quotation mark for what is quoted. */
  readonly head: string;
  /** At least two dozen bytes of them. */
  readonly words: string;
  /** How many bytes of the words stand before the first thing that is quoted; -1: nothing is. */
  readonly quotedAfter: number;
  /** The word behind the first ON; empty: none is yet; null: there is no ON. */
  readonly onWhat: string | null;
}

/**
 * The words by which a statement is none of those that pg_dump writes for one database: it ends the transaction, is about the server,
 * other databases or roles, or calls what pg_dump does not. Null: it is one of them. What a server runs by itself, such as functions in
 * defaults, checks and indexes, no reader can tell.
 */
export function whatIsForeign({ head, words, quotedAfter, onWhat }: StatementHead): string | null {
  const unquoted = quotedAfter < 0 ? words : words.slice(0, quotedAfter);
  const isKnown =
    FIRST_LETTER.test(head) &&
    BEGINNINGS.test(unquoted) &&
    !ELSEWHERE.test(words) &&
    !SETTINGS.test(words) &&
    (!/^set\b/.test(words) || unquoted.includes(' ')) &&
    (!/^select\b/.test(words) || CALLS.test(unquoted)) &&
    // Without ON, what is granted is a role.
    (!/^(?:grant|revoke)\b/.test(words) || (onWhat !== null && !OF_SERVER.test(onWhat))) &&
    (!/^(?:comment|security)\b/.test(words) || !OF_ALL.test(onWhat ?? ''));
  return isKnown ? null : words;
}

/** A quoted name may be any. */
const GRANTOR = /^set session authorization(?: (?!default$)[a-z_]\w*)?$/;
const END_OF_GRANTS = 'reset session authorization';

/**
 * Follows what pg_dump writes for rights that somebody else than the owner granted, who may pass them on: SET SESSION AUTHORIZATION to
 * them, their GRANT or REVOKE, and RESET SESSION AUTHORIZATION.
 */
export function newGrants() {
  let stage: 'none' | 'begun' | 'granted' = 'none';
  return {
    /** Whether the statements that come now would run as somebody else. */
    isOpen: () => stage !== 'none',
    /** As `whatIsForeign`, of one statement behind the other. */
    whatIsForeign(statement: StatementHead): string | null {
      const { words } = statement;
      if (stage === 'none') {
        if (!isGrantor(statement)) return whatIsForeign(statement);
        stage = 'begun';
        return null;
      }
      if (words === END_OF_GRANTS && stage === 'granted') {
        stage = 'none';
        return null;
      }
      stage = 'granted';
      return /^(?:grant|revoke)\b/.test(words) ? whatIsForeign(statement) : words;
    },
  };
}

/** It names one role, and that is all that the server takes there. */
export function isGrantor({ words, quotedAfter }: StatementHead): boolean {
  const isQuoted = words.endsWith(' authorization');
  return GRANTOR.test(words) && quotedAfter === (isQuoted ? words.length : -1);
}

/** One of those that pg_dump puts between its own BEGIN and COMMIT. */
export function isLargeObjectCall(words: string): boolean {
  return LARGE_OBJECT_CALL.test(words);
}

const NEWLINE = 0x0a;
const MARKS = ['BEGIN;', 'COMMIT;'];
const MOST_MARK = 7;
const LETTERS = new Set(new TextEncoder().encode('BEGINCOMMIT'));

/** Whether the word before `at` stands there as pg_dump writes these: in capitals, right behind a line's beginning. */
export function isMark(chunk: Uint8Array, at: number, word: string): boolean {
  const from = at - word.length;
  if (from < 0 || (from > 0 && chunk[from - 1] !== NEWLINE)) return false;
  return String.fromCharCode(...chunk.subarray(from, at)) === word.toUpperCase();
}

/** Where a mark begins that has not come whole, at the end of the chunk; else the chunk's length. `isAtLine`: it begins a line. */
export function cutBefore(chunk: Uint8Array, isAtLine: boolean): number {
  if (!LETTERS.has(chunk[chunk.length - 1] ?? 0)) return chunk.length;
  const newline = chunk.subarray(-MOST_MARK).lastIndexOf(NEWLINE);
  const from = Math.max(0, chunk.length - MOST_MARK) + newline + 1;
  if (newline < 0 && (!isAtLine || chunk.length >= MOST_MARK)) return chunk.length;
  const last = String.fromCharCode(...chunk.subarray(from));
  const mayBe = last !== '' && MARKS.some((mark) => mark.startsWith(last) && mark !== last);
  return mayBe ? from : chunk.length;
}
