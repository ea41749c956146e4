import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../src/db/write.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { HERE, ORIGIN, openPages, type Pages, type Visitor } from '../http/ui/pages.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';

/** What the provider publishes, and what only it has. */
const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 });
const OTHER = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PAGE = '/admin/system/single-sign-on';

let pages: Pages;
let provider: TestProvider;
let admin: Visitor;
let nonce = '';

beforeAll(async () => {
  provider = await startOidcProvider([`${ORIGIN}/login/oidc/callback`]);
  provider.onRequest = publishKey;
  pages = await openPages({ PUBLIC_URL: ORIGIN });
  admin = await pages.signedIn('admin');
  await write(pages.services.db, (trx) => saveSettings(trx, { privateHosts: '127.0.0.1' }, new Date()));
  await save();
});
afterEach(() => {
  provider.onRequest = publishKey;
});
afterAll(async () => {
  await pages.close();
  await provider.close();
});

async function save() {
  const form = {
    ...{ issuer: provider.issuer, ...CLIENT, scopes: 'openid email', name: 'auth', roleClaim: 'groups' },
    ...{ adminValues: 'admins', others: 'refused', createsPeople: 'true', saveAnyway: 'true' },
  };
  expect((await admin.post(PAGE, form, HERE)).status).toBe(303);
}

type Answering = (request: IncomingMessage, response: ServerResponse) => boolean;

function json(response: ServerResponse, body: unknown, status = 200): true {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
}
const publishKey: Answering = ({ url }, response) =>
  url === '/jwks' &&
  json(response, { keys: [{ ...KEY.publicKey.export({ format: 'jwk' }), kid: 'ours', use: 'sig' }] });

/** Answers the question for the token with that body, and everything else as before. */
const answerToken =
  (body: () => unknown, status = 200): Answering =>
  (request, response) =>
    publishKey(request, response) || (request.url === '/token' && json(response, body(), status));

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

/** A token that is right, but for what is changed. */
function idToken(
  change: Readonly<Record<string, unknown>> = {},
  { header = {}, key = KEY.privateKey }: { readonly header?: object; readonly key?: KeyObject | null } = {},
): string {
  const claims = {
    ...{ iss: provider.issuer, aud: CLIENT.clientId, sub: 'mallory', nonce, iat: now(), exp: now() + 60 },
    ...{ email: 'mallory@example.com', groups: ['admins'], ...change },
  };
  const text = `${base64({ alg: 'RS256', kid: 'ours', ...header })}.${base64(claims)}`;
  const signature = key === null ? '' : sign('sha256', Buffer.from(text), key);
  return `${text}.${Buffer.from(signature).toString('base64url')}`;
}
const tokens = (id_token: unknown) => ({
  access_token: 'access-token-of-the-test',
  token_type: 'bearer',
  id_token,
});

/** Begins, and brings the answer of a provider that says to whom it was asked that all is well. */
async function come(change: (answer: URLSearchParams) => void = () => undefined) {
  const visitor = pages.visitor();
  const begun = await visitor.get('/login/oidc');
  const asked = new URL(begun.location ?? '', ORIGIN).searchParams;
  nonce = asked.get('nonce') ?? '';
  const answer = new URLSearchParams({
    ...{ code: 'a-code-that-nobody-may-see', state: asked.get('state') ?? '', iss: provider.issuer },
  });
  change(answer);
  const { status, location } = await visitor.get(`/login/oidc/callback?${answer}`);
  const { html } = await visitor.get('/login');
  const said = /notice-error"[^>]*>(?:<p>)?([^<]*)</.exec(html)?.[1] ?? null;
  const isIn = (await visitor.get('/account')).status === 200;
  return { status, location, said, isIn };
}

async function users(): Promise<number> {
  return (await pages.services.db.selectFrom('users').select('id').execute()).length;
}

async function isRefused(sentence: RegExp, change?: (answer: URLSearchParams) => void) {
  // The audit takes so many in an hour.
  await pages.services.db.deleteFrom('audit_logs').where('action', '=', 'sign_in_failed').execute();
  const before = await users();
  const { status, location, said, isIn } = await come(change);
  expect([status, location, isIn, await users()]).toEqual([303, '/login', false, before]);
  expect(said).toMatch(sentence);
  for (const secret of ['a-code-that-nobody-may-see', 'access-token-of-the-test', nonce]) {
    expect(said).not.toContain(secret);
    expect(pages.log.filter((line) => line.includes(secret))).toEqual([]);
  }
  const rows = await pages.services.db
    .selectFrom('audit_logs')
    .select(['error'])
    .where('action', '=', 'sign_in_failed')
    .execute();
  expect(rows).toEqual([{ error: expect.stringMatching(/^.{20}/) }]);
  expect(rows[0]?.error?.replaceAll('<', '&lt;').replaceAll('>', '&gt;')).toMatch(sentence);
}

