import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import Database from 'better-sqlite3';
import { definitionText } from './definition-text.ts';
import {
  type Column,
  identifier,
  isVirtual,
  literal,
  readSchema,
  type SchemaObject,
  storedColumns,
  tryDefinitions,
  utf8Of,
} from './dump-schema.ts';
import { checkIntegrity, count, load } from './load.ts';

/**
 * A command that stands in for the sqlite3 program where a machine has none: `node sqlite-dump.js FILE` writes a database as
 * SQL text, `--check FILE` only tries whether that could be restored, `--size FILE` and `--copy FILE COPY` are for a binary
 * copy, `--load FILE`, `--count FILE` and `--integrity FILE` for a restore, `--version` is SQLite's. What it writes means what sqlite3's `.dump --preserve-rowids` means, and
 * is restored by the same program. In one read transaction, a row in memory at a time, at the pace of the reader.
 */
export async function main(args: readonly string[], out: NodeJS.WritableStream): Promise<void> {
  if (args[0] === '--version') {
    const memory = new Database(':memory:');
    out.write(`${memory.prepare('SELECT sqlite_version()').pluck().get()}\n`);
    memory.close();
    return;
  }
  const action = ACTIONS[args[0] ?? ''];
  const [file, copy = ''] = action === undefined ? args : args.slice(1);
  if (file === undefined)
    throw new Error(
      'usage: sqlite-dump [--check | --size | --copy | --load | --count | --integrity] FILE [COPY]',
    );
  // Not read-only: such a connection leaves the files -wal and -shm behind.
  const db = new Database(file, { fileMustExist: true, timeout: LOCK_TIMEOUT_MS });
  try {
    await (action ?? dump)(db, out, copy);
  } finally {
    db.close();
  }
}

const LOCK_TIMEOUT_MS = 30_000;
const FLUSH_BYTES = 64 * 1024;
const HEX_SLICE_BYTES = 1024 * 1024;

type Db = Database.Database;

type Action = (db: Db, out: NodeJS.WritableStream, copy: string) => void | Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = {
  '--check': check,
  '--size': printSize,
  '--copy': copyTo,
  '--load': (db) => load(db, process.stdin),
  '--count': count,
  '--integrity': checkIntegrity,
};

/** A read transaction. Before any other statement: the file's owner chose what its views and expressions call. */
function begin(db: Db): void {
  db.pragma('trusted_schema = OFF');
  db.defaultSafeIntegers(true);
  db.unsafeMode(true);
  db.pragma('query_only = ON');
  db.exec('BEGIN');
}

function check(db: Db): void {
  begin(db);
  tryDefinitions(readSchema(db));
}

function printSize(db: Db, out: NodeJS.WritableStream): void {
  db.pragma('trusted_schema = OFF');
  const [pages, bytes] = ['page_count', 'page_size'].map((name) => Number(db.pragma(name, { simple: true })));
  out.write(`${(pages ?? 0) * (bytes ?? 0)}\n`);
}

/** The transaction holds one moment: without it, each writer in between would have the copy begin anew. */
async function copyTo(db: Db, _out: NodeJS.WritableStream, copy: string): Promise<void> {
  begin(db);
  db.pragma('schema_version');
  await db.backup(copy);
}

async function dump(db: Db, out: NodeJS.WritableStream): Promise<void> {
  begin(db);
  const text = newText(out);
  text.add(headerOf(db));
  text.add('PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n');
  const objects = readSchema(db);
  tryDefinitions(objects);
  let hasVirtual = false;
  for (const object of objects) {
    if (object.type !== 'table') continue;
    if (isVirtual(object) && !hasVirtual) {
      text.add('PRAGMA writable_schema=ON;\n');
      hasVirtual = true;
    }
    await dumpTable(db, object, text);
  }
  for (const type of ['view', 'trigger', 'index']) {
    for (const object of objects) if (object.type === type) text.add(definitionText(object.sql));
  }
  if (hasVirtual) text.add('PRAGMA writable_schema=OFF;\n');
  text.add('COMMIT;\n');
  await text.flush();
  db.exec('ROLLBACK');
}

/** What lies in the file's header. The encoding comes first: it is fixed with the first write. */
function headerOf(db: Db): string {
  const value = (name: string): string => String(db.pragma(name, { simple: true }));
  return (
    `PRAGMA encoding='${value('encoding')}';\n` +
    `PRAGMA application_id=${value('application_id')};\n` +
    `PRAGMA user_version=${value('user_version')};\n`
  );
}

async function dumpTable(db: Db, table: SchemaObject, text: Text): Promise<void> {
  const { name, sql } = table;
  if (isVirtual(table)) {
    // Creating it would also create its shadow tables, which are dumped as what they are: tables.
    const values = `'table',${literal(name)},${literal(name)},0,${literal(sql)}`;
    text.add(`INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES(${values});\n`);
    return;
  }
  if (name === 'sqlite_sequence') text.add('DELETE FROM sqlite_sequence;\n');
  else if (name === 'sqlite_stat1') text.add('ANALYZE sqlite_schema;\nDELETE FROM sqlite_stat1;\n');
  else if (/^sqlite_/i.test(name))
    return; // statistics that not every build of SQLite knows
  else text.add(definitionText(sql));
  await dumpRows(db, name, text);
}

