import type { EndProof } from '../engine.ts';
import { newEdges } from './edges.ts';
import { incomplete, unrestorable } from './incomplete.ts';
import { newMysqlLines } from './mysql-lines.ts';
import { countMysql } from './mysql-statements.ts';
import { newTally } from './tally.ts';

const WHAT = 'SQL dump of MySQL';
const EDGE_BYTES = 512;
/** The largest max_allowed_packet, less what the protocol adds. */
const MAX_STATEMENT_BYTES = 2 ** 30 - 1024;
/** Newer tools of MariaDB begin with a comment of their own that keeps client commands in the dump from running. */
const HEAD = /^(?:\/\*M?!999999\\?-[^\n]*\n)?-- (?:MySQL|MariaDB) dump /;
/** The last setting that is set back, which is another one since MariaDB's newer tools, and the last comment. */
const TAIL =
  /\n\/\*(?:!40111 SET SQL_NOTES=@OLD_SQL_NOTES|M!\d+ SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY) \*\/;\n\n-- Dump completed(?: on [\d-]+ +[\d:]+)?\n$/;

/**
 * A dump ends with its settings set back and the comment "Dump completed". Rows can't look like that, since a newline
 * in them is written as `\n`. Names can, and bodies of triggers, events and routines, with newlines of their own: so the end has to
 * stand outside of quotes, comments and statements, and of what lies between the lines `DELIMITER ;;` and `DELIMITER ;`.
 */
export function newMysqlTextProof(): EndProof {
  const edges = newEdges(EDGE_BYTES);
  const tally = newTally();
  const lines = newMysqlLines(countMysql(tally));
  return {
    observe(chunk) {
      edges.observe(chunk);
      lines.observe(chunk);
    },
    finish() {
      if (!HEAD.test(edges.head())) {
        throw incomplete(
          WHAT,
          'it does not begin as one (a login script of the host may print text)',
          edges.bytes,
        );
      }
      if (lines.isInBody() || lines.isInStatement() || !TAIL.test(edges.tail())) {
        throw incomplete(WHAT, 'the comment "Dump completed" is not at its end', edges.bytes);
      }
      const longest = lines.longest();
      if (longest > MAX_STATEMENT_BYTES) {
        throw unrestorable(WHAT, longest, 'the server', MAX_STATEMENT_BYTES);
      }
    },
    contents: () => (lines.isInStatement() ? null : tally.contents()),
  };
}
