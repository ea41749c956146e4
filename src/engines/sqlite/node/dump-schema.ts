import { isUtf8 } from 'node:buffer';
import Database from 'better-sqlite3';
import { definitionText } from './definition-text.ts';

/** What `dump.ts` knows of a file's schema, and what it refuses of it. */

type Db = Database.Database;

export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** Lines end in `\n` alone here, as sqlite3 reads them: a definition full of `\r` is gone over once. */
const ENDING_LINE = /(?:^|\n)[ \t\r]*(?:\/|go)[ \t\r]*(?:\n|$)/i;

/** sqlite_sequence last: it comes into being with the first table that has AUTOINCREMENT. */
export function readSchema(db: Db): readonly SchemaObject[] {
  const encoding = String(db.pragma('encoding', { simple: true }));
  const objects = db
    .prepare<[], SchemaObject & { bytes: Uint8Array }>(
      `SELECT type, name, sql, CAST(sql AS BLOB) AS bytes FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name = 'sqlite_sequence', rowid`,
    )
    .all();
  for (const { type, name, sql, bytes } of objects) {
    // A line that begins with a dot may be a command to the program that restores.
    if (!SPELLINGS[type]?.some((start) => sql.startsWith(start)) || /\n\./.test(name + sql)) {
      throw new Error('bridgeport: a definition is not spelled as SQLite does');
    }
    const utf8 = encoding === 'UTF-8' ? bytes : utf8Of(bytes, encoding);
    if (utf8 === undefined || !isUtf8(utf8)) throw new Error('bridgeport: a definition is no text');
    if (type !== 'trigger' && ENDING_LINE.test(sql)) {
      throw new Error('bridgeport: a definition has a line that sqlite3 takes for its end');
    }
  }
  return objects;
}

/**
 * Gives the definitions to an empty database, in the order of the dump, without rows: what it refuses, no restore takes.
 * Each is one statement of those that make something, so that none can reach beyond that database.
 */
export function tryDefinitions(objects: readonly SchemaObject[]): void {
  const memory = new Database(':memory:');
  try {
    memory.pragma('trusted_schema = OFF');
    for (const type of ['table', 'view', 'trigger', 'index']) {
      for (const object of objects) {
        if (object.type !== type || isVirtual(object) || /^sqlite_/i.test(object.name)) continue;
        tryDefinition(memory, object.sql);
        if (type === 'table') memory.prepare(`INSERT INTO ${ownRows(memory, object.name)}`);
      }
    }
  } catch (error) {
    if (error instanceof NotTakenBack) throw error;
    const why = error instanceof Error ? error.message : String(error);
    if (/more than one statement/.test(why)) {
      throw new Error('bridgeport: a definition is not taken back: it is more than one statement');
    }
    const missing = /no such (?:collation sequence|function): (.*)/.exec(why)?.[1];
    // Whatever else it refuses is its own affair: the program that restores takes quotes of the wrong kind, for one.
    if (missing !== undefined && !SQLITE3_HAS.test(missing)) {
      throw new Error(`bridgeport: a definition is not taken back: ${why}`);
    }
  } finally {
    memory.close();
  }
}

class NotTakenBack extends Error {}

/** As the dump has it: what is refused so and would be taken otherwise is our own fault, and no restore could mend it. */
function tryDefinition(db: Db, sql: string): void {
  try {
    db.prepare(definitionText(sql)).run();
  } catch (error) {
    if (!isTaken(db, sql)) throw error;
    throw new NotTakenBack(
      'bridgeport: a definition is not taken back: its end is not where the dump has it',
      {
        cause: error,
      },
    );
  }
}

function isTaken(db: Db, sql: string): boolean {
  try {
    db.prepare(sql);
    return true;
  } catch {
    return false;
  }
}

/** Functions and collations of the sqlite3 program that the library has not. */
const SQLITE3_HAS = /^(?:regexpi?|sha[13]\w*|decimal\w*|ieee754\w*|base(?:64|85)|is_base85|uint)$/i;

/** The rows of a table for itself: what is needed to write one is needed for none of them, too. */
function ownRows(db: Db, table: string): string {
  const columns = storedColumns(db, table).map(({ name }) => identifier(name));
  return `${identifier(table)} SELECT ${columns.join(', ')} FROM ${identifier(table)}`;
}

/** How SQLite itself begins a definition. What it reads beyond them is nobody's but an attacker's. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  table: ['CREATE TABLE ', 'CREATE VIRTUAL TABLE '],
  view: ['CREATE VIEW '],
  index: ['CREATE INDEX ', 'CREATE UNIQUE INDEX '],
  trigger: ['CREATE TRIGGER '],
};

/** Its rows are never read: that runs what views and its own arguments say. */
export function isVirtual(object: SchemaObject): boolean {
  return object.sql.startsWith('CREATE VIRTUAL TABLE ');
}

export interface Column {
  readonly name: string;
  /** INTEGER PRIMARY KEY of a table: another name of the rowid. */
  readonly isRowid: boolean;
}

/** Without generated columns (hidden 2 and 3), which are computed again. */
export function storedColumns(db: Db, table: string): readonly Column[] {
  const columns = db
    .prepare<[string], { name: string; type: string; pk: bigint }>(
      'SELECT name, type, pk FROM temp.pragma_table_xinfo(?) WHERE hidden = 0',
    )
    .all(table);
  const keyIndexes = db
    .prepare<[string], bigint>(`SELECT count(*) FROM temp.pragma_index_list(?) WHERE origin = 'pk'`)
    .pluck()
    .get(table);
  const hasSingleKey = columns.filter(({ pk }) => pk > 0n).length === 1;
  return columns.map(({ name, type, pk }) => ({
    name,
    isRowid: hasSingleKey && pk > 0n && keyIndexes === 0n && type.toUpperCase() === 'INTEGER',
  }));
}

export function utf8Of(bytes: Uint8Array, encoding: string): Uint8Array | undefined {
  try {
    return Buffer.from(new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
