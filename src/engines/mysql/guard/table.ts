import type { TokenKind } from './lexer.ts';

/** Follows a table's definition behind its first parenthesis. */
export interface TableReader {
  /** One token more: a reason to refuse the dump, or null. */
  read(kind: TokenKind, text: string): Fault | null;
  /** A comment that only some servers read begins or ends: may it be here? */
  mayDiffer(): boolean;
  /** No row may go into the table: it keeps them elsewhere. */
  isElsewhere(): boolean;
}

export type Fault = 'query' | 'directory';

/** What keeps its rows itself; the others reach beyond the database (FEDERATED, CONNECT, SPIDER, MERGE, …). */
const OWN_ENGINES =
  /^(?:InnoDB|MyISAM|Aria|MEMORY|HEAP|CSV|ARCHIVE|BLACKHOLE|ROCKSDB|TokuDB|ColumnStore|NDB|NDBCLUSTER|XtraDB|Mroonga|EXAMPLE)$/i;

/**
 * What may follow a word that begins a query elsewhere: partitions (`VALUES LESS THAN`, `VALUES IN`), versions of rows, full-text parsers.
 * Looked at in parentheses, too: a query may stand in some, and comments that only some servers read may hold half a pair.
 */
const FOLLOWING = new Map([
  ['VALUES', /^(?:LESS|IN)$/],
  ['WITH', /^(?:SYSTEM|PARSER)$/],
]);
const QUERIES = /^(?:SELECT|TABLE)$/;
const FILES = /^(?:DATA|INDEX)$/;

export function newTableReader(): TableReader {
  let isElsewhere = false;
  /** The last token, if it was a word without quotes. */
  let before = '';
  let isEngine = false;
  let isUnion = false;
  return {
    read(kind, text) {
      const word = kind === 'word' ? text.toUpperCase() : '';
      if (QUERIES.test(word) || FOLLOWING.get(before)?.test(word) === false) return 'query';
      if (word === 'DIRECTORY' && FILES.test(before)) return 'directory';
      if (isUnion && kind === 'mark' && text === '=') isElsewhere = true;
      before = word;
      if (kind === 'mark') return null;
      if (isEngine && !OWN_ENGINES.test(text)) isElsewhere = true;
      [isEngine, isUnion] = [word === 'ENGINE', word === 'UNION'];
      return null;
    },
    mayDiffer: () => !isEngine && !isUnion && !FOLLOWING.has(before) && !FILES.test(before),
    isElsewhere: () => isElsewhere,
  };
}
