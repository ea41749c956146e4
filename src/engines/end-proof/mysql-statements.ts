import type { MysqlStatement } from './mysql-lines.ts';
import { newRowPrefix } from './row-prefix.ts';
import { readName } from './sql-names.ts';
import { addRows, type CountedTable, type Tally } from './tally.ts';

const START = /^(?:INSERT INTO|CREATE TABLE) /;
/** More than the name of a table and what stands before it. */
const HEAD_BYTES = 2048;
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

interface Insert {
  readonly table: CountedTable;
  readonly hasColumns: boolean;
}

/** Counts what the statements of a dump of MySQL say: each row of an INSERT stands in brackets of its own, or on a line. */
export function countMysql(tally: Tally): (statement: MysqlStatement) => void {
  const inserts = newRowPrefix<Insert>();
  return ({ bytes, start, end, isWhole, isInsert, brackets, rowLines }) => {
    const known = isInsert ? inserts.find(bytes, start, end) : undefined;
    if (known !== undefined) {
      addRows(known.table, rowLines + brackets - (known.hasColumns ? 1 : 0));
      return;
    }
    const head = TEXT.decode(bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
    const read = readName(head.replace(START, ''));
    if (read === undefined) return;
    const table = tally.table({ schema: null, name: read.name });
    if (isInsert) {
      const hasColumns = read.rest.startsWith(' (');
      addRows(table, rowLines + brackets - (hasColumns ? 1 : 0));
      const prefix = head.slice(0, head.length - read.rest.length + 2);
      inserts.keep(bytes, start, new TextEncoder().encode(prefix).length, { table, hasColumns });
    } else {
      tally.define(table, bytes.subarray(start, end), isWhole);
    }
  };
}
