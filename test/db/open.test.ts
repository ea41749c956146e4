import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/node/open.ts';
import { write } from '../../src/db/write.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('openDatabase', () => {
  it.each([
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['foreign_keys', 1],
    ['busy_timeout', 0],
  ])('sets %s', async (pragma, value) => {
    const db = openDatabase(join(folder, 'data.sqlite'));
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${pragma}`).execute(db);
    expect(Object.values(rows[0] ?? {})).toEqual([value]);
    await db.destroy();
  });

  it('keeps the file and what SQLite puts beside it for its owner, also where an earlier start did not', async () => {
    const file = join(folder, 'data.sqlite');
    writeFileSync(file, '', { mode: 0o644 });
    writeFileSync(`${file}-wal`, '', { mode: 0o644 });
    const db = openDatabase(file);
    await sql`create table t (id integer)`.execute(db);
    const modes = ['', '-wal', '-shm'].map((end) => (statSync(file + end).mode & 0o777).toString(8));
    expect(modes).toEqual(['600', '600', '600']);
    await db.destroy();
  });

  it('has the lock from the begin of a transaction, so that a write after a read can not fail for it', async () => {
    const file = join(folder, 'data.sqlite');
    const db = openDatabase(file);
    await sql`create table t (id integer)`.execute(db);
    const other = new Database(file, { timeout: 0 });
    await write(db, async (trx) => {
      await sql`select * from t`.execute(trx);
      expect(() => other.exec('insert into t values (1)')).toThrow('locked');
      await sql`insert into t values (2)`.execute(trx);
    });
    expect(other.prepare('select id from t').pluck().all()).toEqual([2]);
    other.close();
    await db.destroy();
  });

  it('creates no file where one must exist', () => {
    const file = join(folder, 'absent.sqlite');
    expect(() => openDatabase(file, { mustExist: true })).toThrow(`Can't open the database file ${file}`);
    expect(existsSync(file)).toBe(false);
  });

  it('says which file is no database or can not be opened', () => {
    const file = join(folder, 'text');
    writeFileSync(
      file,
      'this is no database, only some text that is long enough to have a header'.repeat(20),
    );
    expect(() => openDatabase(file)).toThrow(`Can't open the database file ${file}`);
    expect(() => openDatabase(join(folder, 'absent', 'x.sqlite'))).toThrow("Can't open the database file");
  });
});
