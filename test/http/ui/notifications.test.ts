import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { recordEvent } from '../../../src/events/events.ts';
import { tellEvents } from '../../../src/notifications/tell.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const ESCAPED = 'Größe + &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt; 🗝';

let pages: Pages;
let viewer: Visitor;

beforeAll(async () => {
  pages = await openPages();
  viewer = await pages.signedIn('viewer');
});
afterAll(() => pages.close());

async function fails(databaseName: string): Promise<void> {
  const { db, now } = pages.services;
  const data = { databaseName, backupId: 'b', step: 'dump', error: `no ${ODD}` };
  const event = { type: 'backup.failed', databaseId: 'x', environmentId: null, data } as const;
  await write(db, (trx) => recordEvent(trx, event, now()));
  await tellEvents(pages.services);
}

describe('the page of notifications', () => {
  it('counts what is unread at its entry, shows it escaped, and marks it as read, one by one and all', async () => {
    expect((await viewer.get('/notifications')).html).toContain('Nothing happened yet');
    await fails(ODD);
    await fails('another');
    const { html } = await viewer.get('/notifications');
    expect(html).toContain(`Backup failed: ${ESCAPED}`);
    expect(html).not.toContain('<script>alert');
    expect(html).toMatch(/<span class="menu-count">2<span class="visually-hidden"> unread/);
    const [, id = ''] = /action="\/notifications\/(\w+)\/read"/.exec(html) ?? [];
    const read = await viewer.post(`/notifications/${id}/read`, { back: '/notifications?unread=true' });
    expect([read.status, read.location]).toEqual([303, '/notifications?unread=true']);
    const away = await viewer.post(`/notifications/${id}/read`, { back: 'https://elsewhere.example' });
    expect(away.location).toBe('/notifications');
    expect((await viewer.get('/notifications?unread=true')).html).toMatch(
      /Unread<span class="chip-count"> 1</,
    );
    await viewer.post('/notifications/read-all');
    const after = (await viewer.get('/notifications')).html;
    expect(after).toContain('All notifications are marked as read.');
    expect(after).not.toContain('menu-count');
    expect((await viewer.post('/notifications/nobody/read')).status).toBe(404);
  });

  it('lets each say what they are told, and leaves what is as it was to its type', async () => {
    const { html } = await viewer.get('/notifications/preferences');
    expect(html).toMatch(/name="inApp\.system\.backup_failed"[^>]*checked/);
    expect(html).not.toContain('system.channel_failed');
    const ticked = [...html.matchAll(/name="([\w.]+)" value="true" checked/g)].map(([, name = '']) => name);
    expect(ticked.length).toBeGreaterThan(10);
    const kept = ticked.filter((name) => name !== 'email.system.backup_failed');
    const form = Object.fromEntries(kept.map((name) => [name, 'true']));
    const saved = await viewer.post('/notifications/preferences', form);
    expect(saved.location).toBe('/notifications/preferences');
    const rows = await pages.services.db.selectFrom('notification_preferences').selectAll().execute();
    expect(rows).toMatchObject([{ type_id: 'system.backup_failed', in_app_enabled: 1, email_enabled: 0 }]);
  });
});
