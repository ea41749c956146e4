import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../../support/app.ts';

const PATH = '/api/system/oidc';
let app: TestApp;
beforeAll(async () => {
  app = await openTestApp({ env: { PUBLIC_URL: 'https://backups.example.com' } });
});
afterAll(() => app.close());

/** Nothing listens there, and nothing is sent: the address is a private one that nobody has named. */
const input = {
  ...{ issuer: 'https://10.1.2.3/realms/main', clientId: 'bridgeport', clientSecret: 'of the client' },
  ...{ adminValues: ['admins', 'Größe "x" <b> 🗝'], saveAnyway: true },
};
const put = (change: object = {}) => app.call('PUT', PATH, { body: { ...input, ...change } });
const issuesOf = (body: { details?: readonly { path: readonly string[] }[] }) => JSON.stringify(body);

describe('the API of single sign-on', () => {
  it('tells what is entered without the secret, and the redirect URI to enter at the provider', async () => {
    const redirectUri = 'https://backups.example.com/login/oidc/callback';
    expect((await app.call('GET', PATH)).body).toEqual({ oidc: null, redirectUri });
    const refused = await put({ saveAnyway: false });
    expect([refused.status, issuesOf(refused.body)]).toEqual([
      400,
      expect.stringContaining('add 10.1.2.3 to'),
    ]);
    const saved = await put();
    expect(saved.status).toBe(200);
    expect(saved.body.oidc).toEqual({
      ...{ issuer: input.issuer, clientId: 'bridgeport', hasSecret: true, scopes: 'openid email profile' },
      ...{ name: 'single sign-on', roleClaim: 'groups', adminValues: input.adminValues },
      ...{ operatorValues: [], viewerValues: [], others: 'refused', createsPeople: false },
    });
    expect((await app.call('GET', PATH)).body).toEqual({ oidc: saved.body.oidc, redirectUri });
    const tested = await app.call('POST', `${PATH}/test`);
    expect(tested.body).toEqual({ success: false, error: expect.stringContaining('its address 10.1.2.3') });
  });

  it('keeps a secret that is left out for the same issuer and client, and for nobody else', async () => {
    expect((await put({ clientSecret: undefined, name: 'x' })).body.oidc).toMatchObject({
      hasSecret: true,
      name: 'x',
    });
    for (const change of [
      { clientId: 'other' },
      { issuer: 'https://10.1.2.4' },
      { issuer: `${input.issuer}/` },
    ]) {
      const answer = await put({ clientSecret: undefined, ...change });
      expect([answer.status, issuesOf(answer.body)]).toEqual([400, expect.stringContaining('secret again')]);
    }
    expect((await put({ clientSecret: undefined, isPublicClient: true })).body.oidc.hasSecret).toBe(false);
    expect((await put({ clientSecret: undefined })).status).toBe(400);
  });

  it.each([
    { issuer: 'http://auth.example.com' },
    { issuer: '' },
    { issuer: `https://a.example/${'x'.repeat(2000)}` },
    { clientId: ' ' },
    { clientSecret: 'a\u0000b' },
    { scopes: 'email' },
    { scopes: 'openid "x"' },
    { name: 'a\nb' },
    { roleClaim: '' },
    { adminValues: 'admins' },
    { adminValues: [''] },
    { adminValues: Array.from({ length: 101 }, () => 'x') },
    { others: 'admin' },
    { createsPeople: 'yes' },
  ])('refuses %j', async (change) => {
    expect((await put(change)).status).toBe(400);
  });

  it('is the admins’ alone', async () => {
    for (const token of [app.tokens.operator, app.tokens.viewer]) {
      for (const [method, path] of [
        ['GET', PATH],
        ['PUT', PATH],
        ['DELETE', PATH],
        ['POST', `${PATH}/test`],
      ] as const) {
        expect((await app.call(method, path, { token, body: {} })).status).toBe(403);
      }
    }
  });

  it('forgets it', async () => {
    expect((await app.call('DELETE', PATH)).status).toBe(200);
    expect((await app.call('GET', PATH)).body.oidc).toBe(null);
    expect((await app.call('POST', `${PATH}/test`)).status).toBe(404);
    expect((await app.call('DELETE', PATH)).status).toBe(200);
  });

  it('is entered without PUBLIC_URL, too: then the provider sends browsers back to the address that was asked', async () => {
    const bare = await openTestApp();
    expect((await bare.call('PUT', PATH, { body: input })).status).toBe(200);
    const { oidc, redirectUri } = (await bare.call('GET', PATH)).body;
    expect([oidc.issuer, redirectUri]).toEqual([input.issuer, 'http://localhost/login/oidc/callback']);
    await bare.close();
  });
});

describe('sign-ins by a provider', () => {
  it('are counted by address on their way there and back, as the forms of the entrance are', async () => {
    const few = await openTestApp({ env: { RATE_LIMIT_MAX: '3' } });
    const ask = async (path: string, remoteAddress = '203.0.113.8') =>
      (await few.app.request(path, {}, { incoming: { socket: { remoteAddress } } })).status;
    const paths = ['/login/oidc', '/login/oidc/callback?code=x&state=y', '/login/oidc'];
    for (const path of paths) expect(await ask(path)).toBe(303);
    expect(await ask('/login/oidc/callback?code=x&state=y')).toBe(429);
    expect(await ask('/login/oidc')).toBe(429);
    expect(await ask('/login/oidc', '203.0.113.9')).toBe(303);
    expect(few.log.filter((line) => line.includes('state=y'))).toEqual([]);
    await few.close();
  });
});
