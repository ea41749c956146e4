import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../../support/second-factor.ts';
import { openPages, PASSWORD, type Pages, type Visitor } from './pages.ts';

let pages: Pages;
beforeAll(async () => {
  pages = await openPages();
});
afterAll(() => pages.close());

const emailOf = async (visitor: Visitor) =>
  /Signed in as <strong>([^<]+)</.exec((await visitor.get('/account')).html)?.[1] ?? '';
const secretIn = (html: string) => /<code id="factor-secret">([A-Z2-7]{32})<\/code>/.exec(html)?.[1] ?? '';
const codesIn = (html: string) =>
  (/<code id="recovery-codes">([^<]+)<\/code>/.exec(html)?.[1] ?? '')
    .split('\n')
    .filter((code) => code !== '');
const password = { currentPassword: PASSWORD };
const ownPassword = { ownPassword: PASSWORD };
/** Codes of half minutes that differ, whatever the clock says while the test runs. */
const nextCode = (secret: string) => codeOf(secret, new Date(Date.now() + 30_000));

async function setUp(visitor: Visitor) {
  const begun = await visitor.post('/account/second-factor', password);
  const secret = secretIn(begun.html);
  const confirmed = await visitor.post('/account/second-factor/confirm', {
    code: codeOf(secret, new Date()),
  });
  return { begun, confirmed, secret, codes: codesIn(confirmed.html) };
}

