import { AppError } from '../../errors.ts';
import type { DumpGuard } from '../restore.ts';
import { cutBefore, isLargeObjectCall, isMark, newGrants } from './dump-statements.ts';

const NUL = 0;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AND = 0x26;
const QUOTE = 0x27;
const OPENING = 0x28;
const CLOSING = 0x29;
const STAR = 0x2a;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const BLANK = 0x20;
const MOST_LINE = 128;
const NOTHING = new Uint8Array(0);
const END_OF_COPY = [BACKSLASH, DOT, NEWLINE];
/** How the only statement begins and ends that a dump has rows after. */
const COPY = 'COPY ';
/** All of it behind that word: a quotation mark stands for a quoted name, and between brackets `w` for any other. */
const OF_COPY =
  /^ (?:"|[\w\x80-\xff]+)(?:\.(?:"|[\w\x80-\xff]+))? (?:\([w"](?:, [w"])*\) )? ?(?:WITH OIDS )?FROM stdin$/;
/** Of a table with the most columns that one can have, three signs for each. */
const MOST_COPY = 8192;
/** Words that psql counts by, to know whether a semicolon ends a function's body (psqlscan.l of 14 and later). */
const OF_FUNCTIONS = /^create (?:or replace )?(?:function|procedure)\b/;
const BLOCK_WORD = /^(?:begin|end)$/;
/** With what the statements of a function's body begin; its end is one more. */
const OF_BODIES = /^(?:select|insert|update|delete|merge|return|with|values)$/;
const BODY = /n atomic$/i;
const MOST_WORDS = 64;
const MOST_SAID = 40;
const MOST_ENDING = 64;
/** More than any name has. A tag is kept whole, so that it must end. */
const MOST_TAG_BYTES = 64;
const MOST_KEPT = 16;
/** Of each byte, the second in lower case: made once, as text is read sign by sign. */
const SIGNS = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
const LOWER_SIGNS = SIGNS.map((sign) => sign.toLowerCase());
/** A variable that psql itself sets; what it holds is read as if it stood in the dump. */
const VARIABLE = /^[A-Z][A-Z0-9_]*$/;
/** What a server writes in capitals, and so perhaps behind the colon of a slice (`ar[1:CASE …]`): no such variable exists. */
const OF_EXPRESSIONS =
  /^(?:case|cast|coalesce|extract|greatest|grouping|json_value|least|null|nullif|position)$/;
const LEAVING = 'which would not stay within the one database and the one transaction of a restore';
const RUNNING = 'which psql could run as a command of its own, on the host';
const AS_READ = 'which psql reads in one way or another';

type State =
  | ('sql' | 'dash' | 'slash' | 'line-comment' | 'block-comment' | 'quoted' | 'named')
  | ('dollar' | 'dollar-quoted' | 'command' | 'copy-head' | 'copy-line' | 'copy-rest');

/**
 * Reads a plain dump as psql does, and refuses each of psql's own commands in it, which run programs on the host, but the pair
 * `\restrict` and `\unrestrict` with one key of letters and digits: its arguments may run programs, too (CVE-2026-18408). Refused is
 * also a variable of psql's (`:SERVER_VERSION_NAME` holds what the server says), and what psql reads in one way or another by its
 * version, or by `standard_conforming_strings`, which a dump can change: no pg_dump writes that, but for a text that ends with a backslash.
 *
 * A dump can change `client_encoding` as well, by any expression, and psql then reads another sign where a byte of 0x80 or more stands
 * before a quote. So psql is locked by a key of our own before all else, and what locks it in the dump is blanked out.
 *
 * Refused is, too, what pg_dump does not begin statements with, above all what ends a transaction: the dump is restored in one of ours.
 * Around the data of large objects pg_dump writes one of its own, which would end it: where ours is around, that is blanked out.
 */
