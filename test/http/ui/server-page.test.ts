import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages.close());

it('asks about a server by its name, and says what keeps it only where something does', async () => {
  const { db, now } = pages.services;
  const admin = await pages.signedIn('admin');
  const { location } = await admin.post('/environments/new', { name: 'größe 🐘' });
  const environmentId = /environments\/(\w+)/.exec(location ?? '')?.[1] ?? '';
  const made = await admin.post(`/environments/${environmentId}/servers/new`, {
    ...{ name: 'this <machine>', hostname: 'db-ü.example.com', sshPort: '22' },
  });
  const path = made.location ?? '';
  const empty = (await admin.get(path)).html;
  expect(empty).toContain('Delete the server “this &lt;machine&gt;”?');
  expect(empty).toContain('Its address and its host key are forgotten.');
  expect(empty).not.toContain('be deleted yet');

  const { database_id: databaseId } = await insertBackup(db, now(), { status: 'pending', outcome: null });
  const serverId = path.split('/').at(-1) ?? '';
  await db.updateTable('databases').set({ server_id: serverId }).where('id', '=', databaseId).execute();
  expect((await admin.get(path)).html).toMatch(/A database is on it, so that it can&#39;t be deleted\s+yet/);
});
