import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { recordEvent } from '../../../src/events/events.ts';
import { refusedUrl } from '../../../src/http/ui/refused-url.ts';
import { tellEvents } from '../../../src/notifications/tell.ts';
import { SEALED } from '../../../src/secrets/sealed.ts';
import { freshForm } from '../../../views/parts/form-state.ts';
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
    await pages.services.db.updateTable('notifications').set({ severity: 'info' }).execute();
    expect((await viewer.get('/notifications')).html).toMatch(
      /those of trouble alone[^<]*: 0 of the\s+1 that/,
    );
    await pages.services.db.updateTable('notifications').set({ severity: 'critical' }).execute();
    expect((await viewer.get('/notifications')).html).not.toContain('those of trouble alone');
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

  it('leads to where something can be done about what is not of a database', async () => {
    const { db, now } = pages.services;
    const admin = await pages.signedIn('admin');
    const data = { channel: 'the channel “chat”', targetId: 'c', error: 'gone' };
    await write(db, (trx) =>
      recordEvent(trx, { type: 'channel.failed', databaseId: null, environmentId: null, data }, now()),
    );
    await tellEvents(pages.services);
    expect((await admin.get('/notifications')).html).toMatch(
      /<a href="\/notifications\/channels">Notifications don’t arrive/,
    );
    await db.updateTable('notifications').set({ type_id: 'system.disk_nearly_full' }).execute();
    expect((await admin.get('/notifications')).html).toContain('<a href="/admin/system">');
    await db.deleteFrom('notifications').where('database_id', 'is', null).execute();
    await db.updateTable('notifications').set({ type_id: 'system.backup_failed' }).execute();
  });

  it('lets each say what they are told, and leaves what is as it was to its type', async () => {
    const { html } = await viewer.get('/notifications/preferences');
    expect(html).toContain('once an admin has entered a mail server');
    expect(html).toMatch(/name="inApp\.system\.backup_failed"[^>]*checked/);
    expect(html).not.toContain('system.channel_failed');
    const ticked = [...html.matchAll(/name="([\w.]+)" value="true" checked/g)].map(([, name = '']) => name);
    expect(ticked.length).toBeGreaterThan(10);
    const kept = ticked.filter((name) => name !== 'email.system.backup_failed');
    const shown = [...html.matchAll(/name="(shown\.[\w.]+)"/g)].map(([, name = '']) => name);
    // One that the page did not show yet is left as it is.
    const before = shown.filter((name) => name !== 'shown.drill.failed');
    const form = Object.fromEntries(
      [...kept.filter((name) => !name.endsWith('drill.failed')), ...before].map((name) => [name, 'true']),
    );
    const saved = await viewer.post('/notifications/preferences', form);
    expect(saved.location).toBe('/notifications/preferences');
    const rows = await pages.services.db.selectFrom('notification_preferences').selectAll().execute();
    expect(rows).toMatchObject([{ type_id: 'system.backup_failed', in_app_enabled: 1, email_enabled: 0 }]);
  });
});

