import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetPassword } from '../../../src/auth/change-password.ts';
import { login } from '../../../src/auth/login.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const PASSWORD = 'correct horse battery';

describe('users', () => {
  it('are listed newest first without their hashes', async () => {
    app.setNow(new Date('2099-01-01T00:00:00.000Z'));
    const created = await app.services.db.selectFrom('users').selectAll().execute();
    const admin = { email: 'admin@example.com', password: PASSWORD };
    const { token } = (await app.call('POST', '/api/auth/login', { token: null, body: admin })).body;
    await app.call('POST', '/api/users', { token, body: { email: 'new@example.com', password: PASSWORD } });
    const { body } = await app.call('GET', '/api/users', { token });
    expect(body.users).toHaveLength(created.length + 1);
    expect(body.users[0]).toMatchObject({
      email: 'new@example.com',
      role: 'viewer',
      createdAt: '2099-01-01T00:00:00.000Z',
    });
    expect(JSON.stringify(body)).not.toContain('argon2');
  });

  it('refuse an email that is taken, whatever its case', async () => {
    const { status, body } = await app.call('POST', '/api/users', {
      body: { email: 'VIEWER@example.com', password: PASSWORD },
    });
    expect([status, body.code, body.message]).toEqual([409, 'CONFLICT', 'Email already in use']);
  });

  it('may read and name themselves, and nobody else', async () => {
    const { tokens, userIds } = app;
    const own = await app.call('PATCH', `/api/users/${userIds.viewer}`, {
      token: tokens.viewer,
      body: { name: 'Vera' },
    });
    expect([own.status, own.body.user.name]).toEqual([200, 'Vera']);
    const other = await app.call('GET', `/api/users/${userIds.admin}`, { token: tokens.viewer });
    expect([other.status, other.body.message]).toEqual([403, 'Access denied']);
    const unknown = await app.call('GET', '/api/users/nobody', { token: tokens.viewer });
    expect(unknown.status).toBe(403);
    const role = await app.call('PATCH', `/api/users/${userIds.viewer}`, {
      token: tokens.viewer,
      body: { role: 'admin' },
    });
    expect([role.status, role.body.message]).toEqual([403, 'Only admins can change user roles']);
  });

  it('answer 422 for a read-only field before anything else, and change nothing', async () => {
    const { status, body } = await app.call('PATCH', `/api/users/${app.userIds.viewer}`, {
      body: { name: 7, email: 'x@example.com', createdAt: 'now' },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'READONLY_FIELD', field: 'email', hint: expect.any(String) });
  });

  it('keep their last admin', async () => {
    const { userIds } = app;
    const own = await app.call('PATCH', `/api/users/${userIds.admin}`, { body: { role: 'viewer' } });
    expect(own.status).toBe(403);
    const deleted = await app.call('DELETE', `/api/users/${userIds.admin}`);
    expect([deleted.status, deleted.body.message]).toEqual([400, 'Cannot delete your own account']);

    await app.call('PATCH', `/api/users/${userIds.operator}`, { body: { role: 'admin' } });
    // Two admins who demote each other at the same time: one stays.
    const answers = await Promise.all([
      app.call('PATCH', `/api/users/${userIds.operator}`, { body: { role: 'viewer' } }),
      app.call('PATCH', `/api/users/${userIds.admin}`, {
        token: app.tokens.operator,
        body: { role: 'viewer' },
      }),
    ]);
    expect(answers.map((answer) => answer.status).sort()).not.toEqual([200, 200]);
    const admins = await app.services.db
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'admin')
      .execute();
    expect(admins).toHaveLength(1);
  });

  it('lose their sessions with their account', async () => {
    await app.call('DELETE', `/api/users/${app.userIds.viewer}`);
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status).toBe(401);
    expect((await app.call('DELETE', `/api/users/${app.userIds.viewer}`)).status).toBe(404);
  });

  it('change their password with the current one, and every session ends', async () => {
    const path = `/api/users/${app.userIds.viewer}/change-password`;
    const change = (body: object) => app.call('POST', path, { token: app.tokens.viewer, body });
    const missing = await change({ newPassword: 'a new password' });
    expect([missing.status, missing.body.message]).toEqual([400, 'Current password is required']);
    const wrong = await change({ newPassword: 'a new password', currentPassword: 'wrong' });
    expect([wrong.status, wrong.body.message]).toEqual([401, 'Current password is incorrect']);
    const right = await change({ newPassword: 'a new password', currentPassword: PASSWORD });
    expect(right.body).toEqual({ success: true, message: 'Password updated successfully' });
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status).toBe(401);
    const again = { email: 'viewer@example.com', password: 'a new password' };
    expect((await app.call('POST', '/api/auth/login', { token: null, body: again })).status).toBe(200);
  });

  it('can be let in again by a reset of their password', async () => {
    const { password } = await resetPassword(app.services, 'Viewer@example.com');
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status).toBe(401);
    await login(app.services, {
      email: 'viewer@example.com',
      password,
      kind: 'ui',
      from: { address: null, browser: null },
    });
    await expect(resetPassword(app.services, 'nobody@example.com')).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('count as active after a request, for a while', async () => {
    await app.call('GET', '/api/auth/me', { token: app.tokens.operator });
    const active = await app.call('GET', '/api/users/active');
    expect(active.body.activeUsers.map((user: { email: string }) => user.email).sort()).toEqual([
      'admin@example.com',
      'operator@example.com',
    ]);
    app.setNow(new Date(Date.now() + 3_600_000));
    const later = await app.call('GET', '/api/users/active');
    expect(later.body.activeUsers.map((user: { email: string }) => user.email)).toEqual([
      'admin@example.com',
    ]);
  });
});
