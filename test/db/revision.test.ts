import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/node/open.ts';
import { revisionOf } from '../../src/db/revision.ts';
import type { Db } from '../../src/db/schema.ts';

let folder: string;
let db: Db;
let other: Db;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'revision „ü+🗄" '));
  db = openDatabase(join(folder, 'a.sqlite'));
  await sql`create table parent (id integer primary key)`.execute(db);
  await sql`create table child (parent_id references parent on delete cascade)`.execute(db);
  other = openDatabase(join(folder, 'a.sqlite'), { mustExist: true });
});
afterEach(async () => {
  await db.destroy();
  await other.destroy();
  rmSync(folder, { recursive: true });
});

it('is the same while nobody writes, and another one after each write, of one’s own and of another program', async () => {
  const seen = [await revisionOf(db)];
  const look = async () => {
    const revision = await revisionOf(db);
    expect(await revisionOf(db)).toBe(revision);
    expect(seen).not.toContain(revision);
    seen.push(revision);
  };
  expect(await revisionOf(db)).toBe(seen[0]);
  for (const writer of [db, other, db]) {
    await sql`insert into parent default values`.execute(writer);
    await look();
    await sql`insert into child select max(id) from parent`.execute(writer);
    await look();
    await sql`update parent set id = id + 10`.execute(writer).catch(() => undefined);
    await sql`delete from parent`.execute(writer);
    await look();
  }
});
