import type { QuoteRules } from './lexer.ts';
import { isMark, type Token, wordAt } from './statements.ts';

/** Settings of the session that a dump makes, as far as they change how it is read. */
export interface Settings {
  /** Follows a whole `SET …`; false where it is none that the dump tools write. */
  read(tokens: readonly Token[]): boolean;
  quoteRules(): QuoteRules | null;
}

/** In them a byte of a character may look like a backslash or a quote. */
const UNSAFE_CHARSETS = /^(?:big5|cp932|gbk|gb18030|sjis|eucjpms|ucs2|utf16|utf16le|utf32)(?:_|$)/i;
const CHARSETS = /^(?:CHARACTER_SET_CLIENT|CHARACTER_SET_CONNECTION|COLLATION_CONNECTION)$/;
/** They write files, or are none of a session's. */
const REFUSED =
  /^(?:DEBUG|DEBUG_DBUG|PASSWORD|ROLE|INIT_\w+|\w*_?(?:FILE|DIR|PATH|LOG)|PROXY_USER|GTID_\w+)$/;
const QUOTES_NAMES = /^(?:ANSI|ANSI_QUOTES|ORACLE|DB2|MSSQL|POSTGRESQL|MAXDB)$/;

export function newSettings(): Settings {
  let rules: QuoteRules | null = null;
  /** What a variable holds: of `@@sql_mode` its rules, of another setting nothing that matters; a literal could be anything. */
  const saved = new Map<string, QuoteRules | null>();

  const assign = (target: Token, isVariable: boolean, value: readonly Token[]): boolean => {
    const name = target.text.toUpperCase();
    const from = sourceOf(value);
    if (from === null) return false;
    if (isVariable) {
      if (from.kind === 'setting') saved.set(name, from.name === 'SQL_MODE' ? rules : null);
      else saved.delete(name);
      return true;
    }
    if (REFUSED.test(name) || from.kind === 'setting') return false;
    if (from.kind === 'variable') {
      if (!saved.has(from.name)) return false;
      if (name === 'SQL_MODE') rules = saved.get(from.name) ?? null;
      return true;
    }
    if (name === 'SQL_MODE') {
      if (from.kind !== 'text') return false;
      const modes = from.name.toUpperCase().split(',');
      rules = {
        hasPlainBackslash: modes.includes('NO_BACKSLASH_ESCAPES'),
        quotesNames: modes.some((mode) => QUOTES_NAMES.test(mode.trim())),
      };
    }
    return !(CHARSETS.test(name) && UNSAFE_CHARSETS.test(from.name));
  };

  return {
    read(tokens) {
      if (wordAt(tokens, 1) === 'NAMES') {
        const [name] = tokens.slice(2);
        return tokens.length === 3 && name?.kind === 'word' && !UNSAFE_CHARSETS.test(name.text);
      }
      return assignments(tokens.slice(1)).every((part) => {
        const { target, isVariable, value } = part;
        return target !== undefined && assign(target, isVariable, value);
      });
    },
    quoteRules: () => rules,
  };
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
    const shape = left.map(({ kind, text }) => (kind === 'word' ? 'w' : text)).join('');
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
  const shape = value
    .map(({ kind, text }) => (kind === 'word' ? 'w' : kind === 'string' ? "'" : text))
    .join('');
  const name = last.text.toUpperCase();
  if (shape === "'") return { kind: 'text', name: first.text };
  if (shape === 'w' || /^-?w(?:\.w)?$/.test(shape)) return { kind: 'word', name };
  if (shape === '@w') return { kind: 'variable', name };
  const isSession = wordAt(value, 2) === 'SESSION';
  return shape === '@@w' || (shape === '@@w.w' && isSession) ? { kind: 'setting', name } : null;
}
