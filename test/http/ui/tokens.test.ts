import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { createEnvironment } from '../../../src/environments/environments.ts';
import { openPages, type Pages, type Visitor } from './pages.ts';

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const ESCAPED = 'Größe + &quot;x&quot; &lt;script&gt;alert(1)&lt;/script&gt; 🗝';

let pages: Pages;
let admin: Visitor;
let viewer: Visitor;
let environmentId: string;

beforeAll(async () => {
  pages = await openPages();
  [admin, viewer] = [await pages.signedIn('admin'), await pages.signedIn('viewer')];
  const nobody = { userId: null, address: null };
  environmentId = (await createEnvironment(pages.services, nobody, { name: 'Prod "1" <b>' })).id;
});
afterAll(() => pages.close());

const FORM = { name: ODD, access: 'backups', role: 'viewer', where: 'all', expiresInDays: '30' };
const tokenIn = (html: string) => /bport_pat_[A-Za-z0-9_-]{43}/.exec(html)?.[0];
const idIn = (html: string) => /revoke=(c[0-9a-z]{24})/.exec(html)?.[1] ?? '';
/** Sends the form and follows it to the page that shows the token. */
async function madeBy(visitor: Visitor, path: string, form: Readonly<Record<string, string>>) {
  const { status, location } = await visitor.post(path, form);
  expect([status, location]).toEqual([
    303,
    expect.stringMatching(/^\/(account|admin)\/tokens\/c[0-9a-z]{24}\/made$/),
  ]);
  return visitor.get(location ?? '');
}
const me = (token: string) =>
  pages.app.request('http://localhost/api/auth/me', { headers: { authorization: `Bearer ${token}` } });