export function newCommandGuard(isInTransaction = true): DumpGuard {
  let state: State = 'sql';
  let position = 0;
  let previous = NEWLINE;
  /** The last bytes of the statement that are neither quoted nor a comment, and its first. */
  let ending = '';
  let head = '';
  /** Of a COPY, what stands behind that word. */
  let copied = '';
  /** Its first words, in lower case, and the one that is being read. */
  let words = '';
  let word = '';
  let beforeWord = 0;
  /** How many of the words stand before the first thing that is quoted; -1: nothing is. */
  let quotedAfter = -1;
  let onWhat: string | null = null;
  let parentheses = 0;
  let blocks = 0;
  /** Within a function's body: what the next word must be. */
  let awaited: 'atomic' | 'statement' | null = null;
  let isInPair = false;
  const grants = newGrants();
  let colons = 0;
  let isVariable = false;
  /** What is quoted behind a colon, as far as it may be a variable's name; null: nothing is. */
  let variable: string | null = null;
  let line = '';
  let depth = 0;
  let backslashes = 0;
  let beforeBackslashes = 0;
  let tag: number[] = [];
  let matched = 0;
  let key: string | null = null;
  let isLocked = false;
  /** What is sent in the place of the chunk that is read. */
  let sent: Uint8Array = new Uint8Array(0);
  /** The beginning of what may be blanked out once it has come whole. */
  let kept: Uint8Array = NOTHING;
  let isAtLine = true;

  /** In a copy, made with the first: others look at the chunk, too. */
  const blank = (chunk: Uint8Array, from: number, end: number): void => {
    if (sent === chunk) sent = new Uint8Array(chunk);
    sent.fill(BLANK, from, end);
  };

  const refuse = (
    what: string,
    at: number,
    why = RUNNING,
    whose = 'pg_dump writes no such thing, so',
  ): never => {
    throw new AppError(
      'dump_unsafe',
      `The dump holds ${what} near byte ${position + at}, ${why}. Nothing of it was kept. ${whose} look at where the file comes from; if you trust it, restore it by hand.`,
    );
  };
  const refuseStatement = (what: string, at: number): never => refuse(what, at, LEAVING);
  /** What is refused though it may be a good dump: nobody can tell how it is read. */
  const refuseUnclear = (what: string, at: number): never =>
    refuse(what, at, AS_READ, 'pg_dump may write it, and then nothing is wrong with the backup:');

  const addToStatement = (byte: number): void => {
    const sign = SIGNS[byte] ?? '';
    if (head.length < COPY.length) head = (head + sign).trimStart();
    ending = ending.length < MOST_ENDING ? ending + sign : ending.slice(-MOST_KEPT) + sign;
    if (head === COPY && copied.length < MOST_COPY) addToCopy(byte, sign);
    if (byte === OPENING) {
      parentheses += 1;
      // A query in brackets is one, too.
      if (awaited === 'statement') awaited = null;
    } else if (byte === CLOSING) parentheses = Math.max(0, parentheses - 1);
  };

  const addToCopy = (byte: number, sign: string): void => {
    if (parentheses === 0 || !isNameByte(byte)) copied += sign;
    else if (!copied.endsWith('w')) copied += 'w';
  };

  const endWord = (byte: number, at: number): void => {
    if (/^\d.*(?:begin|case|end)$/.test(word)) refuse('a number that goes on as a word', at);
    if (beforeWord === COLON && BLOCK_WORD.test(word)) refuse(`:${word}`, at);
    if (isVariable && !OF_EXPRESSIONS.test(word)) refuse('a variable of psql', at);
    if (word === 'u' && byte === AND) refuse('U&', at);
    if (byte === QUOTE && /^[ebxn]$/.test(word)) {
      // The beginning of a text, and no word.
      word = '';
      return;
    }
    if (words.length < MOST_WORDS) words += words === '' ? word : ` ${word}`;
    if (onWhat === '') onWhat = word;
    else if (word === 'on' && onWhat === null) onWhat = '';
    // psql takes a CASE behind a colon for a variable, and so counts its END alone.
    const isCounted = word !== 'case' || beforeWord !== COLON;
    if (parentheses === 0 && isCounted && OF_FUNCTIONS.test(words)) followBody(at);
    word = '';
  };

  /**
   * psql sends all of a function's body at once, and what it takes for one: whatever the server would read as more statements than this
   * one must not be in it. An `END` behind a semicolon is the body's last word, or ends a transaction.
   */
  const followBody = (at: number): void => {
    const was = awaited;
    awaited = null;
    if (was === 'atomic') {
      if (word !== 'atomic' || !BODY.test(ending)) refuseStatement('BEGIN without ATOMIC', at);
      awaited = 'statement';
      return;
    }
    const isFirst = was === 'statement';
    if (isFirst && word !== 'end' && !OF_BODIES.test(word)) refuseStatement(`${word} in a function`, at);
    if (word === 'begin') {
      if (blocks > 0) refuseStatement('BEGIN in a function', at);
      blocks = 1;
      awaited = 'atomic';
    } else if (word === 'case' && blocks > 0) blocks += 1;
    else if (word === 'end' && blocks > 0) {
      if (isFirst !== (blocks === 1)) refuseStatement('END in a function', at);
      blocks -= 1;
    }
  };

  const endStatement = (chunk: Uint8Array, at: number): void => {
    const isCopy = head === COPY && OF_COPY.test(copied);
    const isInner = parentheses > 0 || blocks > 0;
    if (isInner ? /from\s+stdin$/i.test(ending) : /^copy\b/.test(words) && !isCopy) {
      refuse('a COPY as no pg_dump writes it', at);
    }
    if (isInner) {
      if (parentheses === 0) awaited = 'statement';
      return;
    }
    if (isCopy) state = 'copy-head';
    if (words === 'begin' || words === 'commit') endMark(chunk, at);
    else if (isInPair ? !isLargeObjectCall(words) : head !== '') refuseForeign(at);
    head = '';
    copied = '';
    ending = '';
    words = '';
    quotedAfter = -1;
    onWhat = null;
    awaited = null;
  };

  const refuseForeign = (at: number): void => {
    const foreign = isInPair ? words : grants.whatIsForeign({ head, words, quotedAfter, onWhat });
    if (foreign !== null) refuseStatement(`a statement “${foreign.slice(0, MOST_SAID)}…”`, at);
  };

  /** What begins and ends the transaction around large objects, as pg_dump writes it. */
  const endMark = (chunk: Uint8Array, at: number): void => {
    const isBegin = words === 'begin';
    if (isBegin === isInPair || grants.isOpen() || !isMark(chunk, at, words))
      refuseStatement(`a statement “${words}”`, at);
    isInPair = isBegin;
    if (isInTransaction) blank(chunk, at - words.length, at + 1);
  };

  const readSql = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      // Two make a cast.
      const isBehindColon = colons % 2 === 1;
      colons = byte === COLON ? colons + 1 : 0;
      variable = isBehindColon ? '' : null;
      if (isNameByte(byte)) {
        if (word === '') {
          beforeWord = previous;
          isVariable = isBehindColon && isUpperCase(byte);
        }
        if (word.length < MOST_WORDS) word += LOWER_SIGNS[byte] ?? '';
      } else if (word !== '') {
        endWord(byte, at);
      }
      switch (byte) {
        case QUOTE:
          backslashes = 0;
          beforeBackslashes = 0;
          state = 'quoted';
          break;
        case DOUBLE_QUOTE:
          state = 'named';
          break;
        case DASH:
          state = 'dash';
          break;
        case SLASH:
          state = 'slash';
          break;
        case DOLLAR:
          if (isNameByte(previous) || previous === DOLLAR) refuse('a $ within a name', at);
          tag = [DOLLAR];
          state = 'dollar';
          break;
        case BACKSLASH:
          if (head !== '') refuse('a backslash within a statement', at);
          line = '';
          state = 'command';
          blank(chunk, at, at + 1);
          break;
        case SEMICOLON:
          endStatement(chunk, at);
          break;
        default:
          addToStatement(byte);
      }
      previous = byte;
      if (state === 'sql') continue;
      // What is quoted or commented out stands between the words.
      if (state !== 'copy-head' && state !== 'command') ending = '';
      if (['quoted', 'named', 'dollar'].includes(state)) {
        if (quotedAfter < 0) quotedAfter = words.length;
        if (head.length < COPY.length) head += '"';
      }
      if (head === COPY) noteInCopy();
      return at + 1;
    }
    return chunk.length;
  };

  /** In two parts is a name that has a quotation mark. */
  const noteInCopy = (): void => {
    if (state !== 'named') copied += '?';
    else if (!copied.endsWith('"')) copied += '"';
  };

  /** What began a comment, or an operator. */
  const readMark = (byte: number, at: number): number => {
    const isComment = byte === (state === 'dash' ? DASH : STAR);
    if (!isComment) {
      if (head.length < COPY.length) head += state === 'dash' ? '-' : '/';
      state = 'sql';
      return at;
    }
    depth = 1;
    matched = 0;
    state = state === 'dash' ? 'line-comment' : 'block-comment';
    return at + 1;
  };

  const readLineComment = (chunk: Uint8Array, from: number): number => {
    const end = chunk.indexOf(NEWLINE, from);
    const line = chunk.subarray(from, end < 0 ? chunk.length : end);
    const cut = line.indexOf(RETURN);
    if (cut < 0 && end < 0) return chunk.length;
    previous = NEWLINE;
    state = 'sql';
    return from + (cut < 0 ? line.length : cut) + 1;
  };

  const readBlockComment = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const before = matched;
      matched = byte;
      if (before === SLASH && byte === STAR) depth += 1;
      else if (before === STAR && byte === SLASH) depth -= 1;
      else continue;
      matched = 0;
      if (depth > 0) continue;
      previous = NEWLINE;
      state = 'sql';
      return at + 1;
    }
    return chunk.length;
  };

  const noteVariable = (quoted: Uint8Array): void => {
    if (variable === null || variable.length > MOST_WORDS) return;
    variable += String.fromCharCode(...quoted.subarray(0, MOST_WORDS));
  };

  const refuseVariable = (at: number): void => {
    if (variable !== null && VARIABLE.test(variable)) {
      refuseUnclear(`a quoted name behind a colon (:${variable})`, at);
    }
  };

  const readNamed = (chunk: Uint8Array, from: number): number => {
    const end = chunk.indexOf(DOUBLE_QUOTE, from);
    noteVariable(chunk.subarray(from, end < 0 ? chunk.length : end));
    if (end < 0) return chunk.length;
    refuseVariable(end);
    previous = DOUBLE_QUOTE;
    state = 'sql';
    return end + 1;
  };

  /** Backslashes before its end take away the meaning of it in E strings, in others by a setting, and as half of a sign in none. */
  const readQuoted = (chunk: Uint8Array, from: number): number => {
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
      refuseUnclear('a text that ends with a backslash', found);
    }
    previous = QUOTE;
    state = 'sql';
    return found + 1;
  };

  const readDollar = (byte: number, at: number): number => {
    if (byte === DOLLAR) {
      tag.push(byte);
      matched = 0;
      state = 'dollar-quoted';
      return at + 1;
    }
    if (isNameByte(byte) && !(tag.length === 1 && isDigit(byte))) {
      if (tag.length > MOST_TAG_BYTES) refuse('a dollar quote whose tag is longer than a name', at);
      tag.push(byte);
      return at + 1;
    }
    if (tag.length > 1) refuse('a $ within a name', at);
    previous = DOLLAR;
    state = 'sql';
    return at;
  };

  const readDollarQuoted = (chunk: Uint8Array, from: number): number => {
    for (let at = from; at < chunk.length; at += 1) {
      if (matched === 0) {
        const next = chunk.indexOf(DOLLAR, at);
        if (next < 0) return chunk.length;
        at = next;
      }
      const byte = chunk[at] ?? 0;
      if (byte === tag[matched]) matched += 1;
      else matched = byte === DOLLAR ? 1 : 0;
      if (matched < tag.length) continue;
      previous = QUOTE;
      state = 'sql';
      return at + 1;
    }
    return chunk.length;
  };

  const readCommand = (chunk: Uint8Array, from: number): number => {
    const found = chunk.indexOf(NEWLINE, from);
    const end = found < 0 ? chunk.length : found;
    line += String.fromCharCode(...chunk.subarray(from, Math.min(end, from + MOST_LINE)));
    blank(chunk, from, end);
    if (line.length > MOST_LINE) refuse(`the command \\${line.slice(0, 20)}`, from);
    if (found < 0) return end;
    checkCommand(from);
    previous = NEWLINE;
    state = 'sql';
    return found + 1;
  };

  const checkCommand = (at: number): void => {
    const [, name, given = ''] = /^(restrict|unrestrict) ([A-Za-z0-9]+)$/.exec(line) ?? [];
    if (name === 'restrict' && key === null) {
      key = given;
      isLocked = true;
    } else if (name === 'unrestrict' && isLocked && given === key) {
      isLocked = false;
    } else {
      refuse(`the command \\${line.slice(0, 20)}`, at);
    }
  };

  /** Up to the rows: what stands on the same line is read after them. */
  const readCopyHead = (byte: number, at: number): number => {
    if (byte !== NEWLINE) refuse('something behind COPY … FROM stdin;', at);
    matched = 0;
    state = 'copy-line';
    return at + 1;
  };

  const readCopyLine = (byte: number, at: number): number => {
    if (byte !== END_OF_COPY[matched]) {
      if (matched === 2 && byte === RETURN) refuse('an end of rows with a carriage return', at);
      state = 'copy-rest';
      return at;
    }
    matched += 1;
    if (matched === END_OF_COPY.length) {
      previous = NEWLINE;
      state = 'sql';
    }
    return at + 1;
  };

  /** Lines that do not begin with a backslash can't be the end. */
  const readCopyRest = (chunk: Uint8Array, from: number): number => {
    let newline = chunk.indexOf(NEWLINE, from);
    while (newline >= 0 && newline + 1 < chunk.length && chunk[newline + 1] !== BACKSLASH) {
      newline = chunk.indexOf(NEWLINE, newline + 1);
    }
    if (newline < 0) return chunk.length;
    matched = 0;
    state = 'copy-line';
    return newline + 1;
  };

  const step = (chunk: Uint8Array, at: number): number => {
    const byte = chunk[at] ?? 0;
    switch (state) {
      case 'sql':
        return readSql(chunk, at);
      case 'dash':
      case 'slash':
        return readMark(byte, at);
      case 'line-comment':
        return readLineComment(chunk, at);
      case 'block-comment':
        return readBlockComment(chunk, at);
      case 'quoted':
        return readQuoted(chunk, at);
      case 'named':
        return readNamed(chunk, at);
      case 'dollar':
        return readDollar(byte, at);
      case 'dollar-quoted':
        return readDollarQuoted(chunk, at);
      case 'command':
        return readCommand(chunk, at);
      case 'copy-head':
        return readCopyHead(byte, at);
      case 'copy-line':
        return readCopyLine(byte, at);
      default:
        return readCopyRest(chunk, at);
    }
  };

  return {
    first: new TextEncoder().encode(`\\restrict ${crypto.randomUUID().replaceAll('-', '')}\n`),
    observe(next) {
      const come = kept.length === 0 ? next : joined(kept, next);
      const end = isInTransaction ? cutBefore(come, isAtLine) : come.length;
      kept = end === come.length ? NOTHING : come.slice(end);
      const chunk = end === come.length ? come : come.subarray(0, end);
      const nul = chunk.indexOf(NUL);
      if (nul >= 0) refuse('a NUL character', nul);
      sent = chunk;
      for (let at = 0; at < chunk.length; ) at = step(chunk, at);
      position += chunk.length;
      if (chunk.length > 0) isAtLine = chunk[chunk.length - 1] === NEWLINE;
      return sent;
    },
    finish() {
      if (grants.isOpen()) refuseStatement('SET SESSION AUTHORIZATION without its end', 0);
    },
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80;
}
