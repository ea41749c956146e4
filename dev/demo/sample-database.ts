import { statSync } from 'node:fs';
import Database from 'better-sqlite3';

export const SAMPLE_ROWS = 120_000;

/** A small shop: customers, orders with notes of every kind, an index and a view. Gives the file's bytes. */
export function makeSampleDatabase(file: string): number {
  const database = new Database(file);
  try {
    database.pragma('journal_mode = WAL');
    database.exec(`
      create table customers (id integer primary key, name text not null, email text unique, joined_at text);
      create table orders (
        id integer primary key, customer_id integer not null references customers (id),
        total real, paid integer, note text, receipt blob, ordered_at text not null);
      create index orders_customer on orders (customer_id, ordered_at);
      create view unpaid as select * from orders where paid = 0;`);
    database.transaction(() => fill(database))();
    database.pragma('wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
  return statSync(file).size;
}

function fill(database: Database.Database): void {
  const customer = database.prepare('insert into customers values (?, ?, ?, ?)');
  const customers = 5_000;
  for (let id = 1; id <= customers; id += 1) {
    customer.run(id, `Customer ${id} Ünïcode '"`, `customer${id}@example.com`, instant(id * 86_400_000));
  }
  const order = database.prepare('insert into orders values (?, ?, ?, ?, ?, ?, ?)');
  for (let id = 1; id <= SAMPLE_ROWS; id += 1) {
    const note =
      id % 3 === 0 ? null : `Order ${id}: "fragile",\nleave at the door; it's ${id % 7} pieces — 日本`;
    const receipt = id % 10 === 0 ? Buffer.from(`receipt\0${id}`) : null;
    order.run(
      id,
      (id * 7919) % customers || customers,
      (id * 37) / 100,
      id % 2,
      note,
      receipt,
      instant(id * 60_000),
    );
  }
}

const instant = (ms: number): string => new Date(1_700_000_000_000 + ms).toISOString();

/** Compares every table of both files row by row; gives how many rows were compared, throws at the first difference. */
export function compareRows(expectedFile: string, restoredFile: string): number {
  const expected = new Database(expectedFile, { readonly: true });
  const restored = new Database(restoredFile, { readonly: true });
  try {
    const schema =
      "select type, name, sql from sqlite_schema where name not like 'sqlite_%' order by type, name";
    if (JSON.stringify(expected.prepare(schema).all()) !== JSON.stringify(restored.prepare(schema).all())) {
      throw new Error('the restored schema differs');
    }
    return compareTable(expected, restored, 'customers') + compareTable(expected, restored, 'orders');
  } finally {
    expected.close();
    restored.close();
  }
}

function compareTable(expected: Database.Database, restored: Database.Database, table: string): number {
  const rows = restored.prepare(`select * from ${table} order by id`).raw().iterate();
  let count = 0;
  for (const row of expected.prepare(`select * from ${table} order by id`).raw().iterate()) {
    const other = rows.next();
    if (other.done || !sameRow(row, other.value)) throw new Error(`row ${count + 1} of ${table} differs`);
    count += 1;
  }
  if (!rows.next().done) throw new Error(`${table} has more rows than it should`);
  return count;
}

function sameRow(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
