import type { InsertRun } from './insert-run.ts';
import type { SqlQuoting } from './sql-tables.ts';

/** What a scanner of SQL text goes by, and whom it tells. */
export interface SqlDialect extends SqlQuoting {
  /** Called with the beginning of each block comment that begins a line between statements, at most 32 bytes. */
  readonly onBlockComment?: (text: string) => void;
  /** Called with each statement that has ended, but those that `inserts` has counted. */
  readonly onStatement?: (statement: SqlStatement) => void;
  /** Of SQLite. */
  readonly inserts?: InsertRun;
}

/** Valid while it is told. */
export interface SqlStatement {
  /** Its bytes are those from `start` to `end`, without its semicolon. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Whether these are all of them: of a very long one only the beginning is kept. */
  readonly isWhole: boolean;
  /** Whether it begins a line. */
  readonly startsLine: boolean;
  /** Of PostgreSQL: brackets that were opened outside of others. */
  readonly groups: number;
  /** Of a COPY: the rows of its data; null otherwise. */
  readonly copied: number | null;
}
