import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuardedFetch } from '../../src/channels/node/guarded-fetch.ts';
import { createOidcProvider } from '../../src/oidc/client.ts';
import { newTransaction } from '../../src/oidc/transaction.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';

const redirectUri = 'https://backups.example.com/login/oidc/callback';
const fetch = createGuardedFetch({ allowed: async () => ['127.0.0.1'] });
const open = () => createOidcProvider({ fetch, now: () => new Date() });

/** It says that it takes both, as most do, whatever the client is registered for. */
describe.each(['client_secret_basic', 'client_secret_post'] as const)('a client of %s', (way) => {
  let provider: TestProvider;
  beforeAll(async () => {
    provider = await startOidcProvider([redirectUri], { way });
  });
  afterAll(() => provider.close());
  const settings = (change: object = {}) => ({
    ...{ issuer: provider.issuer, ...CLIENT, scopes: 'openid' },
    ...change,
  });
  const tokensAsked = () => provider.asked.filter((line) => line === 'POST /token').length;

  async function signIn(oidc: ReturnType<typeof open>) {
    const request = await newTransaction(settings(), { next: '/', link: null, redirectUri });
    const url = await oidc.authorizationUrl(settings(), request);
    const back = await provider.signIn(url, 'ada');
    return oidc.claimsOf(settings(), request, back.searchParams, async () => true);
  }

  it('is known by its secret, in the way that it was found by from then on', async () => {
    const oidc = open();
    await oidc.probe(settings(), redirectUri);
    const before = tokensAsked();
    expect((await signIn(oidc)).sub).toBe('ada');
    expect(tokensAsked()).toBe(before + 1);
  });

  it('signs in after a start of the app, which a refused way uses no code up for', async () => {
    const oidc = open();
    expect((await signIn(oidc)).sub).toBe('ada');
    const before = tokensAsked();
    expect((await signIn(oidc)).sub).toBe('ada');
    expect(tokensAsked()).toBe(before + 1);
  });

  it('is known where the provider minds the redirect URI of a code that is none', async () => {
    const minding: typeof fetch = async (url, request) =>
      url.endsWith('/token')
        ? Response.json({ error: 'redirect_uri_mismatch' }, { status: 400 })
        : fetch(url, request);
    const oidc = createOidcProvider({ fetch: minding, now: () => new Date() });
    await expect(oidc.probe(settings(), redirectUri)).resolves.toBeUndefined();
    // Of a sign-in it says which one to enter there.
    const request = await newTransaction(settings(), { next: '/', link: null, redirectUri });
    const back = await provider.signIn(await oidc.authorizationUrl(settings(), request), 'ada');
    const claims = oidc.claimsOf(settings(), request, back.searchParams, async () => true);
    await expect(claims).rejects.toThrow(`“redirect_uri_mismatch”. Enter the redirect URI that was tried`);
    await expect(claims).rejects.toThrow(redirectUri);
  });

  it('is refused with a wrong secret in each way, and told both', async () => {
    const probe = open().probe(settings({ clientSecret: 'wrong' }), redirectUri);
    await expect(probe).rejects.toThrow(
      /“invalid_client”.*wrong, or the way they are sent.*client_secret_basic/,
    );
  });
});
