import { AppError } from '../../../errors.ts';
import type { DumpGuard } from '../../restore.ts';
import { newEventHead } from './event.ts';
import { newDumpLexer, type TokenKind } from './lexer.ts';
import { newSettings } from './settings.ts';
import { isOfDatabase, isStatement, judgeHead, type Token } from './statements.ts';
import { type Fault, newTableReader } from './table.ts';

const SHOWN_BYTES = 80;
/** A setting of the dump tools has a dozen. */
const MOST_TOKENS = 400;
const MOST_CLOSED = 100_000;
/**
 * Lets through what mysqldump and mariadb-dump write, and nothing else: statements on the one database that is restored into.
 * A dump may hold any statement, and they run with the rights of whoever restores; so a client command, USE, another database's
 * name before a table's, GRANT, SET GLOBAL, CALL, LOAD DATA and all that is not known here is refused. Rows are literals
 * alone, and go into no table that has a trigger already, no view and no table of an engine that keeps its rows elsewhere,
 * and events come into being switched off: nothing that the dump brings runs while it is restored. What the bodies of routines, triggers, events and views do
 * later nobody can tell.
 *
 * The dump tools put `ALTER DATABASE` with the name of the dumped one around what was made under another collation: that name is blanked
 * out of the chunks, so that it is the restored one that is altered, and not the one that was dumped.
 */
export function newMysqlGuard(): DumpGuard {
  let mode: 'head' | 'rows' | 'table' | 'event' | 'body' = 'head';
  let tokens: Token[] = [];
  let bytes = 0;
  /** Holds what only some versions read, so that nothing may follow in its statement. */
  let isForSome = false;
  let isOver = false;
  let rowDepth = 0;
  let rowBefore = '';
  let name = '';
  let table = newTableReader();
  let event = newEventHead();
  const closed = new Set<string>();
  const settings = newSettings();

  const refusal = (what: string): AppError => {
    const shown = tokens.map(spelled).join(' ').slice(0, SHOWN_BYTES).toWellFormed();
    return new AppError(
      'dump_unsafe',
      `The dump holds ${what}, which the dump tools do not write${shown === '' ? '' : ` (in a statement that begins with: ${shown})`}. It could reach beyond the restored database, so it was not sent, and the restore was given up. If you know where it comes from, restore it by hand.`,
      { details: { bytes } },
    );
  };

  const close = (name: string): void => {
    if (closed.size >= MOST_CLOSED) throw refusal('more views and triggers than can be followed');
    closed.add(nameOf(name));
  };

  const readHead = (token: Token): void => {
    if (tokens.length >= MOST_TOKENS && tokens[0]?.text.toUpperCase() !== 'INSERT')
      throw refusal('a statement without an end');
    tokens.push(token);
    const head = judgeHead(tokens);
    if (head === 'more') return;
    if (head === 'no') throw refusal('a statement of another kind');
    if (head.isClosed) close(head.name);
    if (head.mode === 'rows' && closed.has(nameOf(head.name))) {
      throw refusal('rows for a view, or for a table with a trigger or in another place');
    }
    mode = head.mode;
    name = head.name;
    [rowDepth, rowBefore, table, event] = [0, ',', newTableReader(), newEventHead()];
    if (mode === 'event') readEvent(token);
  };

  const readEvent = (token: Token): void => {
    const read = event.read(token);
    if (read === 'no') throw refusal('an event in other words than servers show it in');
    if (read === 'body') mode = 'body';
  };

  /** Literals alone: no name, no function, no query. */
  const readRow = (kind: TokenKind, text: string): void => {
    if (rowDepth === 0) {
      if (text === '(' && kind === 'mark' && rowBefore === ',') rowDepth = 1;
      else if (!(text === ',' && kind === 'mark' && rowBefore === ')'))
        throw refusal('more than rows in an INSERT');
      rowBefore = text;
      return;
    }
    if (kind === 'string') return;
    if (kind === 'word') {
      const first = text.charCodeAt(0);
      const isNumber = first >= 0x30 && first <= 0x39;
      if (!isNumber && !LITERAL.test(text)) throw refusal('more than literals in a row');
      return;
    }
    if (kind === 'name' || !',.-+)'.includes(text)) throw refusal('more than literals in a row');
    if (text !== ')') return;
    rowDepth = 0;
    rowBefore = ')';
  };

  const readTable = (kind: TokenKind, text: string): void => {
    const fault = table.read(kind, text);
    if (fault !== null) throw faults[fault]();
    if (table.isElsewhere()) close(name);
  };

  const faults: Readonly<Record<Fault, () => AppError>> = {
    query: () => refusal('a table that is made of a query'),
    directory: () =>
      new AppError(
        'dump_unsafe',
        'The dump holds a table whose files lie in a folder of their own (DATA DIRECTORY or INDEX DIRECTORY). They would be made there, outside the restored database, so the table was not sent, and the restore was given up. If that folder is right for the copy, too, restore the backup by hand.',
        { details: { bytes } },
      ),
  };

  const refuseBetween = (): void => {
    if (mode === 'table' && !table.mayDiffer())
      throw refusal('a comment for some versions within a table’s option');
  };

  const lexer = newDumpLexer({
    token(kind, text) {
      if (isOver) throw refusal('SQL after a comment for some versions');
      if (mode === 'rows') readRow(kind, text);
      else if (mode === 'table') readTable(kind, text);
      else if (mode === 'event') readEvent({ kind, text });
      else if (mode === 'head') readHead({ kind, text });
    },
    openVersion(some) {
      if (some) refuseBetween();
      if (!some || mode === 'table' || mode === 'body') return;
      if (tokens.length > 0) throw refusal('a comment for some versions within a statement');
      isForSome = true;
    },
    closeVersion(some) {
      if (some) refuseBetween();
      if (some && isForSome) isOver = true;
    },
    end() {
      if (mode === 'head' && tokens.length > 0) {
        const isSetting = tokens[0]?.text.toUpperCase() === 'SET';
        if (isSetting ? !settings.read(tokens, isForSome) : !isStatement(tokens))
          throw refusal('a statement of another kind');
      }
      if (mode === 'rows' && (rowDepth > 0 || rowBefore !== ')')) throw refusal('an INSERT without an end');
      mode = 'head';
      tokens = [];
      [isForSome, isOver] = [false, false];
    },
    isEnabled: () => mode === 'event' && event.isBeforeState(),
    isNameBlanked: () => mode === 'head' && tokens.length === 2 && isOfDatabase(tokens),
    quoteRules: settings.quoteRules,
    refusal,
  });

  return {
    observe(chunk) {
      const sent = lexer.observe(chunk);
      bytes += chunk.byteLength;
      return sent;
    },
  };
}

/** What may stand in a row beside numbers and texts. */
const LITERAL = /^(?:NULL|TRUE|FALSE|_[a-z0-9]+|[xbn])$/i;

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** As the server may fold it. */
function nameOf(text: string): string {
  return UTF8.decode(Uint8Array.from(text, (character) => character.charCodeAt(0))).toLowerCase();
}

function spelled({ kind, text }: Token): string {
  if (kind === 'string') return "'…'";
  const shown = UTF8.decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return kind === 'name' ? `\`${shown}\`` : shown;
}
