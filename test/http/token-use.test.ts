import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeServiceAccount, makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';

const HOUR_MS = 3_600_000;
const START = new Date('2026-11-29T12:00:00.000Z');

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
  app.setNow(START);
});
afterEach(() => app.close());

const later = (ms: number) => app.setNow(new Date(START.getTime() + ms));
const me = (token: string, from?: string) =>
  app.call('GET', '/api/auth/me', { token, headers: { 'x-request-id': 'req-1' }, ...(from && { from }) });
const noted = (action: 'use' | 'refused') =>
  app.services.db
    .selectFrom('audit_logs')
    .selectAll()
    .where('resource_type', '=', 'api_token')
    .where('action', '=', action)
    .orderBy(asWritten(app.services.db))
    .execute();

describe('the use of a token', () => {
  it('is in the audit once an hour for each address, with its prefix and the request', async () => {
    const { token, id } = await makeToken(app, { userId: app.userIds.operator });
    for (const from of ['198.51.100.1', '198.51.100.1', '2001:db8::2', '198.51.100.1']) await me(token, from);
    const rows = await noted('use');
    expect(rows.map(({ address }) => address).sort()).toEqual(['198.51.100.1', '2001:db8::2']);
    expect(rows[0]).toMatchObject({
      ...{
        resource_id: id,
        api_token_id: id,
        token_prefix: token.slice(0, 14),
        user_id: app.userIds.operator,
      },
      ...{ success: 1, request_id: 'req-1' },
    });
    expect(JSON.stringify(rows)).not.toContain(token);
    later(HOUR_MS + 1);
    await me(token, '198.51.100.1');
    expect(await noted('use')).toHaveLength(3);
  });

  it('of a service account names the account, and is bounded however many addresses there are', async () => {
    const account = await makeServiceAccount(app, 'nightly', 'viewer');
    const { token } = await makeToken(app, { serviceAccountId: account }, { role: 'viewer' });
    for (let n = 0; n < 120; n += 1) await me(token, `198.51.100.${n}`);
    const rows = await noted('use');
    expect(rows).toHaveLength(100);
    expect(rows[0]).toMatchObject({ service_account_id: account, user_id: null });
  });

  it('hides no defect of ours', async () => {
    const { token } = await makeToken(app, { userId: app.userIds.viewer }, { role: 'viewer' });
    await app.services.db.schema.alterTable('audit_logs').renameTo('away').execute();
    // A defect of ours, and no lock or full disk: it is not hidden.
    const { status, body } = await me(token);
    expect([status, body]).toEqual([
      500,
      { code: 'INTERNAL', message: 'Internal Server Error', requestId: expect.any(String) },
    ]);
    await app.services.db.schema.alterTable('away').renameTo('audit_logs').execute();
    expect((await me(token)).status).toBe(200);
  });
});

describe('a token that opens nothing', () => {
  it('is in the audit with why, twenty times an hour for each and for all unknown ones together', async () => {
    const { token: expired, id } = await makeToken(app, { userId: app.userIds.admin }, { days: 1 });
    const account = await makeServiceAccount(app, 'off', 'viewer');
    const { token: disabled } = await makeToken(app, { serviceAccountId: account }, { role: 'viewer' });
    await app.call('PATCH', `/api/admin/service-accounts/${account}`, { body: { disabled: true } });
    await me(disabled, '198.51.100.9');
    later(25 * HOUR_MS);
    const unknown = (n: number) => `bport_pat_${String(n).padStart(43, 'A')}`;
    for (let n = 0; n < 30; n += 1) {
      expect((await me(expired, '198.51.100.9')).status).toBe(401);
      expect((await me(unknown(n), '198.51.100.9')).status).toBe(401);
    }
    const rows = await noted('refused');
    const by = (resourceId: string | null) => rows.filter((row) => row.resource_id === resourceId);
    expect([by(id).length, by(null).length, rows.length]).toEqual([20, 20, 41]);
    expect(by(id)[0]).toMatchObject({
      ...{ success: 0, address: '198.51.100.9', user_id: null, request_id: 'req-1' },
      error: expect.stringMatching(/^The token expired at 2026-/),
      details: JSON.stringify({ tokenPrefix: expired.slice(0, 14) }),
    });
    expect(rows.find(({ error }) => error === 'The token’s owner is disabled, or gone')).toBeDefined();
    expect(by(null)[0]?.error).toBe('There is no such token, or it was revoked');
    expect(JSON.stringify(rows)).not.toContain(expired);
  });

  it('is noted nowhere where it is no token at all', async () => {
    for (const text of ['bport_pat_short', `bport_pat_${'A'.repeat(44)}`]) await me(text);
    expect(await noted('refused')).toEqual([]);
  });
});

describe('signing in and out', () => {
  it('is in the audit with the request that did it', async () => {
    const body = { email: 'viewer@example.com', password: 'correct horse battery' };
    const headers = { 'x-request-id': 'req-in' };
    const { body: signedIn } = await app.call('POST', '/api/auth/login', { body, headers, token: null });
    await app.call('POST', '/api/auth/login', {
      body: { ...body, password: 'wrong wrong' },
      headers,
      token: null,
    });
    await app.call('POST', '/api/auth/logout', {
      token: signedIn.token,
      headers: { 'x-request-id': 'req-out' },
    });
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .select(['action', 'user_id', 'request_id', 'address'])
      .where('action', 'like', 'sign%')
      .execute();
    const from = { address: '203.0.113.7' };
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([
        { action: 'sign_in', user_id: app.userIds.viewer, request_id: 'req-in', ...from },
        { action: 'sign_in_failed', user_id: null, request_id: 'req-in', ...from },
        { action: 'sign_out', user_id: app.userIds.viewer, request_id: 'req-out', ...from },
      ]),
    );
  });
});
