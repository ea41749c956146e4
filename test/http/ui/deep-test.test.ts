import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { until } from '../../support/until.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const KEYS = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };

let folder: string;
let store: DevBucket;
let pages: Pages;
let admin: Visitor;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'card-'));
  store = await startDevBucket({ folder, keys: [KEYS], buckets: ['backups', 'locked-out'] });
  pages = await openPages({ STORAGE_CA_FILE: store.caFile ?? '' });
  admin = await pages.signedIn('admin');
  await admin.post('/admin/storage/edit', {
    provider: 'other',
    ...KEYS,
    region: store.region,
    endpoint: store.endpoint,
    buckets: 'backups',
    saveAnyway: 'true',
  });
});
afterAll(async () => {
  await pages.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const card = async () => (await admin.get('/admin/storage/deep-test/card')).html;
const whenOver = () =>
  until('the deep test to end', 10_000, async () => {
    const html = await card();
    return html.includes('hx-trigger') ? undefined : html;
  });

describe('the capability card', () => {
  it('offers the deep test before the first one', async () => {
    const { html } = await admin.get('/admin/storage');
    expect(html).toContain('Run the deep test</button>');
    expect(html).toContain('It has not been run yet.');
    expect(html).not.toContain('every 1s');
  });

  it('is for admins alone', async () => {
    for (const role of ['viewer', 'operator'] as const) {
      const visitor = await pages.signedIn(role);
      expect((await visitor.get('/admin/storage/deep-test/card')).status).toBe(403);
      expect((await visitor.post('/admin/storage/deep-test')).status).toBe(403);
      expect((await visitor.post('/admin/storage/deep-test/card')).status).toBe(403);
    }
  });

  it('shows how far the test is, asks again by itself, and then shows what was found', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.faults.add({
      match: { operation: 'CreateMultipartUpload' },
      fault: { kind: 'hold', until: released },
    });
    const started = await admin.post('/admin/storage/deep-test/card');
    expect(started.html).toMatch(/^<section id="capability-card"/);
    expect(started.html).toContain('hx-trigger="every 1s"');
    await until('the upload', 10_000, async () => (await card()).includes('uploading in parts'));
    const running = await card();
    expect(running).toContain('<strong>backups: </strong>');
    expect(running).toMatch(/<progress max="5" value="2"/);
    expect(running).not.toContain('Run the deep test');
    // The line at the page's top comes along, so that it does not go on telling the test before.
    expect(running).toMatch(/<span id="storage-fitness" hx-swap-oob="true"><span[^>]*>being tested</);
    release();
    const html = await whenOver();
    expect(html).toMatch(/<span id="storage-fitness" hx-swap-oob="true"><span[^>]*>fit</);
    expect(html).toContain('fit for backups');
    expect(html.match(/>works</g)).toHaveLength(11);
    expect(html).toContain('Run the deep test again');
    expect(html).toContain('Versions');
    expect((await admin.get('/admin/storage')).html).toContain('fit for backups');
  });

  it('works without JavaScript: the button leads back to the page', async () => {
    const { status, location } = await admin.post('/admin/storage/deep-test');
    expect([status, location]).toEqual([303, '/admin/storage#capabilities']);
    await whenOver();
  });

  it('is still found under its former address, by a page that was open while the app was updated', async () => {
    const moved = async (answer: Promise<{ readonly status: number; readonly location: string | null }>) => {
      const { status, location } = await answer;
      return [status, location];
    };
    const card = [308, '/admin/storage/deep-test/card'];
    expect(await moved(admin.get('/admin/storage/probe/card'))).toEqual(card);
    expect(await moved(admin.post('/admin/storage/probe/card'))).toEqual(card);
    expect(await moved(admin.post('/admin/storage/probe'))).toEqual([308, '/admin/storage/deep-test']);
  });

  it('is made anew after a change of the settings, also one that was saved anyway', async () => {
    await admin.post('/admin/storage/edit', {
      provider: 'other',
      ...KEYS,
      region: store.region,
      endpoint: store.endpoint,
      buckets: 'locked-out',
      saveAnyway: 'true',
    });
    const html = await until('the test of the new settings', 10_000, async () => {
      const html = await whenOver();
      return html.includes('<strong>locked-out</strong>') ? html : undefined;
    });
    expect(html).toContain('after a change of the settings');
    await admin.post('/admin/storage/edit', {
      provider: 'other',
      ...KEYS,
      region: store.region,
      endpoint: store.endpoint,
      buckets: 'backups',
    });
    await until('the test of the former settings', 10_000, async () =>
      (await whenOver()).includes('<strong>backups</strong>'),
    );
  });

  it('gives no word of former settings to those that count now, where no test of these came to its end', async () => {
    const fitness = async () =>
      /<span id="storage-fitness">(.*?)<\/p>/s.exec((await admin.get('/admin/storage')).html)?.[1] ?? '';
    expect(await fitness()).toMatch(/^<span[^>]*>fit</);
    const { db, now } = pages.services;
    const { endpoint } = await db.selectFrom('spaces_config').select('endpoint').executeTakeFirstOrThrow();
    const set = (values: { endpoint: string; updated_at: string }) =>
      db.updateTable('spaces_config').set(values).execute();
    const before = await db.selectFrom('spaces_config').select('updated_at').executeTakeFirstOrThrow();
    for (const changed of [
      // Another storage, and the same with other keys.
      { endpoint: 'https://elsewhere.example.com', updated_at: before.updated_at },
      { endpoint, updated_at: now().toISOString() },
    ]) {
      await set(changed);
      expect(await fitness()).toMatch(
        /^<span class="badge badge-neutral">not tested in depth since its settings were changed</,
      );
      expect(await card()).toContain('The settings were changed since: what it found says nothing of those');
    }
    await set({ endpoint, updated_at: before.updated_at });
    expect(await fitness()).toMatch(/^<span[^>]*>fit</);
  });

  it('says what failed, what was lost and what stays, and shows no secret', async () => {
    for (const operation of ['AbortMultipartUpload', 'DeleteObject'] as const) {
      store.faults.add({
        match: { operation },
        fault: { kind: 'status', status: 403, code: 'AccessDenied', message: '<b>no</b>' },
        times: Number.POSITIVE_INFINITY,
      });
    }
    await admin.post('/admin/storage/deep-test');
    const html = await whenOver();
    expect(html).toContain('not fit for backups');
    expect(html).toContain('This worked before and does not any more.');
    expect(html).toContain('This stays in the bucket:');
    expect(html).toMatch(/The storage calls this request <code>[0-9A-F]{16}</);
    expect(html).toContain('&lt;b&gt;no&lt;/b&gt;');
    expect(html).not.toMatch(/FULLKEY|full-secret|X-Amz/);
    store.faults.clear();
  });
});