describe('the ways out', () => {
  const PAGE = '/notifications/channels';
  const CHANNEL = { kind: 'slack', name: ODD, url: 'http://10.0.0.1/secret-path', leastSeverity: 'warning' };
  let admin: Visitor;

  beforeAll(async () => {
    admin = await pages.signedIn('admin');
  });

  it('are admins’ alone', async () => {
    for (const path of [PAGE, '/notifications/deliveries']) expect((await viewer.get(path)).status).toBe(403);
    expect((await viewer.get('/notifications')).html).not.toContain(PAGE);
    expect((await admin.get('/notifications')).html).toContain(`href="${PAGE}"`);
    expect((await admin.get('/notifications/deliveries')).html).toContain('Nothing was sent yet');
  });

  it('are refused beside their field, without what is secret, and may be saved all the same where a test failed', async () => {
    const refused = await admin.post(PAGE, CHANNEL);
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(/id="field-url-error"[^>]*>Nothing may be sent to 10\.0\.0\.1/);
    expect(refused.html).toContain('value="Größe + &quot;x&quot;');
    expect(refused.html).not.toContain('secret-path');
    // Each sending would be refused alike: there is another way.
    expect(refused.html).not.toContain('Add it though the test failed');
    expect(refused.html).toContain('<a href="/admin/system#field-privateHosts">');
    const failed404 = { ...freshForm(), errors: { url: 'It was answered 404.' } };
    expect(refusedUrl(failed404)).toEqual({ maySaveAnyway: true, isPrivate: false });
    // Nothing was tried yet where the name is wrong; the address has to be typed again all the same.
    const untried = await admin.post(PAGE, { ...CHANNEL, name: '' });
    expect(untried.status).toBe(422);
    expect(untried.html).toMatch(/id="field-url-error"[^>]*>Type it again/);
    expect(untried.html).not.toContain('Add it though the test failed');
    const mail = {
      host: '127.0.0.1',
      port: '1',
      security: 'none',
      sender: 'app@example.com',
      password: 'hush-hush',
    };
    const failed = await admin.post(`${PAGE}/mail`, mail);
    expect(failed.status).toBe(422);
    expect(failed.html).toMatch(/id="field-host-error"[^>]*>The mail server 127\.0\.0\.1:1/);
    expect(failed.html).not.toContain('hush-hush');
    const saved = await admin.post(`${PAGE}/mail`, { ...mail, saveAnyway: 'true' });
    expect([saved.status, saved.location]).toEqual([303, PAGE]);
    expect((await admin.get(PAGE)).html).toContain('Mail goes out by <strong>127.0.0.1:1</strong>');
  });

  it('are changed without being shown what is secret of them, and by nobody over what another has changed', async () => {
    const { db } = pages.services;
    const at = '2026-01-01T00:00:00.000Z';
    const row = {
      id: 'chan',
      kind: 'ntfy',
      name: ODD,
      host: 'ntfy.example',
      enabled: 1,
      secret: 'sealed-hush',
    } as const;
    await db
      .insertInto('notification_channels')
      .values({ ...row, url: 'sealed-url', least_severity: 'warning', created_at: at, updated_at: at })
      .execute();
    expect((await viewer.get(`${PAGE}/chan`)).status).toBe(403);
    expect((await admin.get(`${PAGE}/gone`)).status).toBe(404);
    const asked = (await admin.get(`${PAGE}?remove=chan`)).html;
    expect(asked).toContain(`Remove ${ESCAPED}?`);
    expect(asked).toMatch(
      /<dialog id="question" open="".*action="\/notifications\/channels\/chan\/delete".*ntfy at ntfy\.example/s,
    );
    expect(asked).toMatch(/data-label="Told of"[^>]*>\s*critical and warnings, of all environments</);
    const { html } = await admin.get(`${PAGE}/chan`);
    expect(html).toContain(`value="${ESCAPED}"`);
    expect(html).not.toContain('sealed-');
    const [, seen = ''] = /name="seen" value="(\w+)"/.exec(html) ?? [];
    const form = { name: 'on call', leastSeverity: 'critical', environmentId: '', seen };
    const elsewhere = await admin.post(`${PAGE}/chan`, { ...form, url: 'https://ntfy.other/topic' });
    expect([elsewhere.status, elsewhere.html.includes('field-secret-error')]).toEqual([422, true]);
    expect(elsewhere.html).not.toContain('ntfy.other');
    expect((await admin.post(`${PAGE}/chan`, form)).status).toBe(303);
    const late = await admin.post(`${PAGE}/chan`, { ...form, name: 'late' });
    expect([late.status, late.html.includes('Somebody has changed this')]).toEqual([422, true]);
    const saved = await db.selectFrom('notification_channels').selectAll().executeTakeFirstOrThrow();
    expect(saved).toMatchObject({
      name: 'on call',
      least_severity: 'critical',
      url: 'sealed-url',
      secret: 'sealed-hush',
    });
    await admin.post(`${PAGE}/chan/delete`);
  });

  it('that fail stand on the overview, and with their reason on their page', async () => {
    const { db } = pages.services;
    expect((await viewer.get('/')).html).not.toContain('Notifications don’t arrive');
    const since = new Date().toISOString();
    await db.updateTable('smtp_settings').set({ failing_since: since, last_error: 'no <b> way' }).execute();
    const { html } = await viewer.get('/');
    expect(html).toContain('Notifications don’t arrive');
    expect(html).not.toContain('&lt;b&gt; way');
    expect((await admin.get('/')).html).toContain('no &lt;b&gt; way');
    expect((await admin.get(PAGE)).html).toContain('Failing since');
    await admin.post(`${PAGE}/mail/delete`);
    expect((await admin.get(PAGE)).html).toContain('No mail server is entered yet');
  });
});

