import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/node/open.ts';
import { keepingStatements } from '../../src/db/node/statements.ts';

describe('kept statements', () => {
  let database: Database.Database;
  beforeEach(() => {
    database = new Database(':memory:');
    database.exec("create table t (a text); insert into t values ('größe 🐘'), ('x')");
  });
  afterEach(() => database.close());

  it('are the same for the same text, and forgotten when many others came', () => {
    const { prepare } = keepingStatements(database);
    const first = prepare('select a from t where a = ?');
    expect(prepare('select a from t where a = ?')).toBe(first);
    for (let number = 0; number < 299; number += 1) prepare(`select ${number}`);
    expect(prepare('select a from t where a = ?')).toBe(first);
    for (let number = 0; number < 300; number += 1) prepare(`select ${number}`);
    expect(prepare('select a from t where a = ?')).not.toBe(first);
  });

  it('leave alone one that is being read', () => {
    const { prepare } = keepingStatements(database);
    const rows = prepare('select a from t').iterate();
    rows.next();
    expect(prepare('select a from t').all()).toHaveLength(2);
    expect([...rows]).toHaveLength(1);
  });

  it('see what has become of the schema', async () => {
    const db = openDatabase(':memory:');
    const all = async () => (await sql`select * from t`.execute(db)).rows;
    await sql`create table t (a text)`.execute(db);
    await sql`insert into t values ('ü')`.execute(db);
    expect(await all()).toEqual([{ a: 'ü' }]);
    await sql`alter table t add column b text default 'neu'`.execute(db);
    expect(await all()).toEqual([{ a: 'ü', b: 'neu' }]);
    await sql`alter table t drop column a`.execute(db);
    expect(await all()).toEqual([{ b: 'neu' }]);
    await sql`drop table t`.execute(db);
    await expect(all()).rejects.toThrow('no such table');
    await sql`create table t (c text)`.execute(db);
    expect(await all()).toEqual([]);
    await db.destroy();
  });
});