async function dumpRows(db: Db, table: string, text: Text): Promise<void> {
  const columns = storedColumns(db, table);
  const hiddenRowid = columns.some(({ isRowid }) => isRowid) ? undefined : rowidName(db, table, columns);
  const names = [...(hiddenRowid ? [hiddenRowid] : []), ...columns.map((column) => identifier(column.name))];
  const encoding = String(db.pragma('encoding', { simple: true }));
  // Text is read as bytes: it may hold what is no valid text, which a string could not give back.
  const rows = db
    .prepare<[], unknown[]>(
      `SELECT ${names.map((column) => `typeof(${column}) = 'text', CASE WHEN typeof(${column}) = 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`).join(', ')} FROM ${identifier(table)}`,
    )
    .raw()
    .iterate();
  const start = `INSERT INTO ${identifier(table)}${hiddenRowid ? `(${names.join(',')})` : ''} VALUES(`;
  for (const row of rows) {
    text.add(start);
    for (let index = 0; index < row.length; index += 2) {
      if (index > 0) text.add(',');
      addValue(text, row[index + 1], row[index] === 1n, encoding);
    }
    text.add(');\n');
    if (text.pending() >= FLUSH_BYTES) await text.flush();
  }
}

/** A name of the rowid that no column takes; undefined for a table WITHOUT ROWID. */
function rowidName(db: Db, table: string, columns: readonly Column[]): string | undefined {
  const withoutRowid = db.prepare<[string], bigint>(
    `SELECT wr FROM temp.pragma_table_list(?) WHERE schema = 'main'`,
  );
  if (withoutRowid.pluck().get(table) === 1n) return undefined;
  const all = db
    .prepare<[string], string>('SELECT name FROM temp.pragma_table_xinfo(?)')
    .pluck()
    .all(table)
    .concat(columns.map(({ name }) => name))
    .map((name) => name.toLowerCase());
  return ['rowid', '_rowid_', 'oid'].find((name) => !all.includes(name));
}

function addValue(text: Text, value: unknown, isText: boolean, encoding: string): void {
  if (value === null) text.add('NULL');
  else if (typeof value === 'bigint')
    text.add(value === SMALLEST ? '(-9223372036854775807-1)' : String(value));
  else if (typeof value === 'number') text.add(real(value));
  else if (!(value instanceof Uint8Array)) throw new Error('a value of an unknown type');
  else if (isText) addText(text, value, encoding);
  else addHex(text, value, '');
}

/** As a literal its digits would be read without the sign first, and be too large for an integer. */
const SMALLEST = -(2n ** 63n);

/**
 * 17 digits, which lie so close to the number that also an inexact reader finds it again (the shortest digits do not:
 * measured with SQLite 3.40), always with a point or an exponent. SQLite reads the digits of very small numbers too
 * inexactly for that, so they are written as products with powers of two, which are exact.
 */
function real(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '1e999';
  if (value === Number.NEGATIVE_INFINITY) return '-1e999';
  if (Object.is(value, -0)) return '-0.0';
  if (value !== 0 && Math.abs(value) < SMALL) return `(${digits(value * 2 ** 960)}*${DOWN}*${DOWN})`;
  return digits(value);
}

function digits(value: number): string {
  const text = value.toPrecision(17);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const DOWN = (2 ** -480).toPrecision(17);
const SMALL = 1e-250;

/**
 * A quoted literal where it gives the same text back. NUL would end it, and sqlite3 takes the carriage return from
 * the end of each line that it reads.
 */
function addText(text: Text, bytes: Uint8Array, encoding: string): void {
  const utf8 = encoding === 'UTF-8' ? bytes : utf8Of(bytes, encoding);
  if (utf8 === undefined || utf8.includes(0) || utf8.includes(0x0d) || !isUtf8(utf8)) {
    text.add('CAST(');
    addHex(text, bytes, ' AS TEXT)');
    return;
  }
  if (utf8.length <= SHORT_BYTES) {
    text.add(literal(Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length).toString()));
    return;
  }
  text.add("'");
  let from = 0;
  for (let quoted = utf8.indexOf(QUOTE); quoted >= 0; quoted = utf8.indexOf(QUOTE, from)) {
    text.addBytes(utf8.subarray(from, quoted + 1));
    text.add("'");
    from = quoted + 1;
  }
  text.addBytes(utf8.subarray(from));
  text.add("'");
}

const QUOTE = 0x27;
/** Up to here text is a string at once; a long one is written from its own bytes, without a copy. */
const SHORT_BYTES = 16 * 1024;

function addHex(text: Text, bytes: Uint8Array, after: string): void {
  text.add("X'");
  for (let from = 0; from < bytes.length; from += HEX_SLICE_BYTES) {
    text.add(Buffer.from(bytes.subarray(from, from + HEX_SLICE_BYTES)).toString('hex'));
  }
  text.add(`'${after}`);
}

/** Text on its way out, in chunks. */
interface Text {
  add(text: string): void;
  addBytes(bytes: Uint8Array): void;
  pending(): number;
  flush(): Promise<void>;
}

function newText(out: NodeJS.WritableStream): Text {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let last = '';
  const settle = (): void => {
    if (last.length > 0) parts.push(Buffer.from(last));
    last = '';
  };
  return {
    add(text) {
      last += text;
      bytes += text.length;
    },
    addBytes(part) {
      settle();
      parts.push(part);
      bytes += part.length;
    },
    pending: () => bytes,
    async flush() {
      settle();
      const chunk = Buffer.concat(parts);
      parts = [];
      bytes = 0;
      if (!out.write(chunk)) await once(out, 'drain');
    },
  };
}

if (import.meta.main) {
  // A reader that has gone away is the end of the work, and no news.
  process.stdout.on('error', () => process.exit(1));
  main(process.argv.slice(2), process.stdout).catch((error: unknown) => {
    process.stderr.write(`sqlite-dump: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
