import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db } from '../../src/db/schema.ts';
import { untilWritten } from '../../src/db/until-written.ts';

let folder: string;
let db: Db;
let program: Db;
let reads: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'until written „ü+🗄" '));
  db = openDatabase(join(folder, 'a.sqlite'));
  await sql`create table notes (text text)`.execute(db);
  program = openDatabase(join(folder, 'a.sqlite'), { mustExist: true });
  reads = 0;
});
afterEach(async () => {
  await db.destroy();
  await program.destroy();
  rmSync(folder, { recursive: true });
});

async function read(from: Db, text: string | null) {
  reads += 1;
  const { rows } = await sql<{
    count: number;
  }>`select count(*) as count from notes where text is ${text}`.execute(from);
  return rows[0]?.count ?? null;
}

it('is read once for everybody, until this app or another program has written', async () => {
  const count = untilWritten(read);
  expect(await Promise.all([count(db, 'ü'), count(db, 'ü'), count(db, 'ü')])).toEqual([0, 0, 0]);
  expect([await count(db, 'ü'), reads]).toEqual([0, 1]);
  for (const [writes, writer] of [db, program, db].entries()) {
    await sql`insert into notes values ('ü')`.execute(writer);
    expect(await count(db, 'ü')).toBe(writes + 1);
    expect(await count(db, 'ü')).toBe(writes + 1);
    expect(reads).toBe(writes + 2);
  }
});

it('is another answer for another question, and another database', async () => {
  const count = untilWritten(read);
  await sql`insert into notes values (null), ('null'), ('null')`.execute(db);
  expect([await count(db, null), await count(db, 'null')]).toEqual([1, 2]);
  const other = openDatabase(':memory:');
  await sql`create table notes (text text)`.execute(other);
  expect([await count(other, 'null'), await count(db, 'null'), reads]).toEqual([0, 2, 3]);
  await other.destroy();
});

it('is asked anew where it failed', async () => {
  let fails = true;
  const count = untilWritten((from: Db) => (fails ? Promise.reject(new Error('no')) : read(from, 'ü')));
  await expect(count(db)).rejects.toThrow('no');
  fails = false;
  expect(await count(db)).toBe(0);
});

it('holds no more than some hundred answers', async () => {
  const count = untilWritten(read);
  for (let round = 0; round < 1000; round += 1) await count(db, String(round));
  expect(reads).toBe(1000);
  await count(db, '0');
  expect(reads).toBe(1001);
});
