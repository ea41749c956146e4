import { afterEach, describe, expect, it } from 'vitest';
import { registerFirstAdmin } from '../../../src/auth/first-admin.ts';
import { login } from '../../../src/auth/login.ts';
import { createUser } from '../../../src/auth/users.ts';
import { createEnvironment, listEnvironments } from '../../../src/environments/environments.ts';
import { HERE, openPages, PASSWORD, type Pages } from './pages.ts';

const opened: Pages[] = [];
const open = async (env: Readonly<Record<string, string>> = {}) => {
  const pages = await openPages(env);
  opened.push(pages);
  return pages;
};
afterEach(async () => {
  for (const pages of opened.splice(0)) await pages.close();
});

const ACTOR = { userId: null, address: null };
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&quot;': '"',
  '&lt;': '<',
  '&gt;': '>',
  '&#39;': "'",
};

/** The hidden fields of a page, as a browser would send them. */
const hiddenIn = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [
        name,
        value.replace(/&[a-z#0-9]+;/g, (entity) => ENTITIES[entity] ?? entity),
      ],
    ),
  );

const ADA = { email: 'ada@example.com', name: 'Ada', password: PASSWORD };

describe('the first visit', () => {
  it('leads from any page to the creation of the first admin, who is then signed in', async () => {
    const pages = await open();
    const visitor = pages.visitor();
    expect((await visitor.get('/environments')).location).toBe('/setup');
    expect((await visitor.get('/login')).location).toBe('/setup');
    const made = await visitor.post('/setup', pages.firstAdmin());
    expect([made.status, made.location]).toEqual([303, '/']);
    expect((await visitor.get('/environments')).html).toContain('production');
    const audit = await pages.services.db
      .selectFrom('audit_logs')
      .select(['resource_type', 'resource_name', 'address'])
      .where('action', '=', 'create')
      .execute();
    expect(audit).toContainEqual({
      resource_type: 'environment',
      resource_name: 'production',
      address: '127.0.0.1',
    });
  });

  it('through the API makes no environment: its clients make their own', async () => {
    const { services, firstAdmin } = await open();
    await registerFirstAdmin(services, {
      ...firstAdmin(),
      kind: 'api',
      from: { address: '127.0.0.1', browser: null },
    });
    expect(await listEnvironments(services.db)).toEqual([]);
  });

  it('by ADMIN_EMAIL makes no environment either, and is over', async () => {
    const { services, visitor } = await open({ ADMIN_EMAIL: ADA.email, ADMIN_PASSWORD: PASSWORD });
    expect(await listEnvironments(services.db)).toEqual([]);
    expect((await visitor().get('/setup')).location).toBe('/login');
    const admin = visitor();
    const { location } = await admin.post('/login', { email: ADA.email, password: PASSWORD }, HERE);
    expect(location).toBe('/');
    // The checklist makes the first one.
    expect((await admin.get('/environments')).html).toContain('No environments yet');
  });

  it('asks for the setup code on this very machine too, and refuses without it beside the field', async () => {
    const visitor = (await open()).visitor();
    expect((await visitor.get('/setup')).html).toContain('Setup code');
    expect((await visitor.post('/setup', ADA)).status).toBe(422);
    const refused = await visitor.post('/setup', { ...ADA, setupCode: 'abcd-abcd-abcd-abcd' });
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(/id="field-setupCode-error"[^>]*>This is not the setup code/);
    expect(refused.html).toContain('value="ada@example.com"');
    expect(refused.html).not.toContain(PASSWORD);
    expect(refused.html).not.toContain('abcd-abcd');
  });

  it('tells no code from a wrong one, and takes the right one as it comes out of a log or a chat', async () => {
    const pages = await open();
    const { setupCode, ...admin } = pages.firstAdmin();
    const sent = (code: string) => pages.visitor().post('/setup', { ...admin, setupCode: code });
    for (const [code, why] of [
      [' "-" ', 'needs the setup code that the app printed'],
      [`${setupCode}a`, 'This is not the setup code'],
      ['ü🐘', 'needs the setup code that the app printed'],
    ] as const) {
      const { status, html } = await sent(code);
      expect([code, status, html]).toEqual([code, 422, expect.stringContaining(why)]);
    }
    const odd = `“${setupCode.toUpperCase().replaceAll('-', ' – ')}"',\t`;
    expect((await sent(odd)).status).toBe(303);
  });

  it('is over once a user exists', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    expect((await pages.visitor().get('/setup')).location).toBe('/login');
    expect((await pages.visitor().post('/setup', { ...ADA, email: 'eve@example.com' })).location).toBe(
      '/login',
    );
  });
});

