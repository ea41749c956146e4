import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { AppError } from '../../../src/errors.ts';
import type { Host } from '../../../src/hosts/host.ts';
import { getServer } from '../../../src/servers/servers.ts';
import { setStorageEnabled } from '../../../src/storage/enabled.ts';
import { saveStorage } from '../../../src/storage/save-storage.ts';
import { ORIGIN, openPages, type Pages, type Visitor } from './pages.ts';

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

  it('is removed only where the question was about that very key', async () => {
    const fingerprintIn = (html: string) => /name="removes" value="(SHA256:[^"]+)"/.exec(html)?.[1] ?? '';
    const asked = fingerprintIn((await admin.get(settings)).html);
    const [path, made] = [`${settings}/ssh/remove`, `${settings}/ssh/make`];
    // Somebody else makes another one while the question is read.
    expect((await admin.post(made, { replaces: asked })).status).toBe(303);
    const present = fingerprintIn((await admin.get(settings)).html);
    for (const removes of [asked, '', 'SHA256:"<ü>']) {
      const { status, html } = await admin.post(path, { removes });
      expect([status, html]).toEqual([
        422,
        expect.stringContaining('changed meanwhile, so none was removed'),
      ]);
    }
    expect(fingerprintIn((await admin.get(settings)).html)).toBe(present);
    expect((await admin.post(path, { removes: present })).location).toBe(settings);
    expect((await admin.get(settings)).html).toContain('Make a key here');
    expect((await admin.post(path, { removes: present })).status).toBe(422);
    expect((await admin.post(made)).status).toBe(303);
  });

  it('is let in by a host whose own key is looked at before, or why it can’t be, by a link too', async () => {
    const nobody = { userId: null, address: null };
    const storage = {
      accessKey: 'key',
      secretKey: 'secret',
      region: 'eu',
      endpoint: 's3.example',
      buckets: [],
    };
    const untried = { by: 'api', validate: false } as const;
    await saveStorage(pages.services, nobody, storage, untried, AbortSignal.timeout(60_000));
    await setStorageEnabled(pages.services, nobody, settings.split('/')[2] ?? '', true);
    const added = { address: 'backup@127.0.0.9', sshPort: '1' };
    expect((await admin.post(settings.replace('settings', 'hosts'), added)).location).toBe('/');
    const waiting = (await admin.get('/')).html;
    const path = /hx-get="(\/servers\/[^"]+\/first-contact)" hx-trigger="load"/.exec(waiting)?.[1] ?? '';
    expect(waiting).toContain('<noscript><a href="/?host-key=show">');
    for (const shown of ['/?host-key=show', path]) {
      const { status, html } = await admin.get(shown);
      expect([status, html]).toEqual([200, expect.stringContaining('the connection was refused')]);
      // It is not looked at again by itself, and can be tried all the same.
      expect(html).not.toContain('hx-trigger="load"');
      expect(html).toContain('aria-label="Test SSH: 127.0.0.9"');
    }
    const viewer = await pages.signedIn('viewer');
    expect((await viewer.get(path)).status).toBe(403);
    expect((await viewer.get('/?host-key=show')).html).not.toContain('refused');
    const own = await admin.post(settings.replace('settings', 'hosts'), { address: 'localhost' });
    expect(own.status).toBe(303);
    const { id } = await pages.services.db
      .selectFrom('servers')
      .select('id')
      .where('hostname', '=', 'localhost')
      .executeTakeFirstOrThrow();
    expect((await admin.get(`/servers/${id}/first-contact`)).status).toBe(404);
  });

  it('is first used on the key that was shown, and on another one comes back with both', async () => {
    let presented = 'SHA256:first';
    const asked: (string | undefined)[] = [];
    const { servers } = pages.services;
    const app = createApp({
      ...pages.services,
      servers: {
        ...servers,
        async open(_, { startedBy, shownHostKey }) {
          if (startedBy === 'person') asked.push(shownHostKey);
          return {
            ...{ address: null, checkPath: async () => {}, pinnedFingerprint: () => null },
            host: hostThat(() => {
              throw new AppError('host_key_unknown', 'Not known.', { details: { presented } });
            }),
          };
        },
      },
    });
    const { id } = await pages.services.db
      .selectFrom('servers')
      .select('id')
      .where('hostname', '=', '127.0.0.9')
      .executeTakeFirstOrThrow();
    const test = (form: Readonly<Record<string, string>>) => send(app, admin, `/servers/${id}/test`, form);

    // Without a key that was shown nothing is tried: it is shown first.
    const unseen = await test({ next: '/' });
    expect([unseen.status, unseen.headers.get('location'), asked]).toEqual([303, '/?host-key=show', []]);
    presented = 'SHA256:second';
    const html = await (await test({ next: '/', shownFingerprint: 'SHA256:first' })).text();
    expect(asked).toEqual(['SHA256:first']);
    expect(html.replace(/<\/?code>/g, '')).toContain(
      'You were shown SHA256:first, now SHA256:second is presented: somebody may stand in between. Nothing was sent.',
    );
    expect(html).toContain('name="shownFingerprint" value="SHA256:second"');
    expect(html).not.toContain('to pin it');
  });

  it('and a test that fails comes back to the list, with why and with the key that was pinned', async () => {
    const { db, servers } = pages.services;
    const { id } = await db
      .selectFrom('servers')
      .select('id')
      .where('hostname', '=', '127.0.0.9')
      .executeTakeFirstOrThrow();
    const failing = (error: AppError) =>
      createApp({
        ...pages.services,
        servers: {
          ...servers,
          open: async () => ({
            ...{ address: null, checkPath: async () => {}, pinnedFingerprint: () => null },
            host: hostThat(() => {
              throw error;
            }),
          }),
        },
      });
    const test = async (error: AppError, shownFingerprint: string) => {
      const form = { next: '/', shownFingerprint };
      const answer = await send(failing(error), admin, `/servers/${id}/test`, form);
      const html = await answer.text();
      expect(html).toContain('Your first backup, read back');
      expect(html).toContain(`<a href="/servers/${id}#field-hostname">Change address or port</a>`);
      return html;
    };
    const closed = await test(new AppError('host_unreachable', 'Port 1 is <closed>.'), 'SHA256:x');
    expect(closed).toMatch(/notice-warning[^>]*>(<[^>]*>)*Port 1 is &lt;closed&gt;\./);
    expect(closed).not.toContain('name="shownFingerprint"');
    const pin = (key: string | null) =>
      db.updateTable('servers').set({ host_key: key }).where('id', '=', id).execute();
    await pin('ssh-ed25519 AAAA');
    const pinned = (await getServer(db, id)).hostKeyFingerprint ?? '';
    const refused = await test(new AppError('host_auth', 'The key was refused.'), pinned);
    expect(refused).toMatch(/notice-error[^>]*>(<[^>]*>)*The key was refused\./);
    expect(refused).toContain(`name="shownFingerprint" value="${pinned}"`);
    await pin(null);
  });

  it('and a search that fails after it has pinned a key says which', async () => {
    const { servers } = pages.services;
    const opened = {
      ...{ address: null, checkPath: async () => {}, pinnedFingerprint: () => 'SHA256:new' },
      host: hostThat(() => {
        throw new AppError('host_auth', 'The key was refused.');
      }),
    };
    const app = createApp({ ...pages.services, servers: { ...servers, open: async () => opened } });
    const { id } = await pages.services.db
      .selectFrom('servers')
      .select('id')
      .where('hostname', '=', '127.0.0.9')
      .executeTakeFirstOrThrow();
    const answer = await send(app, admin, `/servers/${id}/find`, { type: 'sqlite', folders: '/srv' });
    const html = await answer.text();
    expect([answer.status, html]).toEqual([422, expect.stringContaining('The key was refused.')]);
    expect(html).toContain('The host key SHA256:new was pinned at this first contact.');
  });

  it('that can’t be read any more is said, and the page is shown', async () => {
    await pages.services.db.updateTable('environments').set({ ssh_private_key: 'v1.broken' }).execute();
    const { status, html } = await admin.get(settings);
    expect([status, html]).toEqual([200, expect.stringContaining('can&#39;t be opened')]);
    expect(html).toContain('Remove SSH key');
  });
});

/** A host whose every command ends as told. */
function hostThat(run: () => never): Host {
  return { label: 'told', isLocal: false, run, close: async () => {} };
}

async function send(
  app: Pages['app'],
  visitor: Visitor,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<Response> {
  const headers = { cookie: visitor.cookie(), origin: ORIGIN, host: new URL(ORIGIN).host };
  const init = { method: 'POST', body: new URLSearchParams(form), headers };
  return app.request(`${ORIGIN}${path}`, init, { incoming: { socket: { remoteAddress: '127.0.0.1' } } });
}
