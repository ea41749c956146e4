import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/open.ts';

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
    ['busy_timeout', 5000],
  ])('sets %s', async (pragma, value) => {
    const db = openDatabase(join(folder, 'data.sqlite'));
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${pragma}`).execute(db);
    expect(Object.values(rows[0] ?? {})).toEqual([value]);
    await db.destroy();
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
