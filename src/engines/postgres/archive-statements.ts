import { isGrantor, newGrants } from './dump-statements.ts';

/** What a text of SQL is made of, as the server reads it, but for what is quoted and for comments that hold others. */
const TOKEN =
  /--[^\n\r]*|\/\*|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|[\s\S]/y;
const WORD = /^[A-Za-z_\u0080-\uffff]/;
const AFTER_HIGH_BYTE = /[\u0080-\uffff]\\'/;
const FUNCTION = /^create (?:or replace )?(?:function|procedure)\b/;
const OF_BODIES = ['select', 'insert', 'update', 'delete', 'merge', 'return', 'with', 'values', 'end'];
/** In an archive the first two are data, and what the third sets pg_restore sets by itself. */
const OF_PLAIN = /^(?:copy|insert|set)\b/;
const MOST_WORDS = 64;

/**
 * What in a text that is sent to the server as it stands, a character for each byte, is no statement of pg_dump; null: nothing. It is read
 * twice, as `standard_conforming_strings` decides what a backslash means in it, and a dump can change that. `isGranting`: it may hold what
 * somebody else than the owner granted, as that role.
 */
export function whyForeign(text: string, isGranting = false): string | null {
  const read = (isStandard: boolean) => whyForeignAs(text, isStandard, isGranting);
  return read(true) ?? (text.includes('\\') ? read(false) : null);
}

/**
 * Whether a text is no more than one statement, without comments and with each quotation closed: whatever is put before and behind it then
 * stands outside of them.
 */
export function isWhole(text: string): boolean {
  return isWholeAs(text, true) && isWholeAs(text, false);
}

function isWholeAs(text: string, isStandard: boolean): boolean {
  let isOver = false;
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at, isStandard);
    if (token === null || /^(?:--|\/\*|\$.)/.test(token)) return false;
    at += token.length;
    if (/^\s/.test(token)) continue;
    if (isOver || (/^e?['"]/i.test(token) && !isClosed(token, isStandard))) return false;
    isOver = token === ';';
  }
  return true;
}

/** An open one takes what is put behind it for its own. */
function isClosed(token: string, isStandard: boolean): boolean {
  const mark = token.replace(/^e/i, '')[0] ?? '';
  return tokenAt(`${token} ${mark}`, 0, isStandard) === token;
}

function whyForeignAs(text: string, isStandard: boolean, isGranting: boolean): string | null {
  let head = '';
  let words = '';
  let quotedAfter = -1;
  let onWhat: string | null = null;
  let depth = 0;
  let body: 'none' | 'begun' | 'atomic' | 'over' = 'none';
  let isFirst = false;
  const grants = newGrants();
  const foreign = () => {
    if (head === '') return null;
    const statement = { head, words, quotedAfter, onWhat };
    const isPlain = OF_PLAIN.test(words) && !(isGranting && isGrantor(statement));
    return isPlain ? words : grants.whatIsForeign(statement);
  };
  const reset = () => {
    head = '';
    words = '';
    quotedAfter = -1;
    onWhat = null;
    body = 'none';
  };
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at, isStandard);
    if (token === null) return `${text.slice(at, at + 40)}`;
    at += token.length;
    if (/^(?:\s|--|\/\*)/.test(token)) continue;
    const isQuoted = /^(?:e?'|"|\$.*\$)/i.test(token);
    const word = !isQuoted && WORD.test(token) ? token.toLowerCase() : '';
    if (head.length < 5 && (token !== ';' || depth > 0)) head += token.slice(0, 5);
    if (word !== '') {
      if (words.length < MOST_WORDS) words += words === '' ? word : ` ${word}`;
      if (onWhat === '') onWhat = word;
      else if (word === 'on' && onWhat === null) onWhat = '';
    } else if (isQuoted && quotedAfter < 0) quotedAfter = words.length;
    if (token === '(') depth += 1;
    if (token === ')') depth = Math.max(0, depth - 1);
    if (token === ';') {
      if (depth > 0) continue;
      if (body === 'atomic') {
        isFirst = true;
        continue;
      }
      const found = foreign();
      if (found !== null) return found;
      reset();
      continue;
    }
    if (body === 'begun') {
      body = word === 'atomic' ? 'atomic' : 'none';
      isFirst = true;
      continue;
    }
    if (body === 'atomic' && isFirst) {
      isFirst = false;
      if (word === 'end') body = 'over';
      else if (token !== '(' && !OF_BODIES.includes(word)) return `${token} in a function`;
      continue;
    }
    if (word === 'begin' && depth === 0 && FUNCTION.test(words)) body = 'begun';
  }
  return foreign() ?? (grants.isOpen() ? 'set session authorization' : null);
}

/** The next token from there on; null where nobody can tell where it ends. */
function tokenAt(text: string, at: number, isStandard: boolean): string | null {
  const first = text[at] ?? '';
  if (first === "'") return quotedAt(text, at, isStandard);
  if (first === '"') return quotedAt(text, at, true);
  if (/e/i.test(first) && text[at + 1] === "'") {
    const token = first + quotedAt(text, at + 1, false);
    // Half of a sign, in encodings in which a backslash may be that.
    return AFTER_HIGH_BYTE.test(token) ? null : token;
  }
  TOKEN.lastIndex = at;
  const token = TOKEN.exec(text)?.[0] ?? first;
  if (token === '/*') return commentAt(text, at);
  if (!/^\$.*\$$/.test(token)) return token;
  const end = text.indexOf(token, at + token.length);
  return end < 0 ? text.slice(at) : text.slice(at, end + token.length);
}

/** Its mark is doubled within. What is open up to the end, the server takes none of. */
function quotedAt(text: string, at: number, isStandard: boolean): string {
  const mark = text[at];
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === '\\' && !isStandard) end += 1;
    else if (text[end] === mark) {
      if (text[end + 1] !== mark) return text.slice(at, end + 1);
      end += 1;
    }
  }
  return text.slice(at);
}

function commentAt(text: string, at: number): string {
  let depth = 1;
  let end = at + 2;
  while (depth > 0 && end < text.length) {
    const next = text.slice(end, end + 2);
    if (next === '/*') depth += 1;
    if (next === '*/') depth -= 1;
    end += next === '/*' || next === '*/' ? 2 : 1;
  }
  return text.slice(at, end);
}
