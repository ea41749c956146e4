import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { HERE, ORIGIN } from '../http/ui/pages.ts';
import { CLIENT } from '../support/oidc-provider.ts';
import {
  fieldErrors,
  noticeOf,
  openSignOn,
  SETTINGS as PAGE,
  roleOf,
  type SignOnBed,
} from './sign-on-bed.ts';

let bed: SignOnBed;
beforeAll(async () => {
  bed = await openSignOn();
});
afterAll(() => bed.close());

describe('the settings of single sign-on', () => {
  it('keep the secret for the same issuer and client alone, and say what the provider has against others', async () => {
    const kept = { ...{ clientSecret: '' } };
    await bed.save(kept);
    const stored = await bed.admin.get(PAGE);
    expect(stored.html).not.toContain(CLIENT.clientSecret);
    expect(stored.html).toContain(`<code id="redirect-uri">${ORIGIN}/login/oidc/callback</code>`);
    const form = (change: object) => ({
      ...{ issuer: bed.provider.issuer, clientId: CLIENT.clientId, clientSecret: '', scopes: 'openid' },
      ...{ name: 'x', roleClaim: 'groups', others: 'refused', ...change },
    });
    const refusals = [
      [{ clientId: 'another' }, /Enter the client secret again/],
      [{ issuer: `${bed.provider.issuer}/other` }, /Enter the client secret again/],
      [
        { issuer: `${bed.provider.issuer}/other`, clientSecret: 'x' },
        /no OpenID Connect provider under this issuer/,
      ],
      [{ clientSecret: 'wrong' }, /“invalid_client”.*Client id or secret are wrong/],
      [{ isPublicClient: 'true', clientSecret: 'x' }, /Untick this/],
      [{ scopes: 'email' }, /Must hold openid/],
      [{ issuer: 'https://169.254.169.254', clientSecret: 'x' }, /never sent to/],
      [
        { issuer: 'https://10.0.0.7/realms/x', clientSecret: 'x' },
        /add 10\.0\.0\.7 to “Private hosts” under Admin &gt; System/,
      ],
      [{ issuer: 'http://auth.example.com', clientSecret: 'x' }, /Must be https/],
    ] as const;
    for (const [change, sentence] of refusals) {
      const answer = await bed.admin.post(PAGE, form(change), HERE);
      expect([change, answer.status]).toEqual([change, 422]);
      expect(fieldErrors(answer.html).join(' ')).toMatch(sentence);
    }
    const anyway = await bed.admin.post(PAGE, form({ clientSecret: 'wrong', saveAnyway: 'true' }), HERE);
    expect(anyway.status).toBe(303);
    const tested = await bed.admin.post(`${PAGE}/test`, {}, HERE);
    expect(tested.location).toBe(PAGE);
    expect(noticeOf((await bed.admin.get(PAGE)).html)).toMatch(/“invalid_client”/);
    expect(await bed.refusedBy(bed.pages.visitor(), bed.person(['admins']))).toMatch(/“invalid_client”/);
    await bed.save();
  });

  it('are the admins’ alone', async () => {
    const operator = await bed.pages.signedIn('operator');
    expect((await operator.get(PAGE)).status).toBe(403);
    for (const path of [PAGE, `${PAGE}/test`, `${PAGE}/delete`]) {
      expect((await operator.post(path, {}, HERE)).status).toBe(403);
    }
  });

  it('let go of whoever came by them when they are removed, and know the same people when they are back', async () => {
    const visitor = bed.pages.visitor();
    const login = bed.person(['staff']);
    await bed.signOn(visitor, login);
    const begun = await bed.pages.visitor().get('/login/oidc');
    expect(begun.status).toBe(303);
    await bed.admin.post(`${PAGE}/delete`, {}, HERE);
    expect(await roleOf(visitor)).toBe(null);
    expect((await visitor.get('/login')).html).not.toContain('Sign in with');
    expect((await visitor.get('/login/oidc')).location).toBe('/login');
    expect(noticeOf((await visitor.get('/login')).html)).toMatch(/No single sign-on is set up here/);
    expect((await bed.auditOf('sign_in_failed', 'user')).at(-1)?.error).toMatch(
      /No single sign-on is set up here/,
    );
    await bed.save();
    await bed.signOn(visitor, login);
    expect((await roleOf(visitor))?.[0]).toBe(`${login}@example.com`);
  });
});

describe('the redirect URI', () => {
  const PUBLIC = 'https://backups.example.com';
  const PEER = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };

  /** Which one the provider is told by a sign-in that begins at that address. */
  async function toldAt(address: string, publicUrl: string | null) {
    const { services } = bed.pages;
    const app = createApp({ ...services, config: { ...services.config, publicUrl } });
    const begun = await app.request(`${address}/login/oidc`, {}, PEER);
    return new URL(begun.headers.get('location') ?? '').searchParams.get('redirect_uri');
  }

  it('is that of PUBLIC_URL, wherever a sign-in begins, and without one that of the address where it does', async () => {
    expect(await toldAt('http://10.20.0.5:3000', PUBLIC)).toBe(`${PUBLIC}/login/oidc/callback`);
    for (const address of ['http://backups.lan:3000', 'https://backups.lan']) {
      expect(await toldAt(address, null)).toBe(`${address}/login/oidc/callback`);
    }
  });

  it('is shown and told without PUBLIC_URL as the page was opened, and leads in', async () => {
    const bare = await openSignOn(null);
    try {
      const { html } = await bare.admin.get(PAGE);
      expect(html).toContain(`<code id="redirect-uri">${ORIGIN}/login/oidc/callback</code>`);
      expect(noticeOf(html)).toMatch(/address at which you opened this page, as the app sees it/);
      expect(noticeOf((await bed.admin.get(PAGE)).html)).toBe(null);
      // A proxy asks by another host or scheme: nobody would come back. Where PUBLIC_URL is, they do.
      const form = { clientId: CLIENT.clientId, clientSecret: CLIENT.clientSecret, scopes: 'openid' };
      const values = { ...form, name: 'by "größe" 🐘', roleClaim: 'groups', others: 'viewer' };
      const elsewhere = { ...HERE, origin: 'https://backups.example.com:8443' };
      const { issuer } = bare.provider;
      const refused = await bare.admin.post(PAGE, { ...values, issuer }, elsewhere);
      expect([refused.status, refused.html]).toEqual([
        422,
        expect.stringMatching(
          /is at https:\/\/backups\.example\.com:8443, and the app sees http[^<]*PUBLIC_URL[^<]*TRUST_PROXY[^<]*proxy_set_header Host \$http_host/,
        ),
      ]);
      expect((await bare.admin.get(PAGE)).html).not.toContain('größe');
      const there = await bed.admin.post(PAGE, { ...values, issuer: bed.provider.issuer }, elsewhere);
      expect(there.status).toBe(303);
      await bed.save();
      const [visitor, login] = [bare.pages.visitor(), bare.person(['staff'])];
      expect((await visitor.get('/login')).html).toContain('href="/login/oidc"');
      await bare.signOn(visitor, login);
      expect(await roleOf(visitor)).toEqual([`${login}@example.com`, 'viewer']);
    } finally {
      await bare.close();
    }
  });
});
