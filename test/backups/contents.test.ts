import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentsOf, contentsText, readContents } from '../../src/backups/contents.ts';
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
