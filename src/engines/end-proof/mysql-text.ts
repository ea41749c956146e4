import type { EndProof } from '../engine.ts';
import { newEdges } from './edges.ts';
import { incomplete, unrestorable } from './incomplete.ts';

const WHAT = 'SQL dump of MySQL';
const EDGE_BYTES = 512;
/** The largest max_allowed_packet, less what the protocol adds. */
const MAX_STATEMENT_BYTES = 2 ** 30 - 1024;
/** Newer tools of MariaDB begin with a comment of their own that keeps client commands in the dump from running. */
const HEAD = /^(?:\/\*M?!999999\\?-[^\n]*\n)?-- (?:MySQL|MariaDB) dump /;
/** The last setting that is set back, which is another one since MariaDB's newer tools, and the last comment. */
const TAIL =
  /\n\/\*(?:!40111 SET SQL_NOTES=@OLD_SQL_NOTES|M!\d+ SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY) \*\/;\n\n-- Dump completed(?: on [\d-]+ +[\d:]+)?\n$/;
const NEWLINE = 0x0a;
const SEMICOLON = 0x3b;
const DELIMITER = 'DELIMITER ;';

/**
 * A dump ends with its settings set back and the comment "Dump completed". Rows can't look like that, since a newline
 * in them is written as `\n`. Bodies of triggers, events and routines can, with newlines of their own; they stand between the
 * lines `DELIMITER ;;` and `DELIMITER ;`, so that the end has to stand outside.
 */
export function newMysqlTextProof(): EndProof {
  const edges = newEdges(EDGE_BYTES);
  /** What matches of `DELIMITER` at the beginning of this line; null further on. */
  let word: string | null = '';
  let inBody = false;
  /** A row is one line. */
  let lineStart = 0;
  let longest = 0;
  return {
    observe(chunk) {
      const chunkStart = edges.bytes;
      edges.observe(chunk);
      for (let at = 0; at < chunk.length; ) {
        if (word === null) {
          const newline = chunk.indexOf(NEWLINE, at);
          if (newline < 0) return;
          at = newline + 1;
          longest = Math.max(longest, chunkStart + newline - lineStart);
          lineStart = chunkStart + at;
          word = '';
          continue;
        }
        const byte = chunk[at] ?? 0;
        if (word.length < DELIMITER.length && byte === DELIMITER.charCodeAt(word.length)) {
          word += String.fromCharCode(byte);
          at += 1;
          continue;
        }
        if (word.length === DELIMITER.length) inBody = byte === SEMICOLON;
        word = null;
      }
    },
    finish() {
      if (!HEAD.test(edges.head())) {
        throw incomplete(
          WHAT,
          'it does not begin as one (a login script of the host may print text)',
          edges.bytes,
        );
      }
      if (inBody || !TAIL.test(edges.tail())) {
        throw incomplete(WHAT, 'the comment "Dump completed" is not at its end', edges.bytes);
      }
      if (longest > MAX_STATEMENT_BYTES) {
        throw unrestorable(WHAT, longest, 'the server', MAX_STATEMENT_BYTES);
      }
    },
  };
}
