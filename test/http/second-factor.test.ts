import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetPassword } from '../../src/auth/change-password.ts';
import { newRecoveryCodes } from '../../src/auth/recovery-codes.ts';
import { makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { codeOf, setUpFactor } from '../support/second-factor.ts';

const PASSWORD = 'correct horse battery';
const EMAIL = 'viewer@example.com';
const STEP_MS = 30_000;

let app: TestApp;
let at: Date;
beforeEach(async () => {
  app = await openTestApp({ env: { SESSION_TTL: '3650d' } });
  // The middle of a half minute, on the last day of a leap February.
  at = new Date('2028-02-29T23:59:45.000Z');
  app.setNow(at);
});
afterEach(() => app.close());

const pass = (milliseconds: number) => {
  at = new Date(at.getTime() + milliseconds);
  app.setNow(at);
};

const signIn = (totp?: unknown, from = '198.51.100.9') =>
  app.call('POST', '/api/auth/login', {
    token: null,
    from,
    body: { email: EMAIL, password: PASSWORD, ...(totp === undefined ? {} : { totp }) },
  });

async function setUp() {
  const factor = await setUpFactor(app, 'viewer', PASSWORD);
  pass(STEP_MS);
  return factor;
}

const audited = async (action: string) => {
  const rows = await app.services.db
    .selectFrom('audit_logs')
    .select(['details', 'error'])
    .where('action', '=', action)
    .where('resource_id', '=', app.userIds.viewer)
    .orderBy(asWritten(app.services.db))
    .execute();
  return rows.map(({ details, error }) => JSON.stringify([JSON.parse(details ?? 'null'), error]));
};

describe('a second factor', () => {
  it('is asked for after the right password alone, and its code opens a session once', async () => {
    const { secret } = await setUp();
    const wrong = { email: EMAIL, password: 'Tr0ub4dor &3 guessed', totp: codeOf(secret, at) };
    const refused = await app.call('POST', '/api/auth/login', { token: null, body: wrong });
    expect([refused.status, refused.body.message]).toEqual([401, 'Invalid credentials']);
    const asked = await signIn();
    expect([asked.status, asked.body.code, asked.body.field]).toEqual([
      401,
      'SECOND_FACTOR_REQUIRED',
      'totp',
    ]);
    const right = await signIn(codeOf(secret, at));
    expect([right.status, right.body.user.email]).toEqual([200, EMAIL]);
    const again = await signIn(codeOf(secret, at));
    expect([again.status, again.body.code, again.body.field]).toEqual([401, 'UNAUTHORIZED', 'totp']);
    expect(again.body.message).toContain('has been used already');
    // Nor is that of the step before, once a later one was used.
    expect((await signIn(codeOf(secret, new Date(at.getTime() - STEP_MS)))).body.message).toContain(
      'used already',
    );
    pass(STEP_MS);
    expect((await signIn(` ${codeOf(secret, at).slice(0, 3)} ${codeOf(secret, at).slice(3)}`)).status).toBe(
      200,
    );
    expect(await audited('sign_in')).toEqual(
      Array(2).fill(JSON.stringify([{ by: 'api', factor: 'code' }, null])),
    );
    expect(await audited('sign_in_failed')).toContain(
      JSON.stringify([{ by: 'api', factor: 'code' }, 'Wrong code after the right password']),
    );
  });

  it('lets one of many sign-ins with the same code through', async () => {
    const { secret } = await setUp();
    const code = codeOf(secret, at);
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => signIn(code)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  it('counts from when a code of it was shown: not before, and the code that showed it signs nobody in', async () => {
    const own = { token: app.tokens.viewer };
    const path = `/api/users/${app.userIds.viewer}/second-factor`;
    const begin = (body: object) => app.call('POST', path, { ...own, body });
    expect((await begin({})).body.message).toBe('Current password is required');
    expect((await begin({ currentPassword: 'Tr0ub4dor &3' })).status).toBe(401);
    const { secret, uri } = (await begin({ currentPassword: PASSWORD })).body;
    expect(uri).toContain(encodeURIComponent(EMAIL));
    expect((await signIn()).status).toBe(200);
    const confirm = (code: string) => app.call('POST', `${path}/confirm`, { ...own, body: { code } });
    const late = await confirm(codeOf(secret, new Date(at.getTime() - 5 * STEP_MS)));
    expect([late.status, late.body.field]).toEqual([400, 'code']);
    expect(late.body.message).toContain('the code of 150 seconds ago: here it is 2028-02-29 23:59:45 UTC');
    expect((await confirm('<script>')).body.message).toContain('Here it is 2028-02-29 23:59:45 UTC');
    const other = (await signIn()).body.token;
    const code = codeOf(secret, at);
    const { recoveryCodes } = (await confirm(code)).body;
    expect(recoveryCodes).toHaveLength(10);
    // Other sessions began without; this one goes on.
    expect((await app.call('GET', '/api/auth/me', { token: other })).status).toBe(401);
    const shown = await app.call('GET', path, own);
    expect(shown.body.secondFactor).toEqual({
      ...{ isActive: true, confirmedAt: at.toISOString(), recoveryCodesLeft: 10, isRequired: false },
    });
    expect((await signIn(code)).body.message).toContain('used already');
    expect((await begin({ currentPassword: PASSWORD })).status).toBe(409);
    expect((await confirm(codeOf(secret, new Date(at.getTime() + STEP_MS)))).status).toBe(409);
    const rows = JSON.stringify(await app.services.db.selectFrom('second_factors').selectAll().execute());
    expect(rows).not.toContain(secret);
    expect((await audited('update')).sort()).toEqual([
      JSON.stringify([{ secondFactor: 'begun' }, null]),
      JSON.stringify([{ secondFactor: 'set up' }, null]),
    ]);
  });

  it('is confirmed once by two at the same time, with the codes that count', async () => {
    const own = { token: app.tokens.viewer };
    const path = `/api/users/${app.userIds.viewer}/second-factor`;
    const { secret } = (await app.call('POST', path, { ...own, body: { currentPassword: PASSWORD } })).body;
    const body = { code: codeOf(secret, at) };
    const both = await Promise.all([1, 2].map(() => app.call('POST', `${path}/confirm`, { ...own, body })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const [code] = both.find(({ status }) => status === 200)?.body.recoveryCodes ?? [];
    expect((await signIn(code)).status).toBe(200);
  });

  it('gives way to a recovery code once, which may be typed in any way, and to no other text', async () => {
    const { recoveryCodes, path } = await setUp();
    const [first = '', second = ''] = recoveryCodes;
    expect((await signIn(first.toUpperCase().replaceAll('-', ' '))).status).toBe(200);
    expect((await signIn(first)).status).toBe(401);
    for (const odd of ['<script>', "' or 1=1 --", '000000', 'ü+ 🗝', '٠٠٠٠٠٠']) {
      expect([odd, (await signIn(odd)).status]).toEqual([odd, 401]);
      pass(60_000);
    }
    for (const bad of ['', ' ', 123_456, { $ne: '' }, ['1'], 'x'.repeat(65), 'a\nb']) {
      expect([bad, (await signIn(bad)).status]).toEqual([bad, 400]);
    }
    const own = { token: app.tokens.viewer, body: { currentPassword: PASSWORD } };
    const anew = await app.call('POST', `${path}/recovery-codes`, own);
    expect(anew.body.recoveryCodes).toHaveLength(10);
    expect((await signIn(second)).status).toBe(401);
    pass(60_000);
    expect((await signIn(anew.body.recoveryCodes[3])).status).toBe(200);
    const strange = (await newRecoveryCodes()).codes[0];
    expect((await signIn(strange)).status).toBe(401);
    expect(await audited('sign_in')).toContain(
      JSON.stringify([{ by: 'api', factor: 'recovery code' }, null]),
    );
  });

  it('is guessed at as slowly as a password, whoever knows that, and the right code gets no answer in a pause', async () => {
    const { secret } = await setUp();
    const statuses = [];
    const elsewhere = (guess: number) => `2001:db8:${guess.toString(16)}::1`;
    for (let guess = 0; guess < 7; guess += 1)
      statuses.push((await signIn('000000', elsewhere(guess))).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const right = await signIn(codeOf(secret, at), elsewhere(101));
    expect([right.status, right.body.message]).toEqual([
      429,
      expect.stringContaining('Too many wrong codes'),
    ]);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    // The password alone is still answered: that it is right was known before.
    expect((await signIn(undefined, elsewhere(102))).body.code).toBe('SECOND_FACTOR_REQUIRED');
    pass(STEP_MS * 2);
    expect((await signIn(codeOf(secret, at), elsewhere(103))).status).toBe(200);
  });

  it('is used up, taken off and replaced by a password’s reset with what belongs to it, or not at all', async () => {
    const { secret, recoveryCodes } = await setUp();
    const { db } = app.services;
    await sql`alter table audit_logs rename to audit_away`.execute(db);
    for (const code of [codeOf(secret, at), recoveryCodes[0]]) expect((await signIn(code)).status).toBe(500);
    await expect(resetPassword(app.services, EMAIL, { isFactorTakenOff: true })).rejects.toThrow();
    await sql`alter table audit_away rename to audit_logs`.execute(db);
    expect((await signIn()).body.code).toBe('SECOND_FACTOR_REQUIRED');
    for (const code of [codeOf(secret, at), recoveryCodes[0]]) expect((await signIn(code)).status).toBe(200);
  });

  it('says so where the clock of the installation was set back, and takes a recovery code meanwhile', async () => {
    const { secret, recoveryCodes } = await setUp();
    expect((await signIn(codeOf(secret, at))).status).toBe(200);
    pass(-3_600_000);
    const refused = await signIn(codeOf(secret, at));
    expect([refused.status, refused.body.message]).toEqual([
      401,
      expect.stringMatching(
        /the clock of this installation, which says 2028-02-29 23:00:15 UTC, was set back/,
      ),
    ]);
    expect((await signIn(recoveryCodes[0])).status).toBe(200);
    pass(3_600_000 + STEP_MS);
    expect((await signIn(codeOf(secret, at))).status).toBe(200);
  });

  it('is taken off with the own password, by an admin with all sessions, or by the command of the image', async () => {
    const { path, secret } = await setUp();
    const remove = (token: string, body: object = {}) => app.call('POST', `${path}/remove`, { token, body });
    const { token } = (await signIn(codeOf(secret, at))).body;
    expect((await remove(token)).body.message).toBe('Current password is required');
    expect((await remove(token, { currentPassword: 'Tr0ub4dor &3' })).status).toBe(401);
    expect((await remove(app.tokens.operator)).status).toBe(403);
    expect((await remove(app.tokens.admin)).status).toBe(200);
    expect((await remove(app.tokens.admin)).status).toBe(409);
    expect((await app.call('GET', '/api/auth/me', { token })).status).toBe(401);
    const signedIn = await signIn();
    expect(signedIn.status).toBe(200);
    for (const step of ['', '/confirm', '/recovery-codes']) {
      const body = { currentPassword: PASSWORD, code: '123456' };
      expect([step, (await app.call('POST', `${path}${step}`, { body })).status]).toEqual([step, 403]);
    }
    const others = { ...app, tokens: { ...app.tokens, viewer: signedIn.body.token } };
    await setUpFactor(others, 'viewer', PASSWORD);
    expect(await resetPassword(app.services, EMAIL)).toMatchObject({ hasSecondFactor: true });
    const reset = await resetPassword(app.services, EMAIL, { isFactorTakenOff: true });
    expect(reset.hasSecondFactor).toBe(false);
    const body = { email: EMAIL, password: reset.password };
    expect((await app.call('POST', '/api/auth/login', { token: null, body })).status).toBe(200);
    expect((await app.services.db.selectFrom('recovery_codes').selectAll().execute()).length).toBe(0);
    const taken = JSON.stringify([{ secondFactor: 'taken off' }, null]);
    expect((await audited('update')).filter((row) => row === taken)).toHaveLength(2);
  });
});

describe('an installation that requires it', () => {
  it('lets whoever has none set it up and nothing else; tokens go on', async () => {
    const { token } = await makeToken(app, { userId: app.userIds.viewer }, { role: 'viewer' });
    const settings = { token: app.tokens.admin, body: { secondFactorRequired: true } };
    expect((await app.call('PATCH', '/api/settings/system', settings)).status).toBe(200);
    const { body } = await signIn();
    const call = (method: string, path: string) => app.call(method, path, { token: body.token });
    for (const [method, path] of [
      ['GET', '/api/environments'],
      ['GET', '/api/users'],
      ['POST', '/api/environments'],
      ['GET', `/api/users/${app.userIds.viewer}`],
      ['POST', `/api/users/${app.userIds.viewer}/change-password`],
    ] as const) {
      const { status, body: refused } = await call(method, path);
      expect([path, status, refused.code]).toEqual([path, 403, 'SECOND_FACTOR_MISSING']);
    }
    expect((await call('GET', '/api/auth/me')).status).toBe(200);
    expect((await app.call('GET', '/api/environments', { token })).status).toBe(200);
    const here = { ...app, tokens: { ...app.tokens, viewer: body.token } };
    const { secret } = await setUpFactor(here, 'viewer', PASSWORD);
    expect((await call('GET', '/api/environments')).status).toBe(200);
    pass(STEP_MS);
    const signedIn = await signIn(codeOf(secret, at));
    expect((await app.call('GET', '/api/environments', { token: signedIn.body.token })).status).toBe(200);
    // Whoever has required it is no exception.
    const admin = await app.call('PATCH', '/api/settings/system', { ...settings, body: {} });
    expect([admin.status, admin.body.code]).toEqual([403, 'SECOND_FACTOR_MISSING']);
  });
});
