import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareFirstAdmin } from '../../../src/auth/first-admin.ts';
import { login as signIn } from '../../../src/auth/login.ts';
import { endSessionsOf } from '../../../src/auth/sessions.ts';
import type { Db } from '../../../src/db/schema.ts';
import { write } from '../../../src/db/write.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { setupCodeOf } from '../../support/setup-code.ts';

const PASSWORD = 'correct horse battery';
const NOWHERE = { address: null, browser: null };

describe('signing in', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await openTestApp();
  });
  afterEach(() => app.close());

  const login = (body: unknown) => app.call('POST', '/api/auth/login', { token: null, body });

  it('gives a token that tells who is signed in', async () => {
    const { status, body } = await login({ email: 'Operator@Example.com', password: PASSWORD });
    expect(status).toBe(200);
    expect(body.user).toEqual({
      id: app.userIds.operator,
      email: 'operator@example.com',
      name: null,
      role: 'operator',
    });
    const me = await app.call('GET', '/api/auth/me', { token: body.token });
    expect(me.body).toMatchObject({ user: body.user, role: 'operator', environments: [] });
    expect(me.body.scopes).toContain('servers:write');
    expect(me.body.scopes).not.toContain('admin:*');
  });

  it('has the claims that clients read, and a session behind it', async () => {
    const { body } = await login({ email: 'viewer@example.com', password: PASSWORD });
    const claims = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString());
    expect(claims).toEqual({
      sid: expect.any(String),
      id: app.userIds.viewer,
      email: 'viewer@example.com',
      iat: expect.any(Number),
      exp: claims.iat + 7 * 86_400,
    });
  });

  it.each([
    { email: 'viewer@example.com', password: 'wrong password' },
    { email: 'nobody@example.com', password: PASSWORD },
  ])('says the same for a wrong password and an unknown user', async (credentials) => {
    const { status, body } = await login(credentials);
    expect(status).toBe(401);
    expect(body).toEqual({
      code: 'UNAUTHORIZED',
      message: 'Invalid credentials',
      requestId: expect.any(String),
    });
  });

  it.each([
    [
      'has another password',
      (db: Db, id: string) =>
        db.updateTable('users').set({ password_hash: 'another' }).where('id', '=', id).execute(),
    ],
    ['is gone', (db: Db, id: string) => db.deleteFrom('users').where('id', '=', id).execute()],
  ])('starts no session where the user %s by the time that the old one was checked', async (_, change) => {
    const { services } = app;
    const id = app.userIds.viewer;
    await write(services.db, (trx) => endSessionsOf(trx, id));
    const slow = {
      ...services.passwords,
      async verify(password: string, hash: string | null) {
        const isRight = await services.passwords.verify(password, hash);
        await change(services.db, id);
        return isRight;
      },
    };
    const input = { email: 'viewer@example.com', password: PASSWORD, kind: 'ui', from: NOWHERE } as const;
    const signingIn = signIn({ ...services, passwords: slow }, input);
    await expect(signingIn).rejects.toMatchObject({ code: 'unauthorized' });
    const sessions = await services.db
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', id)
      .execute();
    expect(sessions).toEqual([]);
  });

  it('refuses what is no email or too short a password with the issues', async () => {
    const { status, body } = await login({ email: 'nobody', password: 'short' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'VALIDATION_ERROR', message: 'Invalid input' });
    expect(body.details.map((issue: { path: unknown }) => issue.path)).toEqual([['email'], ['password']]);
  });

  it.each([
    ['no credential', undefined],
    ['a cookie', { cookie: 'bridgeport_session=x' }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['a small b', { authorization: 'bearer abc' }],
    ['nonsense', { authorization: 'Bearer a.b.c' }],
    ['a token of null', { authorization: 'Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.bnVsbA.x' }],
    ['an unsigned token', { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzaWQiOiJ4In0.' }],
  ])('answers 401 to %s', async (_, headers) => {
    const { status, body } = await app.call('GET', '/api/auth/me', {
      token: null,
      ...(headers ? { headers } : {}),
    });
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'UNAUTHORIZED', message: 'Unauthorized' });
  });

  it('answers 401 to any token that it did not make', async () => {
    const part = fc.oneof(
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.constant(Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')),
      fc.string().map((text) => text.replaceAll(/[^\w-]/g, '')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
        const { status } = await app.call('GET', '/api/auth/me', {
          token: `x${parts.join('.')}`.slice(1) || 'x',
        });
        expect(status).toBe(401);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a token whose signature was made with another key', async () => {
    const other = await openTestApp({ env: { JWT_SECRET: 's'.repeat(40) } });
    expect((await other.call('GET', '/api/auth/me')).status).toBe(200);
    expect((await app.call('GET', '/api/auth/me', { token: other.tokens.admin })).status).toBe(401);
    await other.close();
  });

  it('ends a session after SESSION_TTL and with a logout', async () => {
    await app.call('POST', '/api/auth/logout', { token: app.tokens.viewer });
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status).toBe(401);
    expect((await app.call('GET', '/api/auth/me')).status).toBe(200);
    app.setNow(new Date(Date.now() + 8 * 86_400_000));
    expect((await app.call('GET', '/api/auth/me')).status).toBe(401);
  });

  it('reads the role from the database at each request', async () => {
    await app.call('PATCH', `/api/users/${app.userIds.operator}`, { body: { role: 'viewer' } });
    const me = await app.call('GET', '/api/auth/me', { token: app.tokens.operator });
    expect(me.body.role).toBe('viewer');
  });
});

describe('the first admin', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await openTestApp({ withoutUsers: true });
    await prepareFirstAdmin(app.services);
  });
  afterEach(() => app.close());

  const body = { email: 'root@example.com', password: PASSWORD, name: 'Root' };
  const register = (options: object = {}, more: object = {}) =>
    app.call('POST', 'http://localhost/api/auth/register', {
      token: null,
      body: { ...body, ...more },
      ...options,
    });
  const setupCode = () => setupCodeOf(app.log);

  it('registers with the code of the log, once', async () => {
    const { status, body: answer } = await register({}, { setupCode: setupCode().toUpperCase() });
    expect(status).toBe(200);
    expect(answer.user).toMatchObject({ email: 'root@example.com', name: 'Root', role: 'admin' });
    expect((await app.call('GET', '/api/users', { token: answer.token })).status).toBe(200);
    const second = await register({}, { setupCode: setupCode() });
    expect([second.status, second.body.message]).toEqual([403, 'Registration disabled']);
  });

  it.each([
    ['from another machine', { from: '203.0.113.7' }],
    // A proxy on this machine that names us by our loopback address and says nothing of itself looks the same.
    ['from this very machine', { from: '127.0.0.1' }],
    ['from this very machine over IPv6', { from: '::1' }],
    ['through a proxy that says so', { from: '127.0.0.1', headers: { via: '1.1 proxy' } }],
  ])('needs the code %s', async (_, options) => {
    for (const more of [{}, { setupCode: '' }, { setupCode: 'aaaa-bbbb-cccc-dddd' }]) {
      const answer = await register(options, more);
      expect([answer.status, answer.body.setupCodeRequired]).toEqual([403, true]);
    }
    expect(await app.services.db.selectFrom('users').select('id').execute()).toEqual([]);
  });

  it('makes one admin of several that register at once', async () => {
    const code = setupCode();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => register({}, { email: `${name}@example.com`, setupCode: code })),
    );
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 403, 403]);
  });

  it('is made from the configuration, and only while no user exists', async () => {
    const seeded = await openTestApp({
      withoutUsers: true,
      env: { ADMIN_EMAIL: 'Admin@example.com', ADMIN_PASSWORD: PASSWORD },
    });
    await prepareFirstAdmin(seeded.services);
    await prepareFirstAdmin(seeded.services);
    const login = { email: 'admin@example.com', password: PASSWORD };
    const { body: answer } = await seeded.call('POST', '/api/auth/login', { token: null, body: login });
    expect(answer.user).toMatchObject({ name: 'Admin', role: 'admin' });
    expect((await seeded.call('GET', '/api/users', { token: answer.token })).body.users).toHaveLength(1);
    expect(seeded.log.join()).not.toContain(PASSWORD);
    await seeded.close();
  });
});
