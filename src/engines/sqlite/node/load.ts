import { isUtf8 } from 'node:buffer';
import type Database from 'better-sqlite3';
import { newStatementScanner } from '../guard/scanner.ts';

/**
 * Runs SQL text, a statement at a time as sqlite3 splits it, in the file of `db`: for a machine without that program. Whoever sends
 * it has had it pass a guard. Throws what SQLite says, and for text that is no UTF-8, which a string would change.
 */
export async function load(db: Database.Database, text: AsyncIterable<Uint8Array>): Promise<void> {
  // A dump writes virtual tables into the schema itself.
  db.unsafeMode(true);
  db.pragma('trusted_schema = OFF');
  let pending: Uint8Array[] = [];
  const run = (last: Uint8Array): void => {
    const statement = pending.length === 0 ? last : Buffer.concat([...pending, last]);
    pending = [];
    if (!isUtf8(statement)) throw new Error('bridgeport: the dump holds text that only sqlite3 can restore');
    db.exec(new TextDecoder('utf-8', { ignoreBOM: true }).decode(statement));
  };
  let chunk: Uint8Array = new Uint8Array(0);
  let begin = 0;
  const scanner = newStatementScanner({
    token: () => {},
    end: (at) => {
      run(chunk.subarray(begin, at));
      begin = at;
    },
    trap: (what) => {
      throw new Error(`bridgeport: the dump holds ${what}`);
    },
  });
  for await (chunk of text) {
    begin = 0;
    scanner.observe(chunk);
    if (begin < chunk.length) pending.push(chunk.slice(begin));
  }
}

const LIST = `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'
  AND substr(lower(name), 1, 7) <> 'sqlite_' ORDER BY rowid`;

/** Writes a line for each table: its name in hexadecimal digits, and its rows. */
export function count(db: Database.Database, out: NodeJS.WritableStream): void {
  db.pragma('trusted_schema = OFF');
  out.write('bridgeport:encoding=UTF-8\n');
  for (const name of db.prepare<[], string>(LIST).pluck().all()) {
    const rows = db
      .prepare<[], number>(`SELECT count(*) FROM "${name.replaceAll('"', '""')}"`)
      .pluck()
      .get();
    out.write(`bridgeport:rows=${Buffer.from(name).toString('hex')} ${rows}\n`);
  }
}

/** Writes `ok`, or what is wrong with the file. */
export function checkIntegrity(db: Database.Database, out: NodeJS.WritableStream): void {
  db.pragma('trusted_schema = OFF');
  out.write(`${integrityOf(db)}\n`);
}

/**
 * SQLite asks virtual tables, too (since 3.44), and fails where one needs a tokenizer that only its application has: then of each other
 * table, so that nothing is unchecked but that and free pages.
 */
function integrityOf(db: Database.Database): unknown {
  try {
    return db.pragma('integrity_check(3)', { simple: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR')) throw error;
    const found = db
      .prepare<[], string>(LIST)
      .pluck()
      .all()
      .map((name) => db.pragma(`integrity_check("${name.replaceAll('"', '""')}")`, { simple: true }));
    return found.find((said) => said !== 'ok') ?? 'ok';
  }
}
