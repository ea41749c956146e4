import type { EndProof } from '../engine.ts';
import { newEdges } from './edges.ts';
import { incomplete } from './incomplete.ts';
import { countPostgres } from './postgres-statements.ts';
import { newSqlScanner } from './sql-scanner.ts';
import { newTally } from './tally.ts';

const WHAT = 'SQL dump of pg_dump';
const EDGE_BYTES = 512;
const HEAD = '--\n-- PostgreSQL database dump\n--\n';
const TAIL = '\n--\n-- PostgreSQL database dump complete\n--\n\n';

/**
 * A plain dump ends with the comment "PostgreSQL database dump complete". Since 13.22, 14.19, 15.14, 16.10 and 17.6
 * it also begins with `\restrict <token>` and ends with `\unrestrict <token>`, a random token that data can't know.
 * Older ones are followed through quotes and COPY data, so that data that looks like the end does not count.
 */
export function newPlainDumpProof(): EndProof {
  const edges = newEdges(EDGE_BYTES);
  const tally = newTally();
  const scanner = newSqlScanner({
    quotes: ["''", '""'],
    isPostgres: true,
    onStatement: countPostgres(tally),
  });

  return {
    observe(chunk) {
      edges.observe(chunk);
      scanner.observe(chunk);
    },
    finish() {
      if (!edges.head().startsWith(HEAD)) {
        throw incomplete(
          WHAT,
          'it does not begin as one (a login script of the host may print text)',
          edges.bytes,
        );
      }
      const token = tokenOf(edges.head());
      const tail = token === undefined ? TAIL : `${TAIL}\\unrestrict ${token}\n\n`;
      if (!edges.tail().endsWith(tail)) {
        throw incomplete(
          WHAT,
          'the comment "PostgreSQL database dump complete" is not at its end',
          edges.bytes,
        );
      }
      if (token === undefined && !scanner.isBetweenStatements()) {
        throw incomplete(WHAT, 'it ends within a statement or the rows of a table', edges.bytes);
      }
    },
    contents: () => (scanner.isBetweenStatements() ? tally.contents() : null),
  };
}

function tokenOf(head: string): string | undefined {
  return /^--\n-- PostgreSQL database dump\n--\n\n\\restrict (\w{16,})\n/.exec(head)?.[1];
}
