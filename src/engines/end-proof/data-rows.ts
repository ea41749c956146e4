import { newCopyRows } from './copy-rows.ts';
import { countPostgres } from './postgres-statements.ts';
import type { DataEntry } from './postgres-toc.ts';
import { newSqlScanner } from './sql-scanner.ts';
import { addRows, type Tally } from './tally.ts';

/** Counts the rows of one entry of an archive while its data go by. */
export interface DataRows {
  read(chunk: Uint8Array, from: number, end: number): void;
  /** Adds what was counted to its table. */
  end(): void;
}

export function newDataRows({ table, isCopy }: DataEntry, tally: Tally): DataRows {
  if (table === null) return { read: () => {}, end: () => {} };
  if (isCopy) {
    const copy = newCopyRows();
    return { read: copy.read, end: () => addRows(table, copy.rows) };
  }
  const scanner = newSqlScanner({
    quotes: ["''", '""'],
    isPostgres: true,
    onStatement: countPostgres(tally),
  });
  return { read: (chunk, from, end) => scanner.observe(chunk.subarray(from, end)), end: () => {} };
}