describe('the types', () => {
  const PAGE = '/notifications/types';
  const FORM = { enabled: 'true', in_app: 'true', webhook: 'true', bounceEnabled: 'true' };

  it('are listed with what they do, and changed one by one; admins’ alone', async () => {
    const admin = await pages.signedIn('admin');
    for (const path of [PAGE, `${PAGE}/drill.failed`]) expect((await viewer.get(path)).status).toBe(403);
    expect((await viewer.post(`${PAGE}/drill.failed`, FORM)).status).toBe(403);
    expect((await admin.get(PAGE)).html).toContain('Disk nearly full');
    expect((await admin.get(`${PAGE}/of%20nothing`)).status).toBe(404);
    const { html } = await admin.get(`${PAGE}/drill.failed`);
    const [, seen = ''] = /name="seen" value="(\w+)"/.exec(html) ?? [];
    const bad = await admin.post(`${PAGE}/drill.failed`, {
      ...FORM,
      bounceThreshold: '101',
      cooldownMinutes: '<b>',
    });
    expect(bad.status).toBe(422);
    expect(bad.html).toContain('field-bounceThreshold-error');
    expect(bad.html).toContain('field-cooldownMinutes-error');
    const form = { ...FORM, bounceThreshold: '3', cooldownMinutes: '90', seen };
    expect((await admin.post(`${PAGE}/drill.failed`, form)).location).toBe(PAGE);
    const late = await admin.post(`${PAGE}/drill.failed`, { ...form, bounceThreshold: '1' });
    expect([late.status, late.html.includes('Somebody has changed this')]).toEqual([422, true]);
    const rows = await pages.services.db.selectFrom('notification_types').selectAll().execute();
    expect(rows).toMatchObject([
      {
        ...{ id: 'drill.failed', default_channels: '["in_app","webhook"]', enabled: 1 },
        ...{ bounce_enabled: 1, bounce_threshold: 3, bounce_cooldown: 5400 },
      },
    ]);
    expect((await admin.get(PAGE)).html).toContain('once while it lasts, from 3 in a row');
  });

  it('of which each event has its own message keep what the form does not show', async () => {
    const admin = await pages.signedIn('admin');
    const { html } = await admin.get(`${PAGE}/backup.missing`);
    expect(html).not.toContain('bounceThreshold');
    expect((await admin.post(`${PAGE}/backup.missing`, {})).status).toBe(303);
    expect((await admin.get(PAGE)).html).toContain('to nobody');
    const row = await pages.services.db
      .selectFrom('notification_types')
      .selectAll()
      .where('id', '=', 'backup.missing')
      .executeTakeFirst();
    expect(row).toMatchObject({
      enabled: 0,
      default_channels: '[]',
      bounce_enabled: 0,
      bounce_cooldown: 3600,
    });
  });
});

describe('the weekly report', () => {
  it('is shown as it stands, escaped, and mailed where there is a mail server', async () => {
    const { html } = await viewer.get('/notifications/report');
    expect(html).toContain('Weekly report: No database is registered');
    expect(html).toContain('an admin has to enter a mail server first');
    expect((await viewer.post('/notifications/report/send')).location).toBe('/notifications/report');
    expect((await viewer.get('/notifications/report')).html).toContain('There is no mail server');
    const { db } = pages.services;
    const smtp = { id: 's', host: 'h', port: 1, security: 'none', sender: 'a@example.com' } as const;
    const at = new Date().toISOString();
    await db
      .insertInto('smtp_settings')
      .values({ ...smtp, created_at: at, updated_at: at })
      .execute();
    expect((await viewer.get('/notifications/preferences')).html).not.toContain('an admin has entered');
    for (const says of ['The report is on its way', 'A report is on its way to you already']) {
      await viewer.post('/notifications/report/send');
      expect((await viewer.get('/notifications/report')).html).toContain(says);
    }
    const sent = await db.selectFrom('deliveries').select(['event', 'recipient']).execute();
    expect(sent).toEqual([{ event: 'system.weekly_report', recipient: expect.stringContaining('viewer') }]);
    await db.deleteFrom('deliveries').execute();
    await db.deleteFrom('smtp_settings').execute();
  });
});

