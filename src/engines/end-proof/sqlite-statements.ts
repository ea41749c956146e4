import { newRowPrefix } from './row-prefix.ts';
import { readName } from './sql-names.ts';
import type { SqlStatement } from './sql-scanner.ts';
import { addRows, type CountedTable, type Tally } from './tally.ts';

const INSERT = /^INSERT INTO /;
const TABLE = /^CREATE TABLE (?:IF NOT EXISTS )?/;
const TRIGGER = /^CREATE (?:TEMP |TEMPORARY )?TRIGGER /;
/** As `sqlite3_complete()` tells where a trigger is over. */
const TRIGGER_END = /^end(?:\s|--[^\n]*\n|\/\*.*?\*\/)*$/is;
/** What SQLite keeps for itself: restored as its own counts and statistics, which it may make anew. */
const OWN = /^sqlite_/i;
const HEAD_BYTES = 64;
const TEXT = new TextDecoder();

export interface SqliteStatements {
  readonly onStatement: (statement: SqlStatement) => void;
  /** Whether what comes next belongs to the trigger that was begun. */
  isInTrigger(): boolean;
}

/** Counts what the statements of a text dump say, of which each INSERT writes one row. Those of a trigger are its own. */
export function countSqlite(tally: Tally): SqliteStatements {
  const inserts = newRowPrefix<CountedTable>();
  let inTrigger = false;

  const readStatement = ({ bytes, start, end, isWhole }: SqlStatement): void => {
    const head = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
    const text = () => TEXT.decode(bytes.subarray(start, end));
    if (inTrigger) {
      inTrigger = !(/^end/i.test(head) && TRIGGER_END.test(text()));
    } else if (TRIGGER.test(head)) {
      inTrigger = true;
    } else if (INSERT.test(head)) {
      const insert = text();
      const read = readName(insert.replace(INSERT, ''));
      if (read === undefined || OWN.test(read.name)) return;
      const table = tally.table({ schema: null, name: read.name });
      addRows(table, 1);
      const prefix = insert.slice(0, insert.length - read.rest.length + 1);
      inserts.keep(bytes, start, new TextEncoder().encode(prefix).length, table);
    } else if (TABLE.test(head)) {
      const read = readName(text().replace(TABLE, ''));
      if (read === undefined || OWN.test(read.name)) return;
      tally.define(tally.table({ schema: null, name: read.name }), bytes.subarray(start, end), isWhole);
    }
  };

  // Most are known by how they begin, and a function of their own needs no memory for each.
  const onStatement = (statement: SqlStatement): void => {
    const known = inTrigger ? undefined : inserts.find(statement.bytes, statement.start, statement.end);
    if (known === undefined) readStatement(statement);
    else addRows(known, 1);
  };

  return { onStatement, isInTrigger: () => inTrigger };
}
