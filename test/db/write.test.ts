import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/node/open.ts';
import { translateSqliteError } from '../../src/db/node/sqlite-failures.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { isAppError } from '../../src/errors.ts';

let folder: string;
let file: string;
let db: Db;
/** Another program on our database. */
let other: Database.Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'write „ü+🗄" '));
  file = join(folder, 'data.sqlite');
  db = openDatabase(file);
  await sql`create table t (id integer primary key)`.execute(db);
  other = new Database(file, { timeout: 0 });
});
afterEach(async () => {
  other.close();
  await db.destroy();
  rmSync(folder, { recursive: true });
});

const insert = (id: number, options?: { patienceMs: number }) =>
  write(db, (trx) => sql`insert into t values (${id})`.execute(trx), options);
const ids = async () =>
  (await sql<{ id: number }>`select id from t order by id`.execute(db)).rows.map(({ id }) => id);

describe('a write while another program holds the database', () => {
  it('waits for it and lets everybody read meanwhile', async () => {
    await insert(1);
    other.exec('BEGIN EXCLUSIVE');
    let isDone = false;
    const writing = insert(2).finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 20; turn += 1) {
      expect(await ids()).toEqual([1]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(isDone).toBe(false);
    other.exec('COMMIT');
    await writing;
    expect(await ids()).toEqual([1, 2]);
  });

  it('never stops the process, also where many wait', async () => {
    other.exec('BEGIN EXCLUSIVE');
    const writing = Promise.all(Array.from({ length: 100 }, (_, id) => insert(id)));
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
      // As many turns of the loop as would take minutes with a busy timeout in each try.
      if (turns === 100) other.exec('COMMIT');
    }, 1);
    await writing;
    clearInterval(counting);
    expect(turns).toBeGreaterThanOrEqual(100);
    expect(await ids()).toHaveLength(100);
  });

  it('gives up after its patience, and names the file and what to do', async () => {
    other.exec('BEGIN IMMEDIATE');
    const error: unknown = await insert(1, { patienceMs: 30 }).catch((thrown) => thrown);
    expect(isAppError(error, 'unavailable') && error.message).toBe(
      `Another program holds a lock on the database ${file}, such as a backup tool or a sqlite3 shell in a transaction. ` +
        'End that program or wait for it; nothing else needs to be done.',
    );
    other.exec('COMMIT');
    await insert(1);
    expect(await ids()).toEqual([1]);
  });

  it('names the program, where it is another process of this machine', async () => {
    const shell = spawn('sqlite3', [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    const closed = once(shell, 'close');
    shell.stdin.write("begin immediate;\nselect 'held';\n");
    await once(shell.stdout, 'data');
    await expect(insert(1, { patienceMs: 30 })).rejects.toThrow(
      `Another program (sqlite3, process ${shell.pid}) holds a lock on the database ${file}. End that program`,
    );
    shell.stdin.end();
    await closed;
    await insert(1);
  });

  it('does not wait for anything else', async () => {
    let tries = 0;
    const failing = write(db, async (trx) => {
      tries += 1;
      await sql`insert into t values (1), (1)`.execute(trx);
    });
    await expect(failing).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' });
    expect(tries).toBe(1);
  });
});

describe('a write that fails', () => {
  it('tells why, also where its transaction is gone already', async () => {
    const failing = write(db, async (trx) => {
      await sql`insert into t values (1)`.execute(trx);
      // As SQLite itself does on a full disk.
      await sql`rollback`.execute(trx);
      throw new Error('the cause');
    });
    await expect(failing).rejects.toThrow('the cause');
    await insert(2);
    expect(await ids()).toEqual([2]);
  });

  it('says that there is no room, and goes on when there is', async () => {
    const pages = other.pragma('page_count', { simple: true });
    await sql.raw(`pragma max_page_count = ${pages}`).execute(db);
    const text = 'ü'.repeat(100_000);
    await sql`create table if not exists u (text text)`.execute(db).catch(() => undefined);
    const failing = write(db, (trx) => sql`create table v as select ${text} as text`.execute(trx));
    const error: unknown = await failing.catch((thrown) => thrown);
    expect(isAppError(error, 'unavailable') && error.message).toMatch(
      /^Nothing can be saved: the disk of the database .*data\.sqlite \(\S+ at \/.*\) is full\. Free some space on it/,
    );
    await sql.raw('pragma max_page_count = 100000').execute(db);
    await write(db, (trx) => sql`create table v as select ${text} as text`.execute(trx));
  });
});

describe('what SQLite says', () => {
  const said = (code: string, message = 'words of SQLite') =>
    translateSqliteError(Object.assign(new Error(message), { code }), file);

  it.each([
    ['SQLITE_BUSY_SNAPSHOT', 'Another program holds a lock'],
    ['SQLITE_LOCKED_SHAREDCACHE', 'Another program holds a lock'],
    ['SQLITE_FULL', 'is full'],
    ['SQLITE_CORRUPT_INDEX', 'is damaged (words of SQLite)'],
    ['SQLITE_NOTADB', 'is damaged (words of SQLite)'],
    ['SQLITE_IOERR_SHMMAP', 'gives no shared memory'],
    ['SQLITE_IOERR_READ', "can't be read or written (words of SQLite, SQLITE_IOERR_READ)"],
    ['SQLITE_READONLY', "can't be read or written"],
    ['SQLITE_CANTOPEN', "can't be read or written"],
  ])('with %s becomes a sentence', (code, sentence) => {
    const error = said(code);
    expect(isAppError(error, 'unavailable') && error.message).toContain(sentence);
    expect(isAppError(error) && error.message).toContain(code.includes('SHM') ? folder : file);
  });

  it.each(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_ERROR', 'ENOENT'])('with %s stays what it is', (code) => {
    expect(said(code)).toMatchObject({ code });
  });
});
