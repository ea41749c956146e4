import type { EndProof } from '../engine.ts';
import { newEdges } from './edges.ts';
import { incomplete, unrestorable } from './incomplete.ts';
import { newSqlScanner } from './sql-scanner.ts';
import { countSqlite } from './sqlite-statements.ts';
import { newTally } from './tally.ts';

const WHAT = 'SQL dump of SQLite';
const EDGE_BYTES = 256;
/** The default SQLITE_MAX_SQL_LENGTH and SQLITE_MAX_LENGTH of sqlite3 (https://sqlite.org/limits.html). */
const MAX_STATEMENT_BYTES = 1_000_000_000 - 16;

/**
 * A text dump is one transaction from `PRAGMA …` to `COMMIT;`. sqlite3's `.dump` exits with 0 for a damaged
 * database, too: it then writes an error as a comment on a line of its own and ends with `ROLLBACK; -- due to errors`.
 */
export function newSqliteTextProof(): EndProof {
  const edges = newEdges(EDGE_BYTES);
  let damage: string | undefined;
  const tally = newTally();
  const { onStatement, inserts, isInTrigger } = countSqlite(tally);
  const scanner = newSqlScanner({
    quotes: ["''", '""', '``', '[]'],
    isPostgres: false,
    onStatement,
    inserts,
    onBlockComment: (text) => {
      if (!isInTrigger() && /^\/\*{4,6} (?:ERROR: |CORRUPTION ERROR \*{6})/.test(text)) damage ??= text;
    },
  });
  return {
    observe(chunk) {
      edges.observe(chunk);
      scanner.observe(chunk);
    },
    finish() {
      if (!edges.head().startsWith('PRAGMA ')) {
        throw incomplete(
          WHAT,
          'it does not begin as one (a login script of the host may print text)',
          edges.bytes,
        );
      }
      if (damage !== undefined || /\nROLLBACK;[^\n]*\n$/.test(edges.tail())) {
        throw incomplete(
          WHAT,
          `sqlite3 met an error in the database (${damage?.replaceAll('*', '').slice(1).trim() || 'rolled back'}); check it with PRAGMA integrity_check`,
          edges.bytes,
        );
      }
      if (!edges.tail().endsWith('\nCOMMIT;\n') || !scanner.isBetweenStatements()) {
        throw incomplete(WHAT, 'COMMIT; is not its last line', edges.bytes);
      }
      const longest = scanner.longestStatement();
      if (longest > MAX_STATEMENT_BYTES) throw unrestorable(WHAT, longest, 'sqlite3', MAX_STATEMENT_BYTES);
    },
    contents: () => tally.contents(),
  };
}
