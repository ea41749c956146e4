import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { spaceOf } from '../../../src/db/node/disk.ts';
import { insertBackup } from '../../support/backup-row.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const MESSAGE = 'The storage at "größe" <b>🐘 did not answer.';

let pages: Pages;
let viewer: Visitor;
beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

it('tells above all of a storage out of reach, of whose backup it knows, and where to look', async () => {
  const { db, now } = pages.services;
  const failed = await insertBackup(db, now(), {
    ...{ status: 'failed', outcome: 'failed', started_at: now().toISOString() },
    error: JSON.stringify({ message: MESSAGE, step: 'upload', code: 'storage_unreachable' }),
  });
  await db.updateTable('databases').set({ name: 'a+b "q" <i>', backup_storage_type: 'spaces' }).execute();
  const due = new Date(now().getTime() + 3 * 3_600_000 + 60_000).toISOString();
  await db
    .insertInto('database_schedules')
    .values({
      ...{ database_id: failed.database_id, schedule_id: 's', settled_as: 's', time_zone: 'UTC' },
      ...{ interval_minutes: 60, is_paused: 0, due_at: due, run_at: due, anchored_at: due },
    })
    .execute();
  const { html } = await viewer.get('/');
  const [, trouble = ''] = /(<section[^>]*aria-label="Storage".*?<\/section>)/s.exec(html) ?? [];
  expect(trouble).toContain('The storage is out of reach');
  expect(trouble).toContain('The storage at &quot;größe&quot; &lt;b&gt;🐘 did not answer.');
  expect(trouble).toContain(`href="/backups/${failed.id}"`);
  expect(trouble).not.toContain('/admin/storage');
  expect(html.indexOf('out of reach')).toBeLessThan(html.indexOf('aria-label="Verdict"'));
  expect((await (await pages.signedIn('admin')).get('/')).html).toContain('Look at the storage');

  const [, next = ''] = /<h2>Next runs<\/h2>(.*?)<\/ul>/s.exec(html) ?? [];
  expect(next).toContain('a+b &quot;q&quot; &lt;i&gt;');
  expect(next).toContain('>in 3 h<');
});

it('tells of a disk that is nearly full, and of one that has room nothing', async () => {
  const ask = async (free: number) => {
    const app = createApp({ ...pages.services, freeSpace: async () => ({ free, total: 1024 ** 4 }) });
    const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
    const answer = await app.request('http://localhost/', { headers: { cookie: viewer.cookie() } }, peer);
    return answer.text();
  };
  const html = await ask(300 * 1024 ** 2);
  expect(html).toContain('The app&#39;s own disk is nearly full');
  expect(html).toContain('300 MiB are left');
  expect(await ask(900 * 1024 ** 3)).not.toContain('nearly full');
  expect(await spaceOf('/nowhere/at all')).toBeNull();
  const space = await spaceOf('/');
  expect(space?.free).toBeLessThanOrEqual(space?.total ?? 0);
  expect(space?.total).toBeGreaterThan(0);
});
