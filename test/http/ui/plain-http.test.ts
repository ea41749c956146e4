import { afterEach, describe, expect, it } from 'vitest';
import { createUser } from '../../../src/auth/users.ts';
import { openPages, PASSWORD, type Pages } from './pages.ts';

const opened: Pages[] = [];
const open = async (env: Readonly<Record<string, string>> = {}) => {
  const pages = await openPages(env);
  opened.push(pages);
  return pages;
};
afterEach(async () => {
  for (const pages of opened.splice(0)) await pages.close();
});

const ADA = { email: 'ada@example.com', password: PASSWORD };
const PUBLIC = { PUBLIC_URL: 'https://backups.example.com' };
const add = (pages: Pages) =>
  createUser(pages.services, { userId: null, address: null }, { ...ADA, role: 'admin' });

describe('signing in over plain http where PUBLIC_URL is https', () => {
  it('is not tried: the page says which address to open, and nobody is signed in without a cookie', async () => {
    const pages = await open(PUBLIC);
    await add(pages);
    const lan = { host: '192.0.2.5:3000' };
    const warning = 'Open https://backups.example.com to sign in';
    expect((await pages.visitor().get('/login', lan)).html).toContain(warning);
    const answer = await pages.visitor().post('/login', ADA);
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([422, []]);
    expect(answer.html).toContain(warning);
    expect(answer.html).toContain('value="ada@example.com"');
    expect(await pages.services.db.selectFrom('sessions').select('id').execute()).toEqual([]);
  });

  it('is said on the page of the first admin too', async () => {
    const pages = await open(PUBLIC);
    expect((await pages.visitor().get('/setup', { host: '192.0.2.5' })).html).toContain('Open https://');
    const answer = await pages.visitor().post('/setup', pages.firstAdmin());
    expect([answer.status, answer.html.includes('Open https://')]).toEqual([422, true]);
    expect(await pages.services.db.selectFrom('users').select('id').execute()).toEqual([]);
  });

  it.each([
    ['through a proxy that keeps the Host', { host: 'backups.example.com' }, { origin: PUBLIC.PUBLIC_URL }],
    [
      'through a proxy that sets its own Host',
      { host: 'bridgeport:3000', 'sec-fetch-site': 'none' },
      { origin: PUBLIC.PUBLIC_URL, host: 'bridgeport:3000' },
    ],
    [
      'on this very machine, where browsers keep such cookies',
      { host: 'localhost', 'sec-fetch-site': 'none' },
      { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' },
    ],
  ])('is no such case %s', async (_, get, post) => {
    const pages = await open(PUBLIC);
    await add(pages);
    expect((await pages.visitor().get('/login', get)).html).not.toContain('Open https://');
    expect((await pages.visitor().post('/login', ADA, post)).status).toBe(303);
  });
});

describe('where PUBLIC_URL is https', () => {
  it('cookies bear the name that only this host over https may set, and browsers are told to stay there', async () => {
    const pages = await open(PUBLIC);
    await add(pages);
    const headers = { origin: PUBLIC.PUBLIC_URL, 'sec-fetch-site': 'same-origin' };
    const visitor = pages.visitor();
    const answer = await visitor.post('/login', ADA, headers);
    const cookies = answer.headers.getSetCookie();
    expect(cookies).toHaveLength(2);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__Host-bridgeport_(session|browser)=/);
      expect(cookie).toMatch(/; Path=\/; .*HttpOnly; Secure; SameSite=Lax/);
      expect(cookie).not.toMatch(/Domain/i);
    }
    expect((await visitor.get('/account')).status).toBe(200);
    // What a neighbour under the same domain can set opens nothing.
    const planted = visitor.cookie().replaceAll('__Host-', '');
    expect((await pages.visitor().get('/account', { cookie: planted })).status).toBe(303);
    for (const path of ['/login', '/api/auth/me', '/health']) {
      const { headers } = await pages.visitor().get(path);
      expect([path, headers.get('strict-transport-security')]).toEqual([path, 'max-age=31536000']);
    }
    const out = await visitor.post('/logout', {}, headers);
    expect(out.headers.getSetCookie().join()).toMatch(/^__Host-bridgeport_session=;.*Max-Age=0.*Secure/);
  });

  it.each<Readonly<Record<string, string>>>([{}, { PUBLIC_URL: 'http://backups.example.com' }])(
    'only there: %j',
    async (env) => {
      const pages = await open(env);
      await add(pages);
      const answer = await pages.visitor().post('/login', ADA);
      expect(answer.headers.getSetCookie().join()).not.toContain('__Host-');
      expect(answer.headers.get('strict-transport-security')).toBeNull();
    },
  );
});

describe('a form through a proxy that sets a Host of its own', () => {
  const seen = { origin: 'http://backups.lan:8080', host: 'bridgeport:3000' };

  it('is refused with what to set, which the log says too, once a minute', async () => {
    const pages = await open();
    for (let time = 0; time < 3; time += 1) {
      const answer = await pages.visitor().post('/login', ADA, seen);
      expect(answer.status).toBe(403);
      expect(answer.html).toContain('set PUBLIC_URL to http://backups.lan:8080');
      expect(answer.html).toContain('let the proxy keep the Host header');
      expect(answer.html).toContain('If it is not, that site tried to act in your name.');
    }
    const logged = pages.log.filter((line) => line.includes('a form was refused'));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('set PUBLIC_URL to http://backups.lan:8080');
  });

  it('is told where to go where PUBLIC_URL is set', async () => {
    const pages = await open(PUBLIC);
    const answer = await pages.visitor().post('/login', ADA, seen);
    expect([answer.status, answer.html.includes('PUBLIC_URL names https://backups.example.com')]).toEqual([
      403,
      true,
    ]);
  });

  it.each([
    [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    [{ origin: 'null' }],
    [{ origin: 'javascript:alert(1)' }],
    [{ origin: '"><script>alert(1)</script>' }],
    [{ origin: '' }],
  ])(
    'gives no such advice where the browser says that it was another site, or nothing usable: %j',
    async (headers) => {
      const answer = await (await open()).visitor().post('/login', ADA, headers);
      expect(answer.status).toBe(403);
      expect(answer.html).not.toMatch(/PUBLIC_URL|evil|alert/);
    },
  );
});