describe('one’s own tokens', () => {
  it('are shown once, listed without their text, and revoked after a question', async () => {
    const made = await madeBy(viewer, '/account/tokens/new', FORM);
    expect([made.status, made.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const token = tokenIn(made.html) ?? '';
    expect(made.html).toContain(`<code id="new-token">${token}</code>`);
    expect((await me(token)).status).toBe(200);

    const { html } = await viewer.get('/account');
    expect(html).toContain(ESCAPED);
    expect(html).toContain(token.slice(0, 14));
    expect(tokenIn(html)).toBeUndefined();
    expect(html).not.toContain('<script>alert');
    const id = idIn(html);
    const asked = (await viewer.get(`/account?revoke=${id}`)).html;
    expect(asked).toContain(`action="/account/tokens/${id}/revoke"`);
    const revoked = await viewer.post(`/account/tokens/${id}/revoke`);
    expect([revoked.status, revoked.location]).toEqual([303, '/account']);
    expect((await me(token)).status).toBe(401);
    expect((await viewer.get('/account')).html).toContain('The token is revoked.');
  });

  it('are made once, however often the page that shows them is loaded', async () => {
    const { services } = pages;
    const count = async () => (await services.db.selectFrom('api_tokens').select('id').execute()).length;
    const before = await count();
    const [one, two] = [
      await viewer.post('/account/tokens/new', { ...FORM, name: 'one' }),
      await viewer.post('/account/tokens/new', { ...FORM, name: '🗝'.repeat(50) }),
    ];
    for (const { headers } of [one, two]) {
      const [, value = ''] = /bridgeport_made_c[0-9a-z]{24}=([^;]*); Max-Age=60; Path=\/; HttpOnly/.exec(
        headers.get('set-cookie') ?? '',
      ) ?? ['', ''];
      // A browser takes 4,096 bytes, its name and attributes among them.
      expect([value.length > 100, value.length < 3000, value.includes('bport_')]).toEqual([
        true,
        true,
        false,
      ]);
    }
    // Of two tabs, each shows its own.
    const first = await viewer.get(one.location ?? '');
    expect(first.html).toContain('<strong>one</strong>');
    expect(tokenIn((await viewer.get(two.location ?? '')).html)).not.toBe(tokenIn(first.html));
    const again = await viewer.get(one.location ?? '');
    expect([again.status, again.location, tokenIn(again.html)]).toEqual([303, '/account', undefined]);
    expect((await viewer.get('/account')).html).toContain('A token is shown once');
    expect(await count()).toBe(before + 2);
  });

  it('are shown to the session that made them alone, within a minute, and never by a cookie that was changed', async () => {
    const { location } = await viewer.post('/account/tokens/new', FORM);
    const own = viewer.cookie();
    const other = await pages.signedIn('viewer');
    const madeOf = (cookie: string) => /bridgeport_made_[^;]+/.exec(cookie)?.[0] ?? '';
    const shownWith = async (cookie: string, path = location ?? '', app = pages.app) => {
      const answer = await app.request(`http://localhost${path}`, { headers: { cookie } });
      return tokenIn(await answer.text()) !== undefined;
    };
    expect(await shownWith(`${other.cookie()}; ${madeOf(own)}`)).toBe(false);
    const changed = own.replace(/(bridgeport_made_[^;]{80})(.)/, (_, head: string, sign: string) => {
      return head + (sign === '_' ? '-' : '_');
    });
    expect(await shownWith(changed)).toBe(false);
    expect(await shownWith(own.replace(/(bridgeport_made_[^=]+=)[^;]*/, '$1x'))).toBe(false);
    for (const id of ['nobody', 'c', '%0d%0aset-cookie:x', `c${'0'.repeat(24)}`]) {
      expect([id, await shownWith(own, `/account/tokens/${id}/made`)]).toEqual([id, false]);
    }
    // A browser that keeps it for longer than it was told to.
    const late = createApp({ ...pages.services, now: () => new Date(Date.now() + 61_000) });
    expect(await shownWith(own, location ?? '', late)).toBe(false);
    expect(await shownWith(own)).toBe(true);
  });

  it.each([
    [
      'backups',
      /\/api\/environments\/ID\/databases\/backup-summary</,
      '/docs/post-environments-envId-databases-id-backups',
    ],
    ['metrics', /\/metrics</, 'as Prometheus reads them'],
    ['full', /\/api\/auth\/me</, 'href="/docs"'],
  ])('for %s come with a command that tries them', async (access, command, next) => {
    const { html } = await madeBy(viewer, '/account/tokens/new', { ...FORM, access });
    const [, shown = ''] = /<code id="first-request">([^<]*<)/.exec(html) ?? [];
    expect(shown.replace(environmentId, 'ID')).toMatch(command);
    expect(shown).not.toContain('bport_pat_');
    expect(html).toContain(next);
    if (!next.startsWith('/docs/')) return;
    expect((await viewer.get(next)).status).toBe(200);
  });

  it('never may more than their owner', async () => {
    expect((await viewer.get('/account/tokens/new')).html).not.toContain('<option value="operator"');
    const { status, html } = await viewer.post('/account/tokens/new', { ...FORM, role: 'admin' });
    expect(status).toBe(422);
    expect(html).toMatch(/id="field-role-error"[^>]*>Token role \(admin\) exceeds owner role \(viewer\)/);
    // Whose it is is not the form's to say.
    const { html: other } = await madeBy(viewer, '/account/tokens/new', { ...FORM, owner: 'user:somebody' });
    const { user } = await (await me(tokenIn(other) ?? '')).json();
    expect(user.role).toBe('viewer');
  });

  it('are nobody else’s to revoke', async () => {
    await admin.post('/account/tokens/new', FORM);
    const id = idIn((await admin.get('/account')).html);
    expect((await viewer.post(`/account/tokens/${id}/revoke`)).status).toBe(404);
    expect((await viewer.post(`/admin/tokens/${id}/revoke`)).status).toBe(403);
    expect((await admin.get('/account')).html).toContain(id);
  });

  it('are named before their owner is deleted, since they end then', async () => {
    const { services } = pages;
    const user = await services.db
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'viewer')
      .executeTakeFirstOrThrow();
    const path = `/admin/users/${user.id}`;
    await viewer.post('/account/tokens/new', FORM);
    const { html } = await admin.get(path);
    expect(html).toMatch(/theirs stops working:/);
    expect(html).toContain(`<li>${ESCAPED}</li>`);
    await services.db.deleteFrom('api_tokens').where('user_id', '=', user.id).execute();
    expect((await admin.get(path)).html).not.toContain('stops working');
  });
});

describe('the form of a new token', () => {
  it('starts with the least, and comes back as it was filled in', async () => {
    const { html } = await admin.get('/account/tokens/new');
    expect(html).toMatch(/value="backups" checked/);
    expect(html).toMatch(/value="some" checked/);
    const form = { ...FORM, where: 'some', name: '', [`environment.${environmentId}`]: 'true' };
    const refused = await admin.post('/account/tokens/new', form);
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(/id="field-name-error"/);
    expect(refused.html).toMatch(new RegExp(`name="environment.${environmentId}"[^>]*checked`));
    expect(tokenIn(refused.html)).toBeUndefined();
  });

  it.each([
    ['some, and none ticked', { where: 'some' }],
    ['nothing said', { where: '' }],
    ['a word of nobody', { where: 'ALL' }],
  ])('makes none for all environments where it says %s', async (_, change) => {
    const { status, html } = await admin.post('/account/tokens/new', { ...FORM, ...change });
    expect(status).toBe(422);
    expect(html).toContain('Name at least one environment');
  });

  it('makes one for the metrics, which are of all environments', async () => {
    const form = { ...FORM, access: 'metrics', [`environment.${environmentId}`]: 'true' };
    const refused = await admin.post('/account/tokens/new', { ...form, where: 'some' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('The metrics tell of all environments: let the token be for all');
    const { html } = await madeBy(admin, '/account/tokens/new', form);
    expect((await (await me(tokenIn(html) ?? '')).json()).scopes).toEqual(['metrics:read']);
    expect((await admin.get('/account')).html).toContain('read the metrics');
  });

  it('makes one for the environments that are ticked', async () => {
    const form = { ...FORM, where: 'some', [`environment.${environmentId}`]: 'true' };
    const { html } = await madeBy(admin, '/account/tokens/new', form);
    const { environments } = await (await me(tokenIn(html) ?? '')).json();
    expect(environments).toEqual([environmentId]);
    expect((await admin.get('/account')).html).toContain('Prod &quot;1&quot; &lt;b&gt;');
  });
});

describe('Users & tokens', () => {
  it('makes tokens of service accounts, lists all with their owners, and is for admins', async () => {
    const account = await admin.post('/admin/service-accounts/new', {
      ...{ name: 'ci-deploy', description: ODD, role: 'operator' },
    });
    const id = /\/(c[0-9a-z]{24})$/.exec(account.location ?? '')?.[1] ?? '';
    const form = (await admin.get(`/admin/tokens/new?owner=account:${id}`)).html;
    expect(form).toMatch(new RegExp(`<option value="account:${id}" selected`));
    const made = await madeBy(admin, '/admin/tokens/new', {
      ...FORM,
      ...{ role: 'operator', owner: `account:${id}` },
    });
    const token = tokenIn(made.html) ?? '';
    expect((await (await me(token)).json()).user.serviceAccountId).toBe(id);
    const list = (await admin.get('/admin/tokens')).html;
    expect(list).toContain('ci-deploy');
    expect(tokenIn(list)).toBeUndefined();
    expect((await admin.get('/admin/service-accounts')).html).toContain(ESCAPED);

    await admin.post(`/admin/service-accounts/${id}`, {
      role: 'operator',
      disabled: 'true',
      description: '',
    });
    expect((await me(token)).status).toBe(401);
    expect((await admin.get('/admin/tokens')).html).toContain('disabled');
    await admin.post(`/admin/service-accounts/${id}`, { role: 'viewer', description: '' });
    expect((await (await me(token)).json()).role).toBe('viewer');
    await admin.post(`/admin/service-accounts/${id}/delete`);
    expect((await me(token)).status).toBe(401);
    for (const path of ['/admin/tokens', '/admin/tokens/new', '/admin/service-accounts']) {
      expect([path, (await viewer.get(path)).status]).toEqual([path, 403]);
    }
    expect((await viewer.post('/admin/tokens/new', FORM)).status).toBe(403);
  });

  it.each(['', 'nobody', 'user:', 'account:nobody', 'admin:x'])('refuses the owner %j', async (owner) => {
    expect((await admin.post('/admin/tokens/new', { ...FORM, owner })).status).toBe(422);
  });

  it('shows 50 tokens at a time', async () => {
    const { db } = pages.services;
    const at = new Date().toISOString();
    const user = await db
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'admin')
      .executeTakeFirstOrThrow();
    await db.deleteFrom('api_tokens').execute();
    const rows = Array.from({ length: 60 }, (_, index) => ({
      ...{ id: `t${index}`, name: `number ${index}`, token_hash: `${index}`, token_prefix: 'bport_pat_xxxx' },
      ...({ role: 'viewer', access: 'full', all_environments: 1 } as const),
      ...{ user_id: user.id, expires_at: at, created_at: at },
    }));
    await db.insertInto('api_tokens').values(rows).execute();
    const count = (html: string) => html.match(/<th scope="row">number/g)?.length;
    const first = (await admin.get('/admin/tokens')).html;
    expect([count(first), count((await admin.get('/admin/tokens?offset=50')).html)]).toEqual([50, 10]);
    expect(first).toContain('>ended<');
  });
});