describe('a token', () => {
  it.each([
    [
      'of another client',
      () => idToken({ aud: 'another' }),
      /another client, another sign-in or by another issuer/,
    ],
    ['of many clients', () => idToken({ aud: [CLIENT.clientId, 'another'] }), /another client/],
    ['of another sign-in', () => idToken({ nonce: 'another' }), /another sign-in/],
    ['of no sign-in', () => idToken({ nonce: undefined }), /does not hold what it must/],
    ['of another issuer', () => idToken({ iss: 'https://evil.example' }), /another issuer/],
    ['of yesterday', () => idToken({ exp: now() - 86_400 }), /of another time: here it is 20/],
    ['of tomorrow', () => idToken({ nbf: now() + 86_400 }), /of another time/],
    ['without an end', () => idToken({ exp: undefined }), /does not hold what it must/],
    ['signed by another key', () => idToken({}, { key: OTHER.privateKey }), /signature does not fit/],
    [
      'of a key that nobody knows',
      () => idToken({}, { header: { kid: 'x' } }),
      /key that the provider does not publish/,
    ],
    [
      'that is not signed',
      () => idToken({}, { header: { alg: 'none' }, key: null }),
      /does not hold what it must|signed or sent in a way/,
    ],
    [
      'signed with the secret',
      () => idToken({}, { header: { alg: 'HS256' } }),
      /does not hold what it must|signed or sent in a way/,
    ],
    ['of nobody', () => idToken({ sub: '' }), /names nobody|does not hold/],
    ['of a name that no database holds', () => idToken({ sub: 'a\u0000b' }), /names nobody/],
    ['of a name without end', () => idToken({ sub: 'x'.repeat(5000) }), /names nobody/],
    ['of a number', () => idToken({ sub: 7 }), /names nobody|does not hold/],
    ['that is none', () => 'x.y.z', /could not be read|does not hold|not JSON/],
    ['that is missing', () => undefined, /does not hold what it must/],
  ])('%s lets nobody in', async (_, token, sentence) => {
    provider.onRequest = answerToken(() => tokens(token()));
    await isRefused(sentence);
  });

  it('that is right does', async () => {
    provider.onRequest = answerToken(() => tokens(idToken({ sub: 'ada', email: 'ada@example.com' })));
    expect(await come()).toMatchObject({ status: 303, location: '/', isIn: true });
  });

  it('with markup and odd letters in it makes an account that is shown as it is written', async () => {
    const name = `<script>alert(1)</script>\n\u202e${'ü'.repeat(300)}`;
    provider.onRequest = answerToken(() => tokens(idToken({ sub: 'odd', email: 'odd@example.com', name })));
    expect((await come()).isIn).toBe(true);
    const { html } = await admin.get('/admin/users');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; ü');
    expect(html).not.toContain('<script>alert');
  });
});

describe('what the ID token does not say', () => {
  /** Answers with a token without groups, and says more of the person where it is asked. */
  const sayMore =
    (sub: string, more: object): Answering =>
    (request, response) => {
      if (request.url === '/me') return json(response, more);
      const token = idToken({ sub, email: `${sub}@example.com`, groups: undefined });
      return answerToken(() => tokens(token))(request, response);
    };

  it('is asked of the provider, of the same person, and of nothing else', async () => {
    provider.onRequest = sayMore('uma', { sub: 'uma', groups: ['admins'], email: 'other@example.com' });
    expect(await come()).toMatchObject({ location: '/', isIn: true });
    const rows = await pages.services.db
      .selectFrom('users')
      .select('role')
      .where('email', '=', 'uma@example.com')
      .execute();
    expect(rows).toEqual([{ role: 'admin' }]);
    provider.onRequest = sayMore('eve', { sub: 'uma', groups: ['admins'] });
    await isRefused(/told of another person/);
    provider.onRequest = sayMore('eve', { sub: 'eve' });
    await isRefused(/gives you no role here/);
    const asked = provider.asked.length;
    provider.onRequest = answerToken(() => tokens(idToken({ sub: 'ida', email: 'ida@example.com' })));
    expect((await come()).isIn).toBe(true);
    expect(provider.asked.slice(asked)).not.toContain('GET /me');
  });
});

