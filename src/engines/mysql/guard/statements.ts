import type { TokenKind } from './lexer.ts';

export interface Token {
  readonly kind: TokenKind;
  /** One character a byte. */
  readonly text: string;
}

/** What the rest of a statement is: rows, a table's definition, an event from its schedule on, or a body that runs later, if at all. */
export interface Head {
  readonly mode: 'rows' | 'table' | 'event' | 'body';
  readonly name: string;
  /** No row may go into what `name` is from now on. */
  readonly isClosed: boolean;
}

/** Statements that are judged as a whole, by their first two words. */
const WHOLE = new Map<string, RegExp>([
  ['SET', /^(?!(?:GLOBAL|PERSIST|PERSIST_ONLY|PASSWORD|ROLE|DEFAULT|STATEMENT|RESOURCE|TRANSACTION)$)/],
  ['DROP', /^(?:TABLE|VIEW|FUNCTION|PROCEDURE|PACKAGE|EVENT|TRIGGER|SEQUENCE)$/],
  ['ALTER', /^(?:TABLE|DATABASE)$/],
  ['LOCK', /^TABLES$/],
  ['UNLOCK', /^TABLES$/],
  ['SELECT', /^SETVAL$/],
  ['DO', /^SETVAL$/],
  ['START', /^TRANSACTION$/],
  ['COMMIT', /^$/],
]);

/** Where no name may have another before it. */
const UNQUALIFIED = /^(?:DROP|ALTER|LOCK|SELECT|DO)$/;

/**
 * What a statement is by its first tokens, called with each one more: as soon as it can be none of a dump the answer is `no`,
 * since the client sends what it has when its input ends.
 */
export function judgeHead(tokens: readonly Token[]): Head | 'more' | 'no' {
  const verb = wordAt(tokens, 0);
  if (verb === 'INSERT') return judgeInsert(tokens);
  if (verb === 'CREATE') return judgeCreate(tokens);
  const second = verb === null ? undefined : WHOLE.get(verb);
  if (verb === null || second === undefined) return 'no';
  if (tokens.length === 2 && !second.test(wordAt(tokens, 1) ?? '')) return 'no';
  const last = tokens.at(-1);
  if (UNQUALIFIED.test(verb) && last?.kind === 'mark' && last.text === '.') return 'no';
  if (isOfDatabase(tokens) && (tokens.length > 8 || (tokens.length === 3 && !isAltered(last)))) return 'no';
  return 'more';
}

/** Behind it: a name, which is blanked, or none. */
function isAltered(token: Token | undefined): boolean {
  return token?.kind === 'name' || (token?.kind === 'word' && /^CHARACTER$/i.test(token.text));
}

/** `ALTER DATABASE`: what follows alters the database that is restored into, once its name is blanked out. */
export function isOfDatabase(tokens: readonly Token[]): boolean {
  return wordAt(tokens, 0) === 'ALTER' && wordAt(tokens, 1) === 'DATABASE';
}

/** Columns of a versioned table that have no name of their own; mariadb-dump does not quote them. */
const OF_HISTORY = /^row_(?:start|end)$/;

/** `INSERT [IGNORE] INTO name [(name, …)] VALUES`. */
function judgeInsert(tokens: readonly Token[]): Head | 'more' | 'no' {
  const at = wordAt(tokens, 1) === 'IGNORE' ? 2 : 1;
  const last = tokens.at(-1);
  if (last === undefined || tokens.length <= at) return 'more';
  if (wordAt(tokens, at) !== 'INTO') return 'no';
  const name = tokens[at + 1];
  if (name === undefined) return 'more';
  if (name.kind !== 'name') return 'no';
  const place = tokens.length - 1 - (at + 2);
  if (place < 0) return 'more';
  const isOpen = isMark(tokens[at + 2], '(');
  const isAfterColumns = place > 0 && isMark(tokens.at(-2), ')');
  if (last.kind === 'word') {
    if (isOpen && !isAfterColumns && OF_HISTORY.test(last.text)) return 'more';
    const isHere = place === 0 || isAfterColumns;
    return isHere && /^VALUES?$/i.test(last.text) ? { mode: 'rows', name: name.text, isClosed: false } : 'no';
  }
  if (!isOpen || isAfterColumns || (place > 0 && isMark(last, '('))) return 'no';
  return last.kind === 'name' || '(,)'.includes(last.text) ? 'more' : 'no';
}