describe('the pages of a second factor', () => {
  it('set it up without a script, show the secret and the recovery codes once, and ask for a code at the next sign-in', async () => {
    const here = await pages.signedIn('viewer');
    const email = await emailOf(here);
    expect((await here.get('/account')).html).toContain('Set up a second factor');
    const wrong = await here.post('/account/second-factor', { currentPassword: 'Tr0ub4dor &3' });
    expect([wrong.status, wrong.html.includes('Current password is incorrect')]).toEqual([422, true]);
    const { begun, confirmed, secret, codes } = await setUp(here);
    expect(begun.html).toMatch(/<svg class="qr-code" role="img"[\s\S]*<path d="M\d+ \d+h1v1h-1z/);
    expect(begun.html).not.toMatch(/style=|<img/);
    expect(begun.headers.get('cache-control')).toBe('no-store');
    expect([confirmed.status, codes.length]).toEqual([200, 10]);
    const { html } = await here.get('/account/second-factor');
    expect(html).toContain('10 recovery codes are left');
    for (const shown of [secret, ...codes]) expect(html).not.toContain(shown);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toEqual([...new Set(ids)]);

    const there = pages.visitor();
    const asked = await there.post('/login', { email, password: PASSWORD, next: '/servers' });
    expect([asked.status, asked.html.includes('action="/login/code"')]).toEqual([200, true]);
    expect(asked.html).not.toContain(PASSWORD);
    expect(asked.html).toContain('name="next" value="/servers"');
    expect((await there.get('/account')).location).toContain('/login');
    const odd = await there.post('/login/code', { code: '<script>alert(1)</script>', next: '/servers' });
    expect([odd.status, odd.html.includes('The code is wrong, or of another time')]).toEqual([422, true]);
    expect(odd.html).not.toContain('<script>alert');
    const entered = await there.post('/login/code', { code: nextCode(secret), next: '/servers' });
    expect([entered.status, entered.location]).toEqual([303, '/servers']);
    expect((await there.get('/account')).status).toBe(200);
    expect(there.cookie()).not.toContain('halfway');
  });

  it('answer nothing to whoever shows no password before, another’s cookie, or one whose password has changed', async () => {
    const here = await pages.signedIn('viewer');
    const email = await emailOf(here);
    const { codes } = await setUp(here);
    const stranger = pages.visitor();
    const bare = await stranger.post('/login/code', { code: codes[0] ?? '' });
    expect([bare.status, bare.html.includes('Sign in from the beginning')]).toEqual([422, true]);
    const there = pages.visitor();
    await there.post('/login', { email, password: PASSWORD });
    const cookie =
      there
        .cookie()
        .split('; ')
        .find((one) => one.startsWith('bridgeport_halfway=')) ?? '';
    expect(cookie).toMatch(/^bridgeport_halfway=halfway\./);
    for (const forged of [
      cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      cookie.replace('halfway.', 'browser.'),
      'bridgeport_halfway=halfway.x.y.9999999999999',
    ]) {
      const refused = await stranger.post('/login/code', { code: codes[0] ?? '' }, { cookie: forged });
      expect([forged.length, refused.status, stranger.cookie()]).toEqual([forged.length, 422, '']);
    }
    const changed = { currentPassword: PASSWORD, newPassword: 'another long password 4' };
    expect((await here.post('/account/password', changed)).status).toBe(303);
    const late = await there.post('/login/code', { code: codes[0] ?? '' });
    expect([late.status, late.html.includes('Sign in from the beginning')]).toEqual([422, true]);
  });

  it('bring a form back that was lost when the session ended, after the code', async () => {
    const here = await pages.signedIn('admin');
    const email = await emailOf(here);
    const { codes } = await setUp(here);
    const there = pages.visitor();
    const lost = await there.post('/environments/new', { name: 'typed before' });
    expect(lost.status).toBe(401);
    const fields = { lostPath: '/environments/new', lostFields: 'name=typed+before' };
    const asked = await there.post('/login', { email, password: PASSWORD, ...fields });
    expect(asked.html).toContain('name="lostFields" value="name=typed+before"');
    const entered = await there.post('/login/code', { code: codes[0] ?? '', ...fields });
    expect(entered.html).toContain('value="typed before"');
    expect(entered.html).toContain('You were signed out before this was sent');
  });

  it('turn it off with the password, and let an admin take it off another', async () => {
    const [here, admin] = [await pages.signedIn('viewer'), await pages.signedIn('admin')];
    const email = await emailOf(here);
    await setUp(here);
    expect((await here.post('/account/second-factor/remove', {})).status).toBe(422);
    const renewed = await here.post('/account/second-factor/recovery-codes', password);
    expect(codesIn(renewed.html)).toHaveLength(10);
    const refused = await here.post('/account/second-factor/remove', { ownPassword: 'Tr0ub4dor &3' });
    expect([refused.status, refused.html.includes('Current password is incorrect')]).toEqual([422, true]);
    const off = await here.post('/account/second-factor/remove', ownPassword);
    expect([off.status, off.location]).toEqual([303, '/account']);
    expect((await here.get('/account')).html).toContain('The second factor is taken off.');
    expect((await here.post('/account/second-factor/remove', ownPassword)).status).toBe(422);
    await setUp(here);
    const row = [...(await admin.get('/admin/users')).html.matchAll(/<tr>[\s\S]*?<\/tr>/g)].find(([text]) =>
      text.includes(email),
    );
    expect(row?.[0]).toMatch(/data-label="Second factor">yes</);
    const userId = /\/admin\/users\/(c[0-9a-z]{24})"/.exec(row?.[0] ?? '')?.[1] ?? '';
    expect((await admin.get(`/admin/users/${userId}`)).html).toContain(
      `Take the second factor off ${email}?`,
    );
    expect((await here.post(`/admin/users/${userId}/second-factor/remove`)).status).toBe(403);
    expect((await admin.post(`/admin/users/${userId}/second-factor/remove`)).status).toBe(303);
    expect((await here.get('/account')).location).toContain('/login');
    expect((await here.post('/login', { email, password: PASSWORD })).location).toBe('/');
  });
});

describe('an installation that requires a second factor', () => {
  it('leads whoever has none to set it up, shows nothing else, and lets them in then', async () => {
    const viewer = await pages.signedIn('viewer');
    const admin = await pages.signedIn('admin');
    await setUp(admin);
    const form = /<form method="post" action="\/admin\/system">[\s\S]*?<\/form>/.exec(
      (await admin.get('/admin/system')).html,
    );
    expect(form?.[0]).toContain('name="secondFactorRequired"');
    const { db } = pages.services;
    await db
      .insertInto('system_settings')
      .values({ key: 'secondFactorRequired', value: 'true', updated_at: new Date().toISOString() })
      .execute();
    for (const path of ['/', '/account', '/databases', '/nowhere', '/account/second-factor/remove']) {
      expect([path, (await viewer.get(path)).location]).toEqual([path, '/account/second-factor']);
      expect([path, (await viewer.post(path)).location]).toEqual([path, '/account/second-factor']);
    }
    const fragment = await viewer.get('/runs/running', { 'hx-request': 'true' });
    expect([fragment.status, fragment.headers.get('hx-refresh')]).toEqual([401, 'true']);
    const page = await viewer.get('/account/second-factor');
    expect(page.html).toContain('This installation requires a second factor');
    expect(page.html).not.toContain('<nav');
    expect((await admin.get('/')).status).toBe(200);
    const { confirmed } = await setUp(viewer);
    expect(confirmed.html).toContain('Recovery codes');
    expect((await viewer.get('/')).status).toBe(200);
    await db.deleteFrom('system_settings').where('key', '=', 'secondFactorRequired').execute();
  });
});