describe('the webhooks', () => {
  const PAGE = '/notifications/webhooks';

  it('are added with a secret that is shown once, and removed again; operators’ alone', async () => {
    const operator = await pages.signedIn('operator');
    expect((await viewer.get(PAGE)).status).toBe(403);
    const nobody = { userId: null, address: null };
    const environment = await createEnvironment(pages.services, nobody, { name: ODD });
    const form = { environmentId: environment.id, url: 'https://example.com/<b>', failed: 'true' };
    const made = await operator.post(PAGE, { ...form, generateSecret: 'true' });
    expect(made.html).toMatch(/<code id="webhook-secret">whsec_[^<]{44}</);
    const { html } = await operator.get(PAGE);
    expect(html).not.toContain('whsec_');
    expect(html).toContain('https://example.com/%3Cb%3E');
    expect(html).toContain(ESCAPED);
    const none = await operator.post(PAGE, { ...form, failed: '' });
    expect([none.status, none.html.includes('field-error') || none.html.includes('notice-error')]).toEqual([
      422,
      true,
    ]);
    const [, id = ''] = /href="\/notifications\/webhooks\?remove=(\w+)"/.exec(html) ?? [];
    const asked = (await operator.get(`${PAGE}?remove=${id}`)).html;
    expect(asked).toMatch(/<dialog id="question" open="".*https:\/\/example\.com\/%3Cb%3E.*Remove webhook/s);
    expect(asked).toContain(`<input type="hidden" name="environmentId" value="${environment.id}"/>`);
    const other = await operator.post(`${PAGE}/${id}/delete`, { environmentId: 'other' });
    expect(other.status).toBe(404);
    const gone = await operator.post(`${PAGE}/${id}/delete`, { environmentId: environment.id });
    expect(gone.location).toBe(PAGE);
    expect((await operator.get(PAGE)).html).toContain('No webhooks yet');
  });

  it('whose address no key opens hide neither the page nor the secret of a new one, and can be removed', async () => {
    const operator = await pages.signedIn('operator');
    const nobody = { userId: null, address: null };
    const { id: environmentId } = await createEnvironment(pages.services, nobody, { name: 'lost "keys"' });
    const form = { environmentId, url: 'https://example.com/lost', failed: 'true', generateSecret: 'true' };
    await operator.post(PAGE, form);
    await pages.services.db.updateTable('webhook_subscriptions').set({ url: 'v1.gone.key.x' }).execute();
    const made = await operator.post(PAGE, { ...form, url: 'https://example.com/new' });
    expect(made.html).toMatch(/<code id="webhook-secret">whsec_/);
    expect(made.html).toContain('an address that can’t be read');
    const [, id = ''] = /href="\/notifications\/webhooks\?remove=(\w+)"/.exec(made.html) ?? [];
    await operator.post(`${PAGE}/${id}/delete`, { environmentId });
    const { html } = await operator.get(PAGE);
    expect([html.includes('can’t be read'), html.includes('https://example.com/new')]).toEqual([false, true]);
  });

  it('tell operators what became of the newest that was sent, and why a test was not taken', async () => {
    const operator = await pages.signedIn('operator');
    const { db } = pages.services;
    const nobody = { userId: null, address: null };
    const { id: environmentId } = await createEnvironment(pages.services, nobody, { name: 'answers' });
    await operator.post(PAGE, { environmentId, url: 'https://example.com/answers', failed: 'true' });
    expect((await operator.get(PAGE)).html).toMatch(/<td data-label="Last sent"[^>]*>nothing yet</);
    const hook = await db
      .selectFrom('webhook_subscriptions')
      .select('id')
      .where('environment_id', '=', environmentId)
      .executeTakeFirstOrThrow();
    const sent = {
      way: 'webhook',
      target_id: hook.id,
      recipient: 'r',
      event: 'backup.failed',
      body: '{}',
      attempts: 5,
      claimed_by: null,
      lease_until: null,
      next_try_at: null,
    } as const;
    await db
      .insertInto('deliveries')
      .values([
        {
          ...sent,
          id: 'older',
          status: 'delivered',
          response_status: 200,
          last_error: null,
          created_at: '2026-01-01T00:00:00.000Z',
          delivered_at: '2026-01-01T00:00:00.000Z',
        },
        {
          ...sent,
          id: 'newer',
          status: 'failed',
          response_status: 500,
          last_error: 'example.com <b> answered 500.',
          created_at: '2026-01-02T00:00:00.000Z',
          delivered_at: null,
        },
      ])
      .execute();
    const { html } = await operator.get(PAGE);
    expect(html).toMatch(/given up<.*example\.com &lt;b&gt; answered 500\./s);
    expect(html).not.toContain('>delivered<');
    // Private, and named by nobody: it is not even asked.
    await db
      .updateTable('webhook_subscriptions')
      .set({
        url: await pages.services.vault.seal('https://10.0.0.1/x', SEALED.webhookUrl.identity(hook.id)),
      })
      .where('id', '=', hook.id)
      .execute();
    await operator.post(`${PAGE}/${hook.id}/test`, { environmentId });
    const after = (await operator.get(PAGE)).html;
    expect(after).toContain('The webhook did not take the test: Nothing was sent to 10.0.0.1');
    expect((await operator.get(PAGE)).html).not.toContain('did not take the test');
    await db.deleteFrom('deliveries').execute();
  });
});
