import type { EndProof } from '../engine.ts';
import { newEdges } from './edges.ts';
import { incomplete } from './incomplete.ts';
import { newSqlScanner, type SqlScanner } from './sql-scanner.ts';

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
  const scanner = newSqlScanner({ quotes: ["''", '""'], isPostgres: true });
  const backlog: Uint8Array[] = [];
  let token: string | undefined;

  return {
    observe(chunk) {
      edges.observe(chunk);
      if (token !== undefined) return;
      if (edges.head().length < EDGE_BYTES) {
        backlog.push(chunk.slice());
        return;
      }
      token = tokenOf(edges.head());
      if (token === undefined) scan(scanner, backlog, chunk);
      backlog.length = 0;
    },
    finish() {
      if (!edges.head().startsWith(HEAD)) {
        throw incomplete(
          WHAT,
          'it does not begin as one (a login script of the host may print text)',
          edges.bytes,
        );
      }
      token ??= tokenOf(edges.head());
      const tail = token === undefined ? TAIL : `${TAIL}\\unrestrict ${token}\n\n`;
      if (!edges.tail().endsWith(tail)) {
        throw incomplete(
          WHAT,
          'the comment "PostgreSQL database dump complete" is not at its end',
          edges.bytes,
        );
      }
      if (token !== undefined) return;
      scan(scanner, backlog);
      if (!scanner.isBetweenStatements()) {
        throw incomplete(WHAT, 'it ends within a statement or the rows of a table', edges.bytes);
      }
    },
  };
}

function scan(scanner: SqlScanner, backlog: readonly Uint8Array[], chunk?: Uint8Array): void {
  for (const earlier of backlog) scanner.observe(earlier);
  if (chunk) scanner.observe(chunk);
}

function tokenOf(head: string): string | undefined {
  return /^--\n-- PostgreSQL database dump\n--\n\n\\restrict (\w{16,})\n/.exec(head)?.[1];
}
