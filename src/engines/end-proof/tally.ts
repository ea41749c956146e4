import { type DumpContents, type DumpedTable, MOST_TABLES, type NamedObject } from '../contents.ts';
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
  /** One that shares its names with tables. */
  addOther(name: TableName): void;
  /** Says that all of them will be told, and all partitions. */
  listOthers(): void;
  /** Its rows are in its partitions. */
  setPartitioned(table: TableName): void;
  /** Counts only where both are tables that the dump holds. */
  attach(partition: TableName, of: TableName): void;
  setEncoding(encoding: string): void;
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
  isPartitioned?: boolean;
  partitionOf?: TableName;
}

/** A dump may name as many roles as it pleases; what is known of it stays bounded. */
const MOST_NAMES = 20_000;
/** Digests are taken at the end, where one is wanted at all, or when so much waits for it. */
const MOST_UNDIGESTED_BYTES = 1024 * 1024;
/** A longer one is no name that anybody gave. */
const MOST_LETTERS = 1024;

export function newTally(): Tally {
  const tables = new Map<string, CountedTable>();
  const extensions = new Set<string>();
  const roles = new Set<string>();
  let definitions: { table: CountedTable; bytes: Uint8Array }[] = [];
  let definitionBytes = 0;
  let largeObjects = 0;
  let isTooMuch = false;
  let others: NamedObject[] | undefined;
  const partitioned: TableName[] = [];
  const attached: { readonly partition: TableName; readonly of: TableName }[] = [];
  let encoding: string | undefined;

  const keyOf = ({ schema, name }: TableName) => JSON.stringify([schema, name]);

  const takeDigests = (): void => {
    for (const { table, bytes } of definitions) table.definition = sha256Hex(bytes);
    definitions = [];
    definitionBytes = 0;
  };

  const isTooLong = ({ schema, name }: TableName): boolean => {
    const isOne = name.length > MOST_LETTERS || (schema?.length ?? 0) > MOST_LETTERS;
    isTooMuch ||= isOne;
    return isOne;
  };

  const addName = (names: Set<string>, name: string): void => {
    if (isTooLong({ schema: null, name }) || names.has(name)) return;
    if (names.size < MOST_NAMES) names.add(copied(name));
    else isTooMuch = true;
  };

  const tellPartitions = (): void => {
    for (const { partition, of } of attached) {
      const [table, whole] = [tables.get(keyOf(partition)), tables.get(keyOf(of))];
      if (whole !== undefined) whole.isPartitioned = true;
      if (table !== undefined && whole !== undefined) table.partitionOf = of;
    }
    for (const name of partitioned) {
      const table = tables.get(keyOf(name));
      if (table !== undefined) table.isPartitioned = true;
    }
  };

  return {
    table(name) {
      // Whose rows nobody asks for.
      if (isTooLong(name)) return { schema: null, name: '', rows: 0, definition: null };
      const key = keyOf(name);
      const known = tables.get(key);
      if (known !== undefined) return known;
      const table = { ...copiedName(name), rows: 0, definition: null };
      if (tables.size < MOST_TABLES) tables.set(key, table);
      else isTooMuch = true;
      return table;
    },
    define(table, definition, isWhole) {
      if (!isWhole) return;
      // A copy: `slice` of a Buffer is none.
      definitions.push({ table, bytes: new Uint8Array(definition) });
      definitionBytes += definition.length;
      if (definitionBytes > MOST_UNDIGESTED_BYTES) takeDigests();
    },
    addLargeObjects(count) {
      largeObjects += count;
    },
    addExtension: (name) => addName(extensions, name),
    addRole: (name) => addName(roles, name),
    listOthers() {
      others ??= [];
    },
    addOther(name) {
      // One more than are listed says that they are too many.
      if (others === undefined || others.length > MOST_NAMES || isTooLong(name)) return;
      others.push(copiedName(name));
    },
    setPartitioned: (table) => {
      if (partitioned.length < MOST_TABLES && !isTooLong(table)) partitioned.push(copiedName(table));
    },
    attach(partition, of) {
      if (attached.length >= MOST_TABLES || isTooLong(partition) || isTooLong(of)) return;
      attached.push({ partition: copiedName(partition), of: copiedName(of) });
    },
    setEncoding(name) {
      encoding = name === 'UTF8' ? undefined : copied(name);
    },
    contents() {
      if (isTooMuch) return null;
      takeDigests();
      tellPartitions();
      return {
        tables: [...tables.values()].map((table): DumpedTable => ({ ...table })).sort(byName),
        largeObjects,
        extensions: [...extensions].sort(),
        roles: [...roles].sort(),
        ...(others === undefined || others.length > MOST_NAMES ? {} : { others: [...others].sort(byName) }),
        ...(encoding === undefined ? {} : { encoding }),
      };
    },
  };
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** The same letters in memory of their own: a part of a text keeps all of it, which may be a whole statement. */
function copied(text: string): string {
  return DECODER.decode(ENCODER.encode(text));
}

function copiedName({ schema, name }: TableName): TableName {
  return { schema: schema === null ? null : copied(schema), name: copied(name) };
}

/** More rows, where they can be counted. */
export function addRows(table: CountedTable, rows: number): void {
  if (table.rows !== null) table.rows += rows;
}

/** By code units, so that every machine sorts alike. */
function byName(a: NamedObject, b: NamedObject): number {
  return compare(a.schema ?? '', b.schema ?? '') || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
