import { AppError } from '../../../errors.ts';
import type { DumpGuard } from '../../restore.ts';
import { newStatementScanner } from './scanner.ts';

/** Beginnings of the statements that dumps of SQLite consist of; the first are whole ones. */
const FORMS = [
  /^PRAGMA (?:FOREIGN_KEYS|WRITABLE_SCHEMA|ENCODING|APPLICATION_ID|USER_VERSION) = (?:"|-? ?\w+)$/,
  /^BEGIN(?: TRANSACTION)?$/,
  /^COMMIT$/,
  /^ANALYZE SQLITE_(?:SCHEMA|MASTER)$/,
  /^DELETE FROM SQLITE_(?:SEQUENCE|STAT[1-4])$/,
  /^CREATE (?:TABLE|VIEW|INDEX|UNIQUE INDEX|TRIGGER|TEMP TABLE SQLITE_STAT4)(?: |$)/,
  /^INSERT INTO(?: |$)/,
];
const MOST_TOKENS = 8;
/** What may stand in a row beside numbers and texts: `.dump` writes lines and signs that it escapes as functions of a text. */
const OF_ROWS = new Set(['NULL', 'X', 'CAST', 'AS', 'TEXT', 'BLOB', 'REPLACE', 'CHAR', 'UNISTR']);

/**
 * Lets through what sqlite3's `.dump` and our own write, and nothing else. A line that begins with a dot where a statement may
 * begin is a command to sqlite3, and `-safe` lets some of them through that write files (.trace, measured: 3.40); ATTACH and
 * VACUUM INTO reach other files, and queries of `fsdir` read them, which it lets through as well: rows are literals alone, and no table
 * is made of a query. It splits the text as sqlite3 does, so that neither reads a statement which the other does not.
 */
export function newSqliteGuard(): DumpGuard {
  let tokens: string[] = [];
  let bytes = 0;
  const refusal = (what: string): AppError =>
    new AppError(
      'dump_unsafe',
      `The dump holds ${what}, which no dump of SQLite has${tokens.length === 0 ? '' : ` (in a statement that begins with: ${tokens.join(' ').slice(0, 80)})`}. It could reach beyond the restored file, so it was not sent, and the restore was given up. If you know where it comes from, restore it by hand.`,
      { details: { bytes } },
    );
  const judge = (isWhole: boolean): void => {
    const text = tokens.join(' ');
    if (!FORMS.some((form) => form.test(text))) {
      if (isWhole || tokens.length >= MOST_TOKENS || !mayBecome(tokens))
        throw refusal('a statement of another kind');
    }
  };
  /** What follows VALUES in an INSERT. */
  let isInRows = false;
  const refuseQuery = (text: string): void => {
    if (isInRows) {
      if (WORD.test(text) && !OF_ROWS.has(text)) throw refusal('more than literals in a row');
    } else if (text === 'SELECT' || text === 'VALUES') {
      if (tokens[0] === 'INSERT' && text === 'VALUES') isInRows = true;
      else if (tokens[0] === 'INSERT' || tokens[1] === 'TABLE')
        throw refusal('a query as rows or as a table');
    }
  };
  const scanner = newStatementScanner({
    token(text) {
      refuseQuery(text);
      if (tokens.length >= MOST_TOKENS) return;
      tokens.push(text);
      judge(false);
    },
    end() {
      if (tokens.length > 0) judge(true);
      tokens = [];
      isInRows = false;
    },
    trap(what) {
      throw refusal(what);
    },
  });
  return {
    observe(chunk) {
      scanner.observe(chunk);
      bytes += chunk.byteLength;
      return chunk;
    },
  };
}

/** Numbers begin with a digit, and what is quoted is a `"`. */
const WORD = /^[A-Z_$\u0080-\u00ff]/;
const FIRST = /^(?:PRAGMA|BEGIN|COMMIT|ANALYZE|DELETE|CREATE|INSERT)$/;

/** sqlite3 runs what it has when its input ends, so that the first word must be a known one at once. */
function mayBecome([first = '']: readonly string[]): boolean {
  return FIRST.test(first);
}
