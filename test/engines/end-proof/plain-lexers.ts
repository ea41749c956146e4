/**
 * What the scanners of a dump have to tell, by lexers that have the whole text as a string, a character a byte, and go through it in
 * the plainest way. They are slow, and share nothing with the scanners.
 */

export interface ReadStatement {
  readonly text: string;
  readonly startsLine: boolean;
  readonly groups: number;
  readonly copied: number | null;
}

const NAME = /[0-9A-Za-z_\x80-\xff]/;
const TAG = /\$(?:[A-Za-z_\x80-\xff][0-9A-Za-z_\x80-\xff]*)?\$/y;
const NO_TAG = /\$(?:[A-Za-z_\x80-\xff][0-9A-Za-z_\x80-\xff]*)?/y;

/** As `newSqlScanner`; a statement that begins with a lone `-` or `/` is not for it. */
export function readSql(text: string, quotes: readonly string[], isPostgres: boolean) {
  const statements: ReadStatement[] = [];
  let longest = 0;
  let isBetween = true;
  let start = -1;
  let before = '';
  let startsLine = false;
  let [head, depth, groups] = ['', 0, 0];
  const begin = (at: number, character: string) => {
    if (start < 0) {
      start = at;
      startsLine = at === 0 || before === '\n';
      [head, depth, groups] = ['', 0, 0];
    }
    if (head.length < 5) head += character;
  };
  /** Where what began ends: over the end that is found, or the text's, which leaves it open. */
  const over = (end: string, from: number): number => {
    const found = text.indexOf(end, from);
    if (found < 0) isBetween = false;
    return found < 0 ? text.length : found + end.length;
  };
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    const closing = quotes.find((pair) => pair[0] === character)?.[1];
    const two = text.slice(at, at + 2);
    let next = at + 1;
    if (closing !== undefined) {
      begin(at, character);
      next = over(closing, next);
    } else if (two === '--') {
      next = over('\n', at + 2);
    } else if (two === '/*') {
      next = over('*/', at + 2);
    } else if (character === ';') {
      if (start >= 0) {
        const isCopy = isPostgres && head === 'COPY ';
        const statement = { text: text.slice(start, at), startsLine, groups, copied: null };
        longest = Math.max(longest, at - start);
        start = -1;
        if (isCopy) {
          const data = over('\n', next);
          // The end mark stands on a line of its own, the first one it may be.
          next = isBetween ? over('\n\\.\n', data - 1) : text.length;
          const lines = text.slice(data, next - 3).split('\n').length - 1;
          if (isBetween) statements.push({ ...statement, copied: lines });
        } else statements.push(statement);
      }
    } else if (isPostgres && character === '\\') {
      if (start < 0) next = over('\n', next);
    } else if (isPostgres && character === '$') {
      begin(at, character);
      TAG.lastIndex = NO_TAG.lastIndex = at;
      if (!NAME.test(before) && before !== '$') {
        const tag = TAG.exec(text)?.[0];
        const name = NO_TAG.exec(text)?.[0].length ?? 1;
        // Of no tag that a server takes: nobody knows where it ends.
        if (name > 65) return { statements, longest, isBetween: false };
        next = tag === undefined ? at + name : over(tag, at + tag.length);
        before = tag === undefined ? '$' : '';
        at = next;
        continue;
      }
    } else if (start >= 0 || !/[ \t\r\n\f\v]/.test(character)) {
      begin(at, character);
      if (isPostgres && character === '(') {
        if (depth === 0) groups += 1;
        depth += 1;
      } else if (isPostgres && character === ')') depth -= 1;
    }
    before = text.charAt(next - 1);
    at = next;
  }
  return { statements, longest, isBetween: isBetween && start < 0 };
}

export interface ReadMysql {
  readonly text: string;
  readonly isInsert: boolean;
  readonly brackets: number;
  readonly rowLines: number;
}

