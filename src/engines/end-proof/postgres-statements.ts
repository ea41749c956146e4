import { encodingIn, textReader } from './postgres-encoding.ts';
import { rolesOf } from './postgres-roles.ts';
import { newRowPrefix } from './row-prefix.ts';
import type { SqlStatement } from './sql-dialect.ts';
import { readTable } from './sql-names.ts';
import { addRows, type CountedTable, type Tally } from './tally.ts';

const NAMED = /^(?:COPY|INSERT INTO) /;
const TABLE = /^CREATE (?:UNLOGGED )?TABLE /;
const EXTENSION = /^CREATE EXTENSION (?:IF NOT EXISTS )?/;
const LARGE_OBJECT = /^SELECT pg_catalog\.lo_create\(/;
const WITH_ROLES = /^(?:ALTER|GRANT|REVOKE|CREATE (?:POLICY|SCHEMA|USER)) /;
const HEAD_BYTES = 40;
const ENCODING = /^SET client_encoding = /;
/** Gives a character for each byte, whatever they mean. */
const BYTES = new TextDecoder('windows-1252');

/**
 * Counts what the statements of a plain dump say. Only one that begins a line is the dump's own: those within functions and rules
 * are set in by their printer.
 */
export function countPostgres(tally: Tally): (statement: SqlStatement) => void {
  const inserts = newRowPrefix<Insert>();
  let texts = textReader('UTF8');
  return ({ bytes, start, end, isWhole, startsLine, groups, copied }) => {
    if (!startsLine) return;
    const known = copied === null ? inserts.find(bytes, start, end) : undefined;
    if (known !== undefined) {
      addRows(known.table, rowsOf(groups, known));
      return;
    }
    const head = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
    const text = () => texts.decode(bytes.subarray(start, end));
    if (copied !== null || NAMED.test(head)) {
      const insert = insertOf(tally, text(), bytes.subarray(start, end));
      if (insert === undefined) return;
      addRows(insert.table, copied ?? rowsOf(groups, insert));
      if (copied === null) inserts.keep(bytes, start, insert.prefixBytes, insert);
    } else if (TABLE.test(head)) {
      const name = readTable(text().replace(TABLE, ''));
      if (name !== undefined) tally.define(tally.table(name), bytes.subarray(start, end), isWhole);
    } else if (EXTENSION.test(head)) {
      const extension = readTable(text().replace(EXTENSION, ''))?.name;
      if (extension !== undefined) tally.addExtension(extension);
    } else if (ENCODING.test(head)) {
      const encoding = encodingIn(text());
      if (encoding === undefined) return;
      texts = textReader(encoding);
      tally.setEncoding(encoding);
    } else if (LARGE_OBJECT.test(head)) {
      tally.addLargeObjects(1);
    } else if (WITH_ROLES.test(head)) {
      for (const role of rolesOf(text())) tally.addRole(role);
    }
  };
}

interface Insert {
  readonly table: CountedTable;
  readonly hasColumns: boolean;
  /** Of the statement's beginning, through what follows the table's name. */
  readonly prefixBytes: number;
}

/** What frames names is ASCII in each encoding of a server, so that it stands at the same place in the bytes. */
function insertOf(tally: Tally, text: string, bytes: Uint8Array): Insert | undefined {
  const name = readTable(text.replace(NAMED, ''));
  const spelled = BYTES.decode(bytes);
  const inBytes = readTable(spelled.replace(NAMED, ''));
  if (name === undefined || inBytes === undefined) return undefined;
  const hasColumns = name.rest.startsWith(' (');
  const prefixBytes = Math.min(spelled.length, spelled.length - inBytes.rest.length + 2);
  return { table: tally.table(name), hasColumns, prefixBytes };
}

/** Each row is in brackets; `DEFAULT VALUES` is one without. */
function rowsOf(groups: number, { hasColumns }: Insert): number {
  return Math.max(1, groups - (hasColumns ? 1 : 0));
}