describe('signing in', () => {
  it('answers a wrong password with the form, the email typed, the password to be typed, and who can help', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    const refused = await pages.visitor().post('/login', { email: ADA.email, password: 'not-the-password' });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('E-mail or password is wrong.');
    expect(refused.html).toMatch(/Forgot your password\?<\/summary><p>Your admin/);
    // Whole, and before anybody is signed in.
    expect(refused.html).toContain('npm run reset-password -- you@example.com</code>');
    expect(refused.html).toContain('docker compose exec bridgeport reset-password you@example.com</code>');
    expect(refused.html).toMatch(/<input(?=[^>]*name="password")[^>]*autofocus/);
    expect(refused.html).not.toMatch(/<input(?=[^>]*name="email")[^>]*autofocus/);
    expect(refused.html).toContain('value="ada@example.com"');
    expect(refused.html).not.toContain('not-the-password');
    expect(refused.headers.getSetCookie()).toEqual([]);
  });

  it('leads back to the page that was asked for, but never to another site', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    expect((await pages.visitor().get('/account')).location).toBe('/login?next=%2Faccount');
    const asked = '/databases/%C3%BC%20%2B?offset=50&state=late';
    const { location } = await pages.visitor().get(asked);
    expect(new URL(location ?? '', 'http://localhost').searchParams.get('next')).toBe(asked);
    expect((await pages.visitor().post('/login', { ...ADA, next: asked })).location).toBe(asked);
    for (const [next, location] of [
      ['/account', '/account'],
      ['//evil.example', '/'],
      ['/\\evil.example', '/'],
      ['https://evil.example', '/'],
      ['/a\r\nb', '/'],
    ] as const) {
      const answer = await pages.visitor().post('/login', { ...ADA, next });
      expect([next, answer.location]).toEqual([next, location]);
    }
  });

  it('gives a form back that was sent after the session had ended: filled, without its secrets, and not carried out', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    const { db } = pages.services;
    const user = { name: 'größe "q" <script>🐘', email: 'spaet+x@example.com', role: 'operator' };
    const sent = { ...user, password: 'never-sent-back-77' };
    const visitor = pages.visitor();
    const asked = await visitor.post('/admin/users/new', sent);
    expect([asked.status, asked.location]).toEqual([401, null]);
    expect(asked.html).toContain('Your session has ended.');
    expect(asked.html).not.toContain('never-sent-back-77');
    const kept = hiddenIn(asked.html);
    expect(Object.keys(kept).toSorted()).toEqual(['lostFields', 'lostPath']);

    // A wrong password first: nothing is lost by it.
    const refused = await visitor.post('/login', { ...kept, email: ADA.email, password: 'wrong-password-1' });
    expect(hiddenIn(refused.html)).toEqual(kept);
    const back = await visitor.post('/login', { ...kept, ...ADA });
    expect(back.status).toBe(422);
    expect(back.html).toContain('You were signed out before this was sent.');
    expect(back.html).toContain('action="/admin/users/new"');
    expect(back.html).toContain('value="größe &quot;q&quot; &lt;script&gt;🐘"');
    expect(back.html).toMatch(/<option[^>]*value="operator"[^>]*selected/);
    expect(await db.selectFrom('users').select('email').execute()).toHaveLength(1);
    // Signed in now; sent by the person who sees it, it is carried out.
    expect((await visitor.post('/admin/users/new', sent)).status).toBe(303);
    expect(await db.selectFrom('users').select('email').execute()).toHaveLength(2);
  });

  it('carries out nothing that was sent before, whatever the form that signs in says', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    const { id } = await createEnvironment(pages.services, ACTOR, { name: 'stays' });
    const { db } = pages.services;
    const before = await db.selectFrom('sessions').select('id').execute();
    for (const [lostPath, status] of [
      [`/environments/${id}/delete`, 422],
      [`/environments/${id}/settings/ssh/remove`, 422],
      ['/restores/nobody/cancel', 401],
      ['/nowhere', 404],
      ['//evil.example/x', 303],
      ['/logout', 303],
      ['/login', 303],
      ['/theme/../logout', 303],
      ['/%6cogout', 303],
    ] as const) {
      const visitor = pages.visitor();
      const answer = await visitor.post('/login', { ...ADA, lostPath, lostFields: 'a=1&password=x' });
      expect([lostPath, answer.status]).toEqual([lostPath, status]);
      expect(answer.html.includes('Nothing has been changed yet: send it once more.')).toBe(
        status === 401 || status === 422,
      );
      expect([lostPath, (await visitor.get('/account')).status]).toEqual([lostPath, 200]);
    }
    expect(await db.selectFrom('environments').select('id').where('id', '=', id).execute()).toHaveLength(1);
    expect((await db.selectFrom('sessions').select('id').execute()).length).toBe(before.length + 9);
    // What chooses the form is kept, and what a button of it asked for is not, whoever says so.
    const asked = `/environments/${id}/databases/new?type=mysql&do=test`;
    const { lostPath = '' } = hiddenIn((await pages.visitor().post(asked, { name: 'x' })).html);
    expect(lostPath).toBe(`/environments/${id}/databases/new?type=mysql`);
    for (const path of [lostPath, asked]) {
      const lost = { lostPath: path, lostFields: 'name=x' };
      const { status, html } = await pages.visitor().post('/login', { ...ADA, ...lost });
      expect([status, html.includes(`action="${lostPath}"`)]).toEqual([422, true]);
    }
    // A button has nothing that could be lost, and a form of another site is nobody's.
    expect((await pages.visitor().post(`/environments/${id}/delete`)).location).toBe('/login');
    const contact = { next: '/', shownFingerprint: 'SHA256:shown' };
    expect((await pages.visitor().post('/servers/unknown/test', contact)).location).toBe('/login');
    const large = { name: 'ü'.repeat(20_000) };
    expect((await pages.visitor().post('/admin/users/new', large)).location).toBe('/login');
    const forged = await pages
      .visitor()
      .post('/admin/users/new', 'name=x', { 'sec-fetch-site': 'cross-site' });
    expect(forged.status).toBe(403);
  });

  it('sets a cookie that scripts and other sites do not get, and over https only where that is the address', async () => {
    for (const [env, isSecure] of [
      [{}, false],
      [{ PUBLIC_URL: 'https://backups.example.com' }, true],
    ] as const) {
      const pages = await open(env);
      await createUser(pages.services, { userId: null, address: null }, { ...ADA, role: 'admin' });
      const signedIn = await pages.visitor().post('/login', ADA, HERE);
      const [cookie = ''] = signedIn.headers.getSetCookie();
      expect(cookie).toMatch(/HttpOnly/);
      expect(cookie).toMatch(/SameSite=Lax/);
      expect(/; Secure/.test(cookie)).toBe(isSecure);
    }
  });

  it('ends with signing out, also for a copy of the cookie', async () => {
    const pages = await open();
    const visitor = await pages.signedIn('admin');
    const copy = visitor.cookie();
    expect((await visitor.post('/logout')).location).toBe('/login');
    expect((await pages.visitor().get('/account', { cookie: copy })).status).toBe(303);
  });

  it('takes no bearer token for a page, and the API takes no cookie', async () => {
    const pages = await open();
    const visitor = pages.visitor();
    await visitor.post('/setup', pages.firstAdmin());
    const { token } = await login(pages.services, {
      ...ADA,
      kind: 'api',
      from: { address: null, browser: null },
    });
    const authorization = `Bearer ${token}`;
    expect((await pages.visitor().get('/api/users', { authorization })).status).toBe(200);
    expect((await pages.visitor().get('/account', { authorization })).location).toBe(
      '/login?next=%2Faccount',
    );
    expect((await visitor.get('/api/users')).status).toBe(401);
  });

  it('tells a fragment of somebody signed out to load the page again', async () => {
    const pages = await open();
    await pages.visitor().post('/setup', pages.firstAdmin());
    const answer = await pages.visitor().get('/databases/x/runs', { 'hx-request': 'true' });
    expect([answer.status, answer.headers.get('hx-refresh'), answer.html]).toEqual([401, 'true', '']);
  });
});

describe('a request from another site', () => {
  it('changes nothing: whatever the browser says of where it came from but our own origin is refused', async () => {
    const pages = await open({ PUBLIC_URL: 'https://backups.example.com' });
    const admin = await pages.signedIn('admin');
    for (const [headers, status] of [
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: '' }, 403],
      [{ origin: 'http://localhost', 'sec-fetch-site': 'cross-site' }, 403],
      [{ origin: 'http://localhost', 'sec-fetch-site': 'same-site' }, 403],
      [{ origin: 'http://localhost' }, 303],
      [{ origin: 'https://backups.example.com' }, 303],
      [{ origin: '', 'sec-fetch-site': 'same-origin' }, 303],
    ] as const) {
      const name = crypto.randomUUID();
      const answer = await admin.post('/environments/new', { name }, headers);
      expect([headers, answer.status]).toEqual([headers, status]);
      expect((await admin.get('/environments')).html.includes(name)).toBe(status === 303);
    }
  });
});