/** As `newMysqlLines`. */
export function readMysql(text: string) {
  const statements: ReadMysql[] = [];
  let longest = 0;
  let inBody = false;
  let inStatement = false;
  const code = newCode(text);
  const lineEnd = (from: number): number => {
    const found = text.indexOf('\n', from);
    return found < 0 ? text.length : found;
  };
  for (let at = 0; at < text.length; ) {
    let end = lineEnd(at);
    const word = text.slice(at, Math.min(end, at + 12));
    // A line is told by its first twelve bytes, or all that it has.
    const isTold = word.length === 12 || end < text.length;
    let lineStart = at;
    const isInsert = word === 'INSERT INTO ';
    if (isTold && word.startsWith('DELIMITER ;')) {
      inBody = word === 'DELIMITER ;;';
      code.begin(inBody ? 2 : 1);
      at += word.length;
    } else if (!inBody && (isInsert || word === 'CREATE TABLE')) {
      const walked = walkQuotes(text, at + 12, isInsert);
      let rowLines = 0;
      let close = walked.at;
      if (walked.stop === '\n') {
        // Rows on lines of their own, up to one with a semicolon at its end.
        for (lineStart = close + 1; ; lineStart = close + 1) {
          close = lineEnd(lineStart);
          if (close === text.length) break;
          rowLines += 1;
          longest = Math.max(longest, close - lineStart);
          if (text[close - 1] === ';') break;
        }
        end = close;
        close -= 1;
      } else if (walked.stop === ';') {
        longest = Math.max(longest, close - at);
      }
      inStatement = walked.stop === '' || (walked.stop === '\n' && end === text.length);
      if (inStatement) break;
      statements.push({ text: text.slice(at, close), isInsert, brackets: walked.brackets, rowLines });
      code.begin(1);
      at = close + 1;
    }
    if (!isTold) break;
    const read = code.read(at);
    inStatement = read.isOpen;
    // All of these lines, the first of which began before what was read.
    for (end = lineEnd(Math.max(at, lineStart)); end < read.at; end = lineEnd(lineStart)) {
      longest = Math.max(longest, end - lineStart);
      lineStart = end + 1;
    }
    if (read.at < text.length) longest = Math.max(longest, read.at - lineStart);
    at = read.at + 1;
  }
  return { statements, longest, inBody, inStatement };
}

const SKIPPED = /(?:--(?=[\0- ])|#)[^\n]*/y;
const BLOCK = /\/\*(?!M?!).*?\*\//sy;
const VERSION = /\/\*M?!/y;
const MODE = /^\/\*M?!\d+ SET sql_mode\s*=\s*(?:'([A-Z0-9_,]*)'|@\w+) *\*\/ ;;?$/i;

/** What stands outside of INSERTs and CREATE TABLEs, as the client reads it. */
function newCode(text: string) {
  let [isVersion, isFresh, mode, delimiter, semicolons] = [false, true, '', 1, 0];
  let isLine = true;
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0].length;
  };
  const quoted = (from: number, quote: string): number => {
    const isPlain =
      quote === '`' || mode.includes('NO_BACKSLASH') || (quote === '"' && mode.includes('ANSI'));
    for (let at = from; at < text.length; at += 1) {
      if (text[at] === quote) return at + 1;
      if (text[at] === '\\' && !isPlain) at += 1;
    }
    return text.length + 1;
  };
  /** To the newline that is in no quote and no comment. */
  const read = (from: number): { at: number; isOpen: boolean } => {
    const isOwn = isLine;
    for (let at = from; at < text.length; ) {
      const character = text.charAt(at);
      if (character === '\n') {
        const set = isOwn && at - from <= 1024 ? MODE.exec(text.slice(from, at)) : null;
        if (set !== null) mode = (set[1] ?? '').toUpperCase();
        semicolons = 0;
        isLine = isFresh;
        return { at, isOpen: false };
      }
      semicolons = character === ';' ? semicolons + 1 : 0;
      const skipped = match(SKIPPED, at) ?? match(BLOCK, at);
      const version = match(VERSION, at);
      if (skipped !== undefined) at += skipped;
      else if (version !== undefined) {
        [isVersion, isFresh] = [true, false];
        at += version;
      } else if (text.startsWith('/*', at)) return { at: text.length, isOpen: true };
      else if (isVersion && text.startsWith('*/', at)) {
        [isVersion, isFresh] = [false, false];
        at += 2;
      } else if ('\'"`'.includes(character)) {
        isFresh = false;
        at = quoted(at + 1, character);
        if (at > text.length) return { at: text.length, isOpen: true };
      } else {
        if (character === ';') isFresh = semicolons === delimiter;
        else if (!/[\0- \-/#]/.test(character)) isFresh = false;
        if (isFresh && character === ';') semicolons = 0;
        at += 1;
      }
    }
    return { at: text.length, isOpen: false };
  };
  const begin = (bytes: number) => {
    [isVersion, isFresh, isLine, delimiter, semicolons] = [false, true, false, bytes, 0];
  };
  return { read, begin };
}

/** To the first semicolon, or the first newline where that stops it, outside of quotes; stopped by nothing at the text's end. */
function walkQuotes(text: string, from: number, isStoppedByLine: boolean) {
  let quote = '';
  let brackets = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') {
      if (character === '\\' && quote !== '`') at += 1;
      else if (character === quote) quote = '';
    } else if (character === ';' || (character === '\n' && isStoppedByLine)) {
      return { at, stop: character, brackets };
    } else if (character === '(') brackets += 1;
    else if ('\'"`'.includes(character)) quote = character;
  }
  return { at: text.length, stop: '', brackets };
}
