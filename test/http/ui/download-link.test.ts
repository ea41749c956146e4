import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
let admin: Visitor;
beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
});
afterAll(() => pages.close());

test('a backup in a storage that is not enabled for its environment has the reason in place of a link', async () => {
  const { db, now } = pages.services;
  const done = { status: 'completed', outcome: 'completed' } as const;
  const stored = await insertBackup(db, now(), { ...done, filename: 'ü + 😀.sql' });
  await db.updateTable('environments').set({ allow_backup_download: 1 }).execute();
  const page = await admin.get(`/databases/${stored.database_id}`);
  expect(page.html).toContain('No download: the storage is not enabled for this environment');
  expect(page.html).not.toContain(`/backups/${stored.id}/download`);
  // A file on a host needs no storage.
  await db.updateTable('backups').set({ storage_type: 'local' }).where('id', '=', stored.id).execute();
  const local = await admin.get(`/databases/${stored.database_id}`);
  expect(local.html).toContain(`/backups/${stored.id}/download`);
  expect(local.html).not.toContain('No download:');
});
