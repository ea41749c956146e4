import { type DumpContents, type DumpedTable, MOST_TABLES } from '../contents.ts';
import { sha256Hex } from './sha256.ts';

/** What was counted of a dump so far. */
export interface Tally {
  /** The table of that name, from now on one of those that the dump holds. */
  table(name: TableName): CountedTable;
  /** The table's definition, as the dump spells it without what ends it; what is not all there has no digest. */
  define(table: CountedTable, definition: Uint8Array, isWhole: boolean): void;
  addLargeObjects(count: number): void;
  addExtension(name: string): void;
  addRole(name: string): void;
  /** null where there are more tables than are listed. */
  contents(): DumpContents | null;
}

export interface TableName {
  readonly schema: string | null;
  readonly name: string;
}

/** Changed as its rows go by. */
export interface CountedTable extends TableName {
  rows: number | null;
  definition: string | null;
}

/** A dump may name as many roles as it pleases; what is known of it stays bounded. */
const MOST_NAMES = 20_000;
/** Digests are taken at the end, where one is wanted at all, or when so much waits for it. */
const MOST_UNDIGESTED_BYTES = 1024 * 1024;

export function newTally(): Tally {
  const tables = new Map<string, CountedTable>();
  const extensions = new Set<string>();
  const roles = new Set<string>();
  let definitions: { table: CountedTable; bytes: Uint8Array }[] = [];
  let definitionBytes = 0;
  let largeObjects = 0;
  let isTooMuch = false;

  const takeDigests = (): void => {
    for (const { table, bytes } of definitions) table.definition = sha256Hex(bytes);
    definitions = [];
    definitionBytes = 0;
  };

  const addName = (names: Set<string>, name: string): void => {
    if (names.size < MOST_NAMES) names.add(name);
    else isTooMuch ||= !names.has(name);
  };

  return {
    table({ schema, name }) {
      const key = JSON.stringify([schema, name]);
      const known = tables.get(key);
      if (known !== undefined) return known;
      const table = { schema, name, rows: 0, definition: null };
      if (tables.size < MOST_TABLES) tables.set(key, table);
      else isTooMuch = true;
      return table;
    },
    define(table, definition, isWhole) {
      if (!isWhole) return;
      definitions.push({ table, bytes: definition.slice() });
      definitionBytes += definition.length;
      if (definitionBytes > MOST_UNDIGESTED_BYTES) takeDigests();
    },
    addLargeObjects(count) {
      largeObjects += count;
    },
    addExtension: (name) => addName(extensions, name),
    addRole: (name) => addName(roles, name),
    contents() {
      if (isTooMuch) return null;
      takeDigests();
      return {
        tables: [...tables.values()].map((table): DumpedTable => ({ ...table })).sort(byName),
        largeObjects,
        extensions: [...extensions].sort(),
        roles: [...roles].sort(),
      };
    },
  };
}

/** More rows, where they can be counted. */
export function addRows(table: CountedTable, rows: number): void {
  if (table.rows !== null) table.rows += rows;
}

/** By code units, so that every machine sorts alike. */
function byName(a: DumpedTable, b: DumpedTable): number {
  return compare(a.schema ?? '', b.schema ?? '') || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
