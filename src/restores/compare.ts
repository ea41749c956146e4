import type { CountedTable } from '../engines/restore.ts';

/** A table with its rows, as the dump holds them and as they were found after the restore. */
export interface ComparedTable {
  readonly schema: string | null;
  readonly name: string;
  /** Null: the dump does not have it, or nobody has counted there. */
  readonly expected: number | null;
  /** Null: it is not there. */
  readonly rows: number | null;
}

export interface Comparison {
  readonly tables: readonly ComparedTable[];
  /** What differs, a sentence for the admin; null where nothing does. */
  readonly difference: string | null;
  /** Whether the rows of each table of the dump were known, so that all of it was compared. */
  readonly isCompared: boolean;
}

interface Expected {
  readonly tables: readonly {
    readonly schema: string | null;
    readonly name: string;
    readonly rows: number | null;
  }[];
}

const NAMED = 3;

/**
 * Puts what was restored beside what the dump holds. Tables that only the target has are told of and are no difference: extensions
 * make some, and rows of their own in theirs. A table whose rows were not counted in the dump must be there.
 */
export function compareCounts(expected: Expected | null, found: readonly CountedTable[]): Comparison {
  const rows = new Map(found.map((table) => [keyOf(table), table.rows]));
  const ofExtensions = new Set(found.filter(({ isOfExtension }) => isOfExtension).map(keyOf));
  const dumped = new Map((expected?.tables ?? []).map((table) => [keyOf(table), table]));
  const tables = [
    ...(expected?.tables ?? []).map(({ schema, name, rows: counted }) => ({
      ...{ schema, name, expected: counted },
      rows: rows.get(keyOf({ schema, name })) ?? null,
    })),
    ...found
      .filter((table) => !dumped.has(keyOf(table)))
      .map((table) => ({ schema: table.schema, name: table.name, expected: null, rows: table.rows })),
  ];
  const wrong = tables.filter(
    (table) =>
      (dumped.has(keyOf(table)) && table.rows === null) ||
      (differs(table.expected, table.rows) && !ofExtensions.has(keyOf(table))),
  );
  return {
    tables,
    difference: sentenceOf(wrong),
    isCompared: expected?.tables.every((table) => table.rows !== null) ?? false,
  };
}

function differs(expected: number | null, rows: number | null): boolean {
  return expected !== null && expected !== rows;
}

function sentenceOf(wrong: readonly ComparedTable[]): string | null {
  if (wrong.length === 0) return null;
  const named = wrong.slice(0, NAMED).map(({ schema, name, expected, rows }) => {
    const table = schema === null ? name : `${schema}.${name}`;
    if (rows === null) return `${table} is missing`;
    return `${table} has ${rows} rows instead of ${expected}`;
  });
  const more = wrong.length > NAMED ? `, and ${wrong.length - NAMED} more differ` : '';
  return `What was restored is not what the dump holds: ${named.join('; ')}${more}.`;
}

function keyOf({ schema, name }: { readonly schema: string | null; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}
