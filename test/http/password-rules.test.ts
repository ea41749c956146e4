import { afterEach, describe, expect, it } from 'vitest';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

const opened: TestApp[] = [];
const open = async (env: Readonly<Record<string, string>> = {}, withoutUsers = false) => {
  const app = await openTestApp({ env, withoutUsers });
  opened.push(app);
  return app;
};
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

const PRESENT = 'correct horse battery';
let number = 0;
const create = (app: TestApp, password: string) => {
  number += 1;
  return app.call('POST', '/api/users', { body: { email: `new-${number}@example.com`, password } });
};

/** The pages of an admin: a page, and the form of a new user with that password. */
async function openPages(app: TestApp) {
  const typed = { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost' };
  const send = (path: string, form: Readonly<Record<string, string>>, cookie = '') =>
    app.call('POST', path, {
      token: null,
      text: new URLSearchParams(form).toString(),
      headers: { ...typed, cookie },
    });
  const signIn = await send('/login', { email: 'admin@example.com', password: PRESENT });
  const cookie = signIn.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  return {
    post: (password: string) =>
      send('/admin/users/new', { email: `${password}@example.com`, password, role: 'viewer' }, cookie),
    get: (path: string) => app.call('GET', path, { token: null, headers: { cookie } }),
  };
}

describe('a new password', () => {
  it('of 8 characters is taken by the API, as before, and asked to be of 12 by the pages', async () => {
    const app = await open();
    expect((await create(app, 'zq7-Kp2x')).status).toBe(200);
    expect((await create(app, 'zq7-Kp2')).status).toBe(400);
    const { post, get } = await openPages(app);
    const short = await post('zq7-Kp2x-44');
    expect([short.status, short.body.includes('Enter at least 12 characters.')]).toEqual([422, true]);
    expect((await post('zq7-Kp2x-445')).status).toBe(303);
    const common = await post('1QAZ2wsx3edc');
    expect([common.status, common.body.includes('10,000 most common passwords')]).toEqual([422, true]);
    expect((await get('/account')).body).toMatch(/name="newPassword"[^>]*minlength="12"/);
  });

  it('is as long as PASSWORD_MIN_LENGTH, wherever that is more', async () => {
    const app = await open({ PASSWORD_MIN_LENGTH: '14' });
    expect((await create(app, 'zq7-Kp2x-4451')).status).toBe(400);
    expect((await create(app, 'zq7-Kp2x-44512')).status).toBe(200);
    const change = (newPassword: string) =>
      app.call('POST', `/api/users/${app.userIds.viewer}/change-password`, { body: { newPassword } });
    expect((await change('zq7-Kp2x-4451')).status).toBe(400);
    expect((await change('zq7-Kp2x-44512')).status).toBe(200);
    // Whoever has a shorter one still signs in.
    const body = { email: 'operator@example.com', password: PRESENT };
    expect((await app.call('POST', '/api/auth/login', { token: null, body })).status).toBe(200);
    const { post, get } = await openPages(app);
    const short = await post('zq7-Kp2x-4452');
    expect([short.status, short.body.includes('Enter at least 14 characters.')]).toEqual([422, true]);
    expect((await post('zq7-Kp2x-44522')).status).toBe(303);
    expect((await get('/account')).body).toMatch(/name="newPassword"[^>]*minlength="14"/);
  });

  it.each(['password1', 'PassWord1', 'football', '1q2w3e4r5t', 'qwertyuiop', 'iloveyou'])(
    'is not %s, which everybody tries first',
    async (password) => {
      const app = await open();
      const created = await create(app, password);
      expect([created.status, created.body.field]).toEqual([400, 'password']);
      expect(created.body.message).toMatch(/^This is one of the 10,000 most common passwords/);
      const changed = await app.call('POST', `/api/users/${app.userIds.viewer}/change-password`, {
        body: { newPassword: password },
      });
      expect([changed.status, changed.body.field]).toEqual([400, 'newPassword']);
    },
  );

  it('is not the email of the account', async () => {
    const app = await open();
    const created = await app.call('POST', '/api/users', {
      body: { email: 'second.shop@example.com', password: 'Second.Shop@example.com', role: 'viewer' },
    });
    expect([created.status, created.body.field]).toEqual([400, 'password']);
    expect(created.body.message).toMatch(/^This is the email of the account/);
    const { body } = await app.call('GET', `/api/users/${app.userIds.viewer}`);
    const changed = await app.call('POST', `/api/users/${app.userIds.viewer}/change-password`, {
      body: { newPassword: body.user.email },
    });
    expect([changed.status, changed.body.field]).toEqual([400, 'newPassword']);
  });

  it('of the first admin follows the same rules, from the environment too', async () => {
    for (const [env, says] of [
      [
        { ADMIN_PASSWORD: 'football' },
        /^ADMIN_PASSWORD can't be used\. This is one of the 10,000 most common/,
      ],
      [{ ADMIN_PASSWORD: 'zq7-Kp2x', PASSWORD_MIN_LENGTH: '10' }, /^ADMIN_PASSWORD must have at least 10/],
    ] as const) {
      const app = await open({ ADMIN_EMAIL: 'a@example.com', ...env }, true);
      await expect(prepareFirstAdmin(app.services)).rejects.toMatchObject({
        code: 'config',
        message: expect.stringMatching(says),
      });
    }
    const app = await open({ ADMIN_EMAIL: 'a@example.com', ADMIN_PASSWORD: 'zq7-Kp2x' }, true);
    await prepareFirstAdmin(app.services);
    expect(await app.services.db.selectFrom('users').select('email').execute()).toHaveLength(1);
  });
});

describe('one’s own password', () => {
  it('is changed with the present one alone, by an admin too', async () => {
    const app = await open();
    const change = (userId: string, body: object) =>
      app.call('POST', `/api/users/${userId}/change-password`, { body });
    const { admin, viewer } = app.userIds;
    const missing = await change(admin, { newPassword: 'zq7-Kp2x-445' });
    expect([missing.status, missing.body.message]).toEqual([400, 'Current password is required']);
    const wrong = await change(admin, { newPassword: 'zq7-Kp2x-445', currentPassword: 'not it' });
    expect([wrong.status, wrong.body.message]).toEqual([401, 'Current password is incorrect']);
    // Somebody else's, as the contract says.
    expect((await change(viewer, { newPassword: 'zq7-Kp2x-445' })).status).toBe(200);
    expect((await change(admin, { newPassword: 'zq7-Kp2x-445', currentPassword: PRESENT })).status).toBe(200);
  });

  it('is not guessed by whoever has a session: wrong ones are slowed', async () => {
    const app = await open();
    const guess = (currentPassword: string) =>
      app.call('POST', `/api/users/${app.userIds.viewer}/change-password`, {
        token: app.tokens.viewer,
        body: { newPassword: 'zq7-Kp2x-445', currentPassword },
      });
    const statuses = [];
    for (let time = 0; time < 7; time += 1) statuses.push((await guess('guess')).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await guess(PRESENT)).status).toBe(429);
    // Which keeps nobody from signing in.
    const body = { email: 'viewer@example.com', password: PRESENT };
    expect((await app.call('POST', '/api/auth/login', { token: null, body })).status).toBe(200);
  });
});
