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

/**
 * Lets through what sqlite3's `.dump` and our own write, and nothing else. A line that begins with a dot where a statement may
 * begin is a command to sqlite3, and `-safe` lets some of them through that write files (.trace, measured: 3.40); ATTACH and
 * VACUUM INTO reach other files. It splits the text as sqlite3 does, so that neither reads a statement which the other does not.
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
  const scanner = newStatementScanner({
    token(text) {
      if (tokens.length >= MOST_TOKENS) return;
      tokens.push(text);
      judge(false);
    },
    end() {
      if (tokens.length > 0) judge(true);
      tokens = [];
    },
    trap(what) {
      throw refusal(what);
    },
  });
  return {
    observe(chunk) {
      scanner.observe(chunk);
      bytes += chunk.byteLength;
    },
  };
}

const FIRST = /^(?:PRAGMA|BEGIN|COMMIT|ANALYZE|DELETE|CREATE|INSERT)$/;

/** sqlite3 runs what it has when its input ends, so that the first word must be a known one at once. */
function mayBecome([first = '']: readonly string[]): boolean {
  return FIRST.test(first);
}
