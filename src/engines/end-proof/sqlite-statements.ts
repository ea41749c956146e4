import { type InsertRun, newInsertRun } from './insert-run.ts';
import { newRowPrefix } from './row-prefix.ts';
import type { SqlStatement } from './sql-dialect.ts';
import { readName } from './sql-names.ts';
import { addRows, type CountedTable, type Tally } from './tally.ts';

const INSERT = /^INSERT INTO /;
const TABLE = /^CREATE TABLE (?:IF NOT EXISTS )?/;
const TRIGGER = /^CREATE (?:TEMP |TEMPORARY )?TRIGGER /;
/** As `sqlite3_complete()` tells where a trigger is over. A comment is read in one way alone: many of them take no longer than their letters. */
const TRIGGER_END = /^end(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*$/i;
/** What SQLite keeps for itself: restored as its own counts and statistics, which it may make anew. */
const OWN = /^sqlite_/i;
const HEAD_BYTES = 64;
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

/** As dumps spell names: what is not in quotes has no sign that may begin a comment. */
const NAME = String.raw`(?:[\w\u0080-\uffff]+|"(?:[^"]|"")*"|'(?:[^']|'')*'|\`(?:[^\`]|\`\`)*\`|\[[^\]]*\])`;
/** How the INSERTs of a dump begin, up to where their values do. */
const BEGINNING = new RegExp(`^INSERT INTO ${NAME}(?: ?\\(${NAME}(?:, ?${NAME})*\\))? VALUES ?\\(`);
/** That of a table with a thousand columns; the rows of one with more are read each. */
const BEGINNING_BYTES = 64 * 1024;
/** Gives a character for each byte, whatever they mean. */
const BYTES = new TextDecoder('windows-1252');

export interface SqliteStatements {
  readonly onStatement: (statement: SqlStatement) => void;
  /** Those that need not be told. */
  readonly inserts: InsertRun;
  /** Whether what comes next belongs to the trigger that was begun. */
  isInTrigger(): boolean;
}

/** Counts what the statements of a text dump say, of which each INSERT writes one row. Those of a trigger are its own. */
export function countSqlite(tally: Tally): SqliteStatements {
  const inserts = newInsertRun();
  /** How the last one began that is spelled otherwise, through what follows the table's name. */
  const others = newRowPrefix<CountedTable>();
  let inTrigger = false;

  const readInsert = (bytes: Uint8Array): void => {
    const text = TEXT.decode(bytes);
    const read = readName(text.replace(INSERT, ''));
    if (read === undefined || OWN.test(read.name)) return;
    const table = tally.table({ schema: null, name: read.name });
    addRows(table, 1);
    const [beginning] = BEGINNING.exec(BYTES.decode(bytes.subarray(0, BEGINNING_BYTES))) ?? [];
    if (beginning !== undefined) {
      inserts.follow(bytes.subarray(0, beginning.length), table);
    } else {
      inserts.stop();
      const spelled = text.slice(0, text.length - read.rest.length + 1);
      others.keep(bytes, 0, new TextEncoder().encode(spelled).length, table);
    }
  };

  const readStatement = ({ bytes, start, end, isWhole }: SqlStatement): void => {
    const head = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
    const text = () => TEXT.decode(bytes.subarray(start, end));
    if (inTrigger) {
      inTrigger = !(/^end/i.test(head) && TRIGGER_END.test(text()));
    } else if (TRIGGER.test(head)) {
      inTrigger = true;
      inserts.stop();
    } else if (INSERT.test(head)) {
      readInsert(bytes.subarray(start, end));
    } else if (TABLE.test(head)) {
      const read = readName(text().replace(TABLE, ''));
      if (read === undefined || OWN.test(read.name)) return;
      tally.define(tally.table({ schema: null, name: read.name }), bytes.subarray(start, end), isWhole);
    }
  };

  // Most are known by how they begin, and a function of their own needs no memory for each.
  const onStatement = (statement: SqlStatement): void => {
    const { bytes, start, end } = statement;
    const known = inTrigger ? undefined : (inserts.find(bytes, start, end) ?? others.find(bytes, start, end));
    if (known === undefined) readStatement(statement);
    else addRows(known, 1);
  };

  return { onStatement, inserts, isInTrigger: () => inTrigger };
}