describe('an answer in the browser', () => {
  it.each([
    [
      'of another issuer',
      (answer: URLSearchParams) => answer.set('iss', 'https://evil.example'),
      /does not come from/,
    ],
    ['of none', (answer: URLSearchParams) => answer.delete('iss'), /does not come from/],
    ['of two', (answer: URLSearchParams) => answer.append('iss', provider.issuer), /does not come from/],
    [
      'with two states',
      (answer: URLSearchParams) => answer.append('state', 'x'),
      /does not hold|not an answer/,
    ],
    ['without a code', (answer: URLSearchParams) => answer.delete('code'), /does not hold|not an answer/],
    [
      'that holds a token',
      (answer: URLSearchParams) => answer.set('id_token', 'x'),
      /signed or sent in a way/,
    ],
  ])('%s is not taken', async (_, change, sentence) => {
    provider.onRequest = answerToken(() => tokens(idToken()));
    await isRefused(sentence, change);
  });
});

describe('a provider', () => {
  const hang: Answering = () => true;
  const done = (_: unknown) => true;
  it.each<[string, Answering, RegExp]>([
    ['has a wrong secret of ours', answerToken(() => ({ error: 'invalid_client' }), 401), /“invalid_client”/],
    [
      'answers in HTML',
      (_, response) => done(response.end('<html>a-code-that-nobody-may-see')),
      /is not JSON|not HTTP|no OpenID/,
    ],
    ['answers 500', (_, response) => done(response.writeHead(500).end('boom')), /unexpected status/],
    [
      'redirects',
      (_, response) => done(response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
      /unexpected status/,
    ],
    ['ends the connection', ({ socket }) => done(socket.destroy()), /ended before it had answered/],
    ['answers 10 MB', answerToken(() => ({ access_token: 'x'.repeat(10 * 1024 * 1024) })), /more than 1 MiB/],
    ['answers a list', answerToken(() => []), /does not hold what it must/],
    [
      'answers markup as an error',
      answerToken(() => ({ error: '<b>x</b>', error_description: '<script>' }), 400),
      /“&lt;b&gt;x&lt;\/b&gt;”: &lt;script&gt;/,
    ],
  ])('that %s is told of', async (_, answering, sentence) => {
    // What it says of itself is known by then.
    const begun = await pages.visitor().get('/login/oidc');
    expect(begun.location).toMatch(/^http:\/\/127/);
    provider.onRequest = answering;
    await isRefused(sentence);
  });

  it('that hangs is given up in ten seconds, while everybody else goes on', async () => {
    provider.onRequest = (request, response) => publishKey(request, response) || hang(request, response);
    const asked = provider.asked.length;
    const waiting = come();
    expect((await admin.get('/servers')).status).toBe(200);
    const { said, isIn } = await waiting;
    expect([said, isIn]).toEqual([expect.stringMatching(/did not answer within 10 s/), false]);
    // Once: what hangs is not asked a second time.
    expect(provider.asked.slice(asked).filter((line) => line === 'POST /token')).toHaveLength(1);
  });

  it.each<[string, object, RegExp]>([
    [
      'calls itself otherwise',
      { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' },
      /another issuer/,
    ],
    [
      'has tokens fetched in the clear',
      { token_endpoint: 'http://auth.example.com/token' },
      /token_endpoint is not https/,
    ],
    ['has keys fetched in the clear', { jwks_uri: 'http://auth.example.com/jwks' }, /jwks_uri is not https/],
    [
      'leads browsers to a script',
      { authorization_endpoint: 'javascript:alert(1)' },
      /authorization_endpoint is not https/,
    ],
    ['has no keys', { jwks_uri: undefined }, /jwks_uri is missing/],
  ])('that %s is not saved', async (_, change, sentence) => {
    provider.onRequest = (request, response) =>
      request.url === '/.well-known/openid-configuration' &&
      json(response, {
        issuer: provider.issuer,
        ...Object.fromEntries(
          ['authorization', 'token', 'userinfo'].map((name) => [
            `${name}_endpoint`,
            `${provider.issuer}/${name}`,
          ]),
        ),
        jwks_uri: `${provider.issuer}/jwks`,
        ...change,
      });
    const form = {
      ...{ issuer: provider.issuer, ...CLIENT, scopes: 'openid', name: 'auth', roleClaim: 'groups' },
      others: 'refused',
    };
    const answer = await admin.post(PAGE, form, HERE);
    expect(answer.status).toBe(422);
    expect(answer.html).toMatch(sentence);
    await save();
    const visitor = pages.visitor();
    expect((await visitor.get('/login/oidc')).location).toBe('/login');
    expect((await visitor.get('/login')).html).toMatch(sentence);
    provider.onRequest = publishKey;
    expect((await visitor.get('/login/oidc')).location).toMatch(/^http:\/\/127/);
  });
});
