import type { QuoteRules } from './lexer.ts';
import { isMark, type Token, wordAt } from './statements.ts';

/** Settings of the session that a dump makes, as far as they change how it is read. */
export interface Settings {
  /** Follows a whole `SET …`, which all servers read or only some; false where it is none that the dump tools write. */
  read(tokens: readonly Token[], isForSome: boolean): boolean;
  quoteRules(): QuoteRules | null;
}

/** In them a byte of a character may look like a backslash or a quote. */
const UNSAFE_CHARSETS = /^(?:big5|cp932|gbk|gb18030|sjis|eucjpms|ucs2|utf16|utf16le|utf32)(?:_|$)/i;
const MODES = /^[A-Z][A-Z0-9_]*$/;
/** Longer than all modes of any server; a longer text may have been cut. */
const MODES_BYTES = 1000;
const CHARSETS = /^(?:CHARACTER_SET_CLIENT|CHARACTER_SET_CONNECTION|COLLATION_CONNECTION)$/;
/** They write files, move rows elsewhere, or are none of a session's. */
const REFUSED =
  /^(?:DEBUG|DEBUG_DBUG|PASSWORD|ROLE|INIT_\w+|\w*_?(?:FILE|DIR|PATH|LOG)|PROXY_USER|GTID_\w+|\w*STORAGE_ENGINE)$/;
const QUOTES_NAMES = /^(?:ANSI|ANSI_QUOTES|ORACLE|DB2|MSSQL|POSTGRESQL|MAXDB)$/;

export function newSettings(): Settings {
  let rules: QuoteRules | null = null;
  /** From which setting a variable was saved, with the rules of that time; not in it is what holds a literal, which could be anything. */
  const saved = new Map<string, { readonly from: string; readonly rules: QuoteRules | null }>();

  const assign = (name: string, isVariable: boolean, from: Source): boolean => {
    if (isVariable) {
      // Servers take names with accents for those without.
      if (!/^[\w$]+$/.test(name)) return false;
      if (from.kind === 'setting') saved.set(name, { from: from.name, rules });
      else saved.delete(name);
      return true;
    }
    if (REFUSED.test(name) || from.kind === 'setting') return false;
    if (from.kind === 'variable') {
      // To what the session had: another setting's value may be one that is refused here.
      const before = saved.get(from.name);
      if (before?.from !== name) return false;
      if (name === 'SQL_MODE') rules = before.rules;
      return true;
    }
    if (name === 'SQL_MODE') return from.kind === 'text' && setModes(from.name);
    // Neither a number, which servers take for a character set, too, nor the server's own, which nobody knows here.
    return !CHARSETS.test(name) || isSafeCharset(from.name);
  };

  const setModes = (text: string): boolean => {
    const modes = text.toUpperCase().split(',');
    if (text.length > MODES_BYTES || !modes.every((mode) => mode === '' || MODES.test(mode))) return false;
    rules = {
      hasPlainBackslash: modes.includes('NO_BACKSLASH_ESCAPES'),
      quotesNames: modes.some((mode) => QUOTES_NAMES.test(mode)),
    };
    return true;
  };

  return {
    read(tokens, isForSome) {
      if (wordAt(tokens, 1) === 'NAMES') {
        const [name] = tokens.slice(2);
        return !isForSome && tokens.length === 3 && name?.kind === 'word' && isSafeCharset(name.text);
      }
      const set = new Set<string>();
      return assignments(tokens.slice(1)).every(({ target, isVariable, value }) => {
        const from = sourceOf(value);
        if (target === undefined || from === null) return false;
        // Servers read all values of a statement before they set the first.
        if (set.has(`${from.kind} ${from.name}`)) return false;
        const name = target.text.toUpperCase();
        if (isForSome && (decidesReading(name) || decidesReading(from.name))) return false;
        set.add(`${isVariable ? 'variable' : 'setting'} ${name}`);
        return assign(name, isVariable, from);
      });
    },
    quoteRules: () => rules,
  };
}

/** Of a setting by which the dump is read. */
function decidesReading(name: string): boolean {
  return name === 'SQL_MODE' || CHARSETS.test(name);
}

function isSafeCharset(name: string): boolean {
  return /^[a-z]\w*$/i.test(name) && !/^DEFAULT$/i.test(name) && !UNSAFE_CHARSETS.test(name);
}

interface Assignment {
  readonly target: Token | undefined;
  /** `@name` instead of a setting. */
  readonly isVariable: boolean;
  readonly value: readonly Token[];
}

function assignments(tokens: readonly Token[]): readonly Assignment[] {
  const parts: Token[][] = [[]];
  for (const token of tokens) {
    if (isMark(token, ',')) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.map((part) => {
    const equals = part.findIndex((token) => isMark(token, '='));
    const left = part.slice(0, Math.max(0, equals));
    const value = part.slice(equals + 1);
    const marks = left.filter((token) => isMark(token, '@')).length;
    const shape = shapeOf(left);
    const isSession = /^(?:SESSION|LOCAL)$/i.test(left[marks]?.text ?? '');
    const isKnown =
      shape === '@w' ||
      shape === 'w' ||
      shape === '@@w' ||
      (isSession && (shape === 'ww' || shape === '@@w.w'));
    return { target: isKnown ? left.at(-1) : undefined, isVariable: shape === '@w', value };
  });
}

interface Source {
  readonly kind: 'text' | 'word' | 'variable' | 'setting';
  /** In upper case but a text's. */
  readonly name: string;
}

/** `'text'`, `word`, `-1.5`, `@name`, `@@name` or `@@SESSION.name`; null for what is more than that. */
function sourceOf(value: readonly Token[]): Source | null {
  const [first] = value;
  const last = value.at(-1);
  if (first === undefined || last === undefined) return null;
  const shape = shapeOf(value);
  const name = last.text.toUpperCase();
  if (shape === "'") return { kind: 'text', name: first.text };
  if (shape === 'w' || /^-?w(?:\.w)?$/.test(shape)) return { kind: 'word', name };
  if (shape === '@w') return { kind: 'variable', name };
  const isSession = wordAt(value, 2) === 'SESSION';
  return shape === '@@w' || (shape === '@@w.w' && isSession) ? { kind: 'setting', name } : null;
}

/** `w` for each word, and marks as they are. */
function shapeOf(tokens: readonly Token[]): string {
  const symbols = { word: 'w', string: "'", name: '`' };
  return tokens.map(({ kind, text }) => (kind === 'mark' ? text : symbols[kind])).join('');
}