/** What a dump makes; in front of it may stand who defined it, and how it runs. */
function judgeCreate(tokens: readonly Token[]): Head | 'more' | 'no' {
  let at = 1;
  for (;;) {
    const word = wordAt(tokens, at);
    if (at >= tokens.length) return 'more';
    if (word === 'OR' || word === 'SQL') at += 2;
    else if (word === 'AGGREGATE' || word === 'INVOKER' || word === 'DEFINER' || word === 'SECURITY') {
      at = isMark(tokens[at + 1], '=') ? afterDefiner(tokens, at + 2) : at + 1;
    } else if (word === 'ALGORITHM') at += 3;
    else break;
  }
  const kind = wordAt(tokens, at);
  if (kind === null || !MADE.test(kind)) return 'no';
  at += kind === 'PACKAGE' && wordAt(tokens, at + 1) === 'BODY' ? 2 : 1;
  if (wordAt(tokens, at) === 'IF') at += 3;
  const name = tokens[at];
  if (name === undefined) return 'more';
  if (!isNameOf(kind, name)) return 'no';
  const next = tokens[at + 1];
  if (next === undefined) return 'more';
  if (isMark(next, '.')) return 'no';
  switch (kind) {
    case 'TABLE':
      return isMark(next, '(') ? { mode: 'table', name: name.text, isClosed: false } : 'no';
    case 'FUNCTION':
    case 'PROCEDURE':
      return isMark(next, '(') ? { mode: 'body', name: name.text, isClosed: false } : 'no';
    case 'EVENT':
      return { mode: 'event', name: name.text, isClosed: false };
    case 'TRIGGER':
      return judgeTrigger(tokens, at + 1);
    default:
      return { mode: 'body', name: name.text, isClosed: kind === 'VIEW' };
  }
}

const MADE = /^(?:TABLE|VIEW|TRIGGER|EVENT|FUNCTION|PROCEDURE|PACKAGE|SEQUENCE)$/;

/** Servers show what has a body as it was typed, and the rest with quotes. */
function isNameOf(kind: string, { kind: as }: Token): boolean {
  return as === 'name' || (as === 'word' && /^(?:TRIGGER|EVENT|FUNCTION|PROCEDURE|PACKAGE)$/.test(kind));
}

/** Behind `DEFINER =`: `user`@`host`, CURRENT_USER, CURRENT_USER() or a role. */
function afterDefiner(tokens: readonly Token[], at: number): number {
  if (isMark(tokens[at + 1], '@')) return at + 3;
  return isMark(tokens[at + 1], '(') ? at + 3 : at + 1;
}

/** `BEFORE INSERT ON name FOR`: the table takes no more rows. */
function judgeTrigger(tokens: readonly Token[], at: number): Head | 'more' | 'no' {
  const on = tokens.findIndex((_, index) => index > at && wordAt(tokens, index) === 'ON');
  if (on < 0) return tokens.length - at > 10 ? 'no' : 'more';
  const name = tokens[on + 1];
  const next = tokens[on + 2];
  if (name !== undefined && !isNameOf('TRIGGER', name)) return 'no';
  if (name === undefined || next === undefined) return 'more';
  return wordAt(tokens, on + 2) === 'FOR' ? { mode: 'body', name: name.text, isClosed: true } : 'no';
}

const FORMS = [
  /^DROP (?:TABLE|VIEW|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY|EVENT|TRIGGER|SEQUENCE) (?:IF EXISTS )?`$/,
  /^ALTER TABLE ` (?:DISABLE|ENABLE) KEYS$/,
  /^LOCK TABLES ` (?:READ|WRITE)(?: , ` (?:READ|WRITE))*$/,
  /^UNLOCK TABLES$/,
  /^(?:SELECT|DO) SETVAL \( ` , -? ?\d+ , \d+ \)$/,
  /^START TRANSACTION$/,
  /^COMMIT$/,
  /^ALTER DATABASE (?:` )?CHARACTER SET \w+ COLLATE \w+$/,
];

/** Whether a whole statement, but a setting, is one that a dump of ours has. */
export function isStatement(tokens: readonly Token[]): boolean {
  const text = tokens
    .map(({ kind, text }) => (kind === 'name' ? '`' : kind === 'string' ? "'" : text.toUpperCase()))
    .join(' ');
  return FORMS.some((form) => form.test(text));
}

export function wordAt(tokens: readonly Token[], at: number): string | null {
  const token = tokens[at];
  return token?.kind === 'word' ? token.text.toUpperCase() : null;
}

export function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}
