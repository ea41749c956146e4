import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages.close());

it('asks about a server by its name, and lists what keeps it where something does', async () => {
  const { db, now } = pages.services;
  const admin = await pages.signedIn('admin');
  const { location } = await admin.post('/environments/new', { name: 'größe 🐘' });
  const environmentId = /environments\/(\w+)/.exec(location ?? '')?.[1] ?? '';
  const made = await admin.post(`/environments/${environmentId}/servers/new`, {
    ...{ name: 'this <machine>', hostname: 'db-ü.example.com', sshPort: '22' },
  });
  const path = made.location ?? '';
  const question = (html: string) => /<dialog id="question".*?<\/dialog>/s.exec(html)?.[0] ?? '';
  expect(question((await admin.get(path)).html)).toBe('<dialog id="question"></dialog>');
  expect((await admin.get(path)).html).toContain(`href="${path}?delete"`);
  const empty = question((await admin.get(`${path}?delete`)).html);
  expect(empty).toContain('Delete the server “this &lt;machine&gt;”?');
  expect(empty).toContain('Its address and its host key are forgotten.');
  expect(empty).toMatch(/<button type="submit"[^>]*>Delete server/);
  const operator = await pages.signedIn('operator');
  expect(question((await operator.get(`${path}?delete`)).html)).toBe('<dialog id="question"></dialog>');

  const serverId = path.split('/').at(-1) ?? '';
  for (let index = 10; index < 27; index += 1) {
    const { database_id: id } = await insertBackup(db, now(), { status: 'failed', outcome: 'failed' });
    const name = `<b>${index} "ü"`;
    await db.updateTable('databases').set({ server_id: serverId, name }).where('id', '=', id).execute();
  }
  const refused = await admin.post(`${path}/delete`);
  expect(refused.status).toBe(422);
  for (const html of [refused.html, (await admin.get(`${path}?delete`)).html].map(question)) {
    expect(html).toContain('“this &lt;machine&gt;” can’t be deleted yet');
    expect(html).toContain('17 databases are on it: move or delete those first.');
    expect(html.match(/<li><a href="\/databases\/\w+\/settings">/g)).toHaveLength(15);
    expect(html).toContain('&lt;b&gt;10 &quot;ü&quot;</a>');
    expect(html).toContain('and 2 more');
    expect(html).not.toContain('type="submit"');
    expect(html).toContain('autofocus="">Close</a>');
  }
  await db.deleteFrom('databases').where('server_id', '=', serverId).execute();
  expect((await admin.post(`${path}/delete`)).location).toBe('/servers');
});

it('lists what goes with an environment before it is deleted, and asks for its name where anything does', async () => {
  const { db, now } = pages.services;
  const admin = await pages.signedIn('admin');
  const make = async (name: string) => {
    const { location } = await admin.post('/environments/new', { name });
    return /environments\/(\w+)/.exec(location ?? '')?.[1] ?? '';
  };
  const question = (html: string) => /<dialog id="question".*?<\/dialog>/s.exec(html)?.[0] ?? '';
  const emptyId = await make('leer');
  const empty = question((await admin.get(`/environments/${emptyId}/settings?delete`)).html);
  expect(empty).toContain('Nothing is in it.');
  expect(empty).not.toContain('name="name"');
  expect((await admin.post(`/environments/${emptyId}/delete`)).html).toContain('leer is deleted.');

  const name = 'größe "x" <b>🐘';
  const id = await make(name);
  await admin.post(`/environments/${id}/servers/new`, {
    name: 'db "ü"',
    hostname: 'db.example.com',
    sshPort: '22',
  });
  for (let index = 10; index < 27; index += 1) {
    const row = await insertBackup(db, now(), { status: 'completed', outcome: 'completed' });
    await db
      .updateTable('databases')
      .set({ environment_id: id, name: `d${index} <i>` })
      .where('id', '=', row.database_id)
      .execute();
    const place = { endpoint: 'https://s', bucket: 'b', backups: 2, bytes: 512 * 1024 ** 2 };
    await db
      .insertInto('stored_totals')
      .values({ database_id: row.database_id, ...place })
      .execute();
  }
  const path = `/environments/${id}/delete`;
  const settings = `/environments/${id}/settings`;
  expect(question((await (await pages.signedIn('operator')).get(`${settings}?delete`)).html)).not.toContain(
    '<form',
  );
  const wrong = await admin.post(path, { name: 'größe' });
  expect([wrong.status, wrong.html.includes('That is not the name of the environment.')]).toEqual([
    422,
    true,
  ]);
  expect((await admin.post(path)).status).toBe(422);
  for (const html of [wrong.html, (await admin.get(`${settings}?delete`)).html].map(question)) {
    expect(html).toContain('Delete the environment “größe &quot;x&quot; &lt;b&gt;🐘”?');
    expect(html).toMatch(/17 databases\s+are no longer backed up/);
    expect(html).toContain('d10 &lt;i&gt;</a></li>');
    expect(html).toContain('and 2 more');
    expect(html).toMatch(/1 server\s+is forgotten/);
    expect(html).toContain('db &quot;ü&quot;</a>');
    expect(html).toContain('34 stored backups (8.5 GiB)');
  }
  expect(
    await db.selectFrom('databases').select('id').where('environment_id', '=', id).execute(),
  ).toHaveLength(17);
  const gone = await admin.post(path, { name });
  expect(gone.html).toContain('34 in bucket b at https://s');
  expect(await db.selectFrom('databases').select('id').where('environment_id', '=', id).execute()).toEqual(
    [],
  );
});
