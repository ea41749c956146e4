import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPages, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
let admin: Visitor;
let settings: string;
beforeAll(async () => {
  pages = await openPages();
  admin = await pages.signedIn('admin');
  const { location } = await admin.post('/environments/new', { name: `Pröd '"<script>` });
  settings = location ?? '';
});
afterAll(() => pages.close());

describe('a key made on the page of an environment', () => {
  it('shows the line to paste, to operators too, and never its private half', async () => {
    const before = (await admin.get(settings)).html;
    expect(before).toContain('Make a key here');
    expect(before).toContain('Private key');
    const made = await admin.post(`${settings}/ssh/make`);
    expect([made.status, made.location]).toEqual([303, settings]);
    const { html } = await admin.get(settings);
    const line =
      /<code id="authorized-keys-line">(restrict ssh-ed25519 [\w+/=]+ bridgeport-Pr_d_script_)<\/code>/;
    expect(html).toMatch(line);
    expect(html).not.toContain('BEGIN OPENSSH PRIVATE KEY-----\n');
    expect((await (await pages.signedIn('operator')).get(settings)).html).toMatch(line);
    expect((await (await pages.signedIn('viewer')).get(settings)).html).not.toMatch(line);
  });

  it('gives an existing one up only where the question was about that very key', async () => {
    const lineOf = (html: string) => /restrict ssh-ed25519 [^<]+/.exec(html)?.[0];
    const { html } = await admin.get(settings);
    const replaces = /name="replaces" value="(SHA256:[^"]+)"/.exec(html)?.[1] ?? '';
    expect((await admin.post(`${settings}/ssh/make`)).status).toBe(422);
    const stale = await admin.post(`${settings}/ssh/make`, { replaces: 'SHA256:another' });
    expect([stale.status, stale.html]).toEqual([422, expect.stringContaining('changed meanwhile')]);
    expect(stale.html).toMatch(/name="sshUser"[^>]*value="root"/);
    expect(lineOf((await admin.get(settings)).html)).toBe(lineOf(html));
    expect((await admin.post(`${settings}/ssh/make`, { replaces })).status).toBe(303);
    expect(lineOf((await admin.get(settings)).html)).not.toBe(lineOf(html));
    const operator = await pages.signedIn('operator');
    expect((await operator.post(`${settings}/ssh/make`, { replaces })).status).toBe(403);
  });

  it('that can’t be read any more is said, and the page is shown', async () => {
    await pages.services.db.updateTable('environments').set({ ssh_private_key: 'v1.broken' }).execute();
    const { status, html } = await admin.get(settings);
    expect([status, html]).toEqual([200, expect.stringContaining('can&#39;t be opened')]);
    expect(html).toContain('Remove SSH key');
  });
});
