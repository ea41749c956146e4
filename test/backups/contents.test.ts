import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentsDiffer, contentsOf, contentsText, readContents } from '../../src/backups/contents.ts';
import { vanishedTables } from '../../src/backups/vanished-tables.ts';
import type { Db } from '../../src/db/schema.ts';
import type { DumpContents } from '../../src/engines/contents.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const at = new Date('2026-03-04T05:06:07.890Z');
const FOUND: DumpContents = {
  tables: [
    { schema: 'a "b"', name: 'Größe 🐘\n<script>', rows: 2 ** 40, definition: 'ab'.repeat(32) },
    { schema: null, name: '', rows: null, definition: null },
  ],
  largeObjects: 3,
  extensions: ['pg_trgm'],
  roles: ['Müller "x"'],
};

afterAll(dropStates);

it('compares no names that were read in another encoding, and all the rest', () => {
  const named = (name: string, rows: number) => ({ schema: 'straße', name, rows, definition: null });
  const plain = { schema: 'public', name: 'orders', rows: 3, definition: null };
  const known = { ...FOUND, tables: [named('gr\ufffd\ufffde', 2), plain] };
  const found = { ...FOUND, tables: [named('größe', 2), plain], encoding: 'LATIN1' };
  expect(contentsDiffer(known, found)).toBeNull();
  expect(contentsDiffer({ ...known, encoding: 'LATIN1' }, found)).toContain('straße.gr');
  expect(contentsDiffer(known, { ...found, tables: [named('größe', 2)] })).toContain('public.orders');
  expect(contentsDiffer(known, { ...found, tables: [{ ...plain, rows: 4 }] })).toContain('has 4 rows');
  expect(vanishedTables(found, [known, known, known])).toBeNull();
  expect(vanishedTables({ ...found, tables: [] }, [known, known, known])).toEqual({
    count: 1,
    firstNames: ['public.orders'],
  });
});

describe.each(STATES)('what a backup holds on %s', (kind) => {
  let db: Db;
  beforeEach(async () => {
    db = await openState(kind);
  });
  afterEach(() => db.destroy());

  it('is read as it was written, names and null rows too', async () => {
    const { id } = await insertBackup(db, at, {
      status: 'completed',
      outcome: 'completed',
      contents: contentsText(FOUND),
    });
    expect(await readContents(db, id)).toEqual(FOUND);
  });

  it('is not known of a backup that was made before it was counted', async () => {
    const old = await insertBackup(db, at, { status: 'completed', outcome: 'completed' });
    expect(contentsOf(old)).toBeNull();
    expect(await readContents(db, old.id)).toBeNull();
  });
});
