import { sign } from 'hono/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endExpiredSessions, startSession } from '../../src/auth/sessions.ts';
import { getUser } from '../../src/auth/users.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

const SECRET = 'a secret of the test, long enough';

describe('a bearer token', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await openTestApp({ env: { JWT_SECRET: SECRET } });
  });
  afterEach(() => app.close());

  /** The viewer's own token with other claims, signed as ours. */
  const withClaims = async (change: object) => {
    const [, claims = ''] = app.tokens.viewer.split('.');
    const own = JSON.parse(Buffer.from(claims, 'base64url').toString());
    return sign({ ...own, ...change }, SECRET, 'HS256');
  };
  const status = async (token: string) => (await app.call('GET', '/api/auth/me', { token })).status;

  it.each([
    ['another user', () => ({ id: app.userIds.admin })],
    ['no user', () => ({ id: undefined })],
    ['a time that is over', () => ({ exp: Math.floor(Date.now() / 1000) - 1 })],
    ['no time', () => ({ exp: undefined })],
    ['a time that is text', () => ({ exp: '9999999999' })],
    ['another session', () => ({ sid: 'cxxxxxxxxxxxxxxxxxxxxxxxx' })],
  ])('that names %s opens nothing, whatever its session says', async (_, change) => {
    expect(await status(await withClaims({}))).toBe(200);
    expect(await status(await withClaims(change()))).toBe(401);
  });
});

describe('a session that nobody uses', () => {
  let app: TestApp;
  let at = new Date();
  const open = async (env: Readonly<Record<string, string>>) => {
    app = await openTestApp({ env });
    at = new Date();
    app.setNow(at);
  };
  const pass = (minutes: number) => {
    at = new Date(at.getTime() + minutes * 60_000);
    app.setNow(at);
  };
  afterEach(() => app.close());

  const me = async () => (await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status;
  const browser = async () => {
    const viewer = await getUser(app.services.db, app.userIds.viewer);
    const { token } = await startSession(app.services, viewer, 'ui');
    return async (path = '/account') =>
      (await app.call('GET', path, { token: null, headers: { cookie: `bridgeport_session=${token}` } }))
        .status;
  };

  it('ends after SESSION_IDLE, of the API and of the pages, and stays ended', async () => {
    await open({ SESSION_IDLE: '30m' });
    const page = await browser();
    for (let visit = 0; visit < 4; visit += 1) {
      pass(20);
      expect([await me(), await page()]).toEqual([200, 200]);
    }
    pass(31);
    expect([await me(), await page()]).toEqual([401, 303]);
    app.setNow(new Date(at.getTime() - 20 * 60_000));
    expect([await me(), await page()]).toEqual([401, 303]);
  });

  it('is not kept alive by an open page that asks by itself', async () => {
    await open({ SESSION_IDLE: '30m' });
    const page = await browser();
    expect(await page()).toBe(200);
    pass(20);
    expect(await page('/databases/x/runs')).toBe(404);
    pass(20);
    expect(await page('/databases/x/runs')).toBe(303);
  });

  it('ends in time where it was used while the clock was a week ahead, by an open page too', async () => {
    await open({ SESSION_IDLE: '30m', SESSION_TTL: '30d' });
    const week = 7 * 24 * 60;
    pass(week);
    const [page, other] = [await browser(), await browser()];
    expect([await page(), await other()]).toEqual([200, 200]);
    pass(-week);
    expect([await page(), await other('/databases/x/runs')]).toEqual([200, 404]);
    pass(20);
    expect([await page(), await other('/databases/x/runs')]).toEqual([200, 404]);
    pass(20);
    expect([await page(), await other('/databases/x/runs')]).toEqual([200, 303]);
    pass(31);
    expect(await page()).toBe(303);
  });

  it('lasts as long as SESSION_TTL where SESSION_IDLE is not set', async () => {
    await open({});
    pass(6 * 24 * 60);
    expect(await me()).toBe(200);
  });

  it('lasts no longer than SESSION_TTL where it was begun while the clock was a year ahead', async () => {
    await open({});
    const [day, year] = [24 * 60, 365 * 24 * 60];
    const usual = await browser();
    pass(year);
    const ahead = await browser();
    pass(-year);
    await endExpiredSessions(app.services);
    expect([await usual(), await ahead()]).toEqual([200, 200]);
    pass(6.9 * day);
    expect([await usual(), await ahead()]).toEqual([200, 200]);
    pass(0.2 * day);
    expect([await usual(), await ahead()]).toEqual([303, 303]);
    await endExpiredSessions(app.services);
    pass(year - 7 * day);
    expect(await ahead()).toBe(303);
  });

  it('is written down once a minute, not with each request', async () => {
    await open({ SESSION_IDLE: '30m' });
    const used = async () => {
      const rows = await app.services.db
        .selectFrom('sessions')
        .select('last_used_at')
        .where('user_id', '=', app.userIds.viewer)
        .execute();
      return rows.map((row) => row.last_used_at);
    };
    await me();
    const first = await used();
    pass(0.9);
    await me();
    expect(await used()).toEqual(first);
    pass(0.2);
    await me();
    expect(await used()).toEqual([at.toISOString()]);
  });
});

describe('the sessions of a user', () => {
  let app: TestApp;
  const start = new Date();
  beforeEach(async () => {
    app = await openTestApp({ env: { SESSION_IDLE: '1h' } });
  });
  afterEach(() => app.close());

  const path = () => `/api/users/${app.userIds.viewer}/sessions`;
  const list = async (token = app.tokens.viewer) => (await app.call('GET', path(), { token })).body;
  const begin = async (kind: 'api' | 'ui') =>
    startSession(app.services, await getUser(app.services.db, app.userIds.viewer), kind);
  const pass = (minutes: number) => app.setNow(new Date(start.getTime() + minutes * 60_000));
  const me = async (token: string) => (await app.call('GET', '/api/auth/me', { token })).status;

  it('are listed as they are, those used last first, without those that nobody used for too long', async () => {
    pass(40);
    expect(await me(app.tokens.viewer)).toBe(200);
    await begin('ui');
    pass(90);
    const { token } = await begin('api');
    expect(await me(token)).toBe(200);
    const { sessions, total } = await list(token);
    expect(total).toBe(sessions.length);
    const shape = {
      ...{ id: expect.any(String), createdAt: expect.any(String), expiresAt: expect.any(String) },
      ...{ address: null, agent: null },
    };
    const used = expect.stringMatching(/Z$/);
    expect(sessions.slice(0, 1)).toEqual([{ ...shape, kind: 'api', lastUsedAt: used, isCurrent: true }]);
    expect(sessions.slice(1)).toHaveLength(2);
    expect(sessions.slice(1)).toEqual(
      expect.arrayContaining([
        { ...shape, kind: 'ui', lastUsedAt: null, isCurrent: false },
        { ...shape, kind: 'api', lastUsedAt: used, isCurrent: false },
      ]),
    );
    pass(100);
    expect((await list(token)).sessions).toMatchObject([{ kind: 'api', isCurrent: true }]);
  });

  it('tell where they were begun, and by what, as far as that is known', async () => {
    const from = { address: '203.0.113.7', browser: null };
    const viewer = await getUser(app.services.db, app.userIds.viewer);
    const agents = ['Größe "🐘" <b>/1.0 ', `curl/8.5.0 ${'x'.repeat(5000)}`, '  ', null];
    for (const agent of agents) await startSession(app.services, viewer, 'ui', { from: { ...from, agent } });
    const listed: readonly { agent: string | null; address: string | null }[] = (await list()).sessions;
    const begun = listed.filter(({ address }) => address === '203.0.113.7').map(({ agent }) => agent);
    expect(begun).toHaveLength(agents.length);
    expect(begun.filter((agent) => agent === null)).toHaveLength(2);
    expect(begun).toContain('Größe "🐘" <b>/1.0');
    expect(begun.map((agent) => agent?.length)).toContain(200);
    const login = { email: 'pipeline@example.com', password: 'correct horse battery staple' };
    const { body: made } = await app.call('POST', '/api/users', { body: { ...login, role: 'viewer' } });
    const headers = { 'user-agent': 'backup-script/2' };
    expect((await app.call('POST', '/api/auth/login', { body: login, headers })).status).toBe(200);
    const { body } = await app.call('GET', `/api/users/${made.user.id}/sessions`);
    expect(body.sessions).toMatchObject([{ agent: 'backup-script/2', kind: 'api' }]);
  });

  it('are ended one by one, in the audit, by their own user or an admin and by nobody else', async () => {
    const { token } = await begin('api');
    const other = (await list()).sessions.find(({ isCurrent }: { isCurrent: boolean }) => !isCurrent);
    const end = (of: string, id: string, by: string) =>
      app.call('DELETE', `/api/users/${of}/sessions/${id}`, { token: by });
    const { viewer, operator } = app.userIds;
    expect((await end(viewer, other.id, app.tokens.operator)).status).toBe(403);
    expect((await app.call('GET', path(), { token: app.tokens.operator })).status).toBe(403);
    // Under another name it is not there, for its own user and for an admin.
    expect((await end(operator, other.id, app.tokens.operator)).status).toBe(404);
    expect((await end(operator, other.id, app.tokens.admin)).status).toBe(404);
    expect(await me(token)).toBe(200);
    expect((await end(viewer, other.id, app.tokens.admin)).status).toBe(200);
    expect([await me(token), await me(app.tokens.viewer)]).toEqual([401, 200]);
    expect((await end(viewer, other.id, app.tokens.viewer)).status).toBe(404);
    expect((await end(viewer, '%3Cscript%3E%F0%9F%97%9D', app.tokens.viewer)).status).toBe(404);
    expect((await app.call('GET', '/api/users/nobody/sessions')).status).toBe(404);
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .select(['user_id', 'resource_id', 'details'])
      .where('action', '=', 'sign_out')
      .execute();
    expect(rows).toEqual([
      { user_id: app.userIds.admin, resource_id: viewer, details: expect.stringContaining('"by":"api"') },
    ]);
    expect(rows[0]?.details).not.toContain(other.id);
  });

  it('are ended once where two end the same at once', async () => {
    await begin('ui');
    const ui = (await list()).sessions.find(({ kind }: { kind: string }) => kind === 'ui');
    const ended = await Promise.all(
      [1, 2].map(() => app.call('DELETE', `${path()}/${ui.id}`, { token: app.tokens.viewer })),
    );
    expect(ended.map(({ status }) => status).sort()).toEqual([200, 404]);
  });

  it('are listed a hundred at most, and all counted', async () => {
    const at = new Date().toISOString();
    const rows = Array.from({ length: 150 }, (_, n) => ({
      ...{ id: `s${n}`, user_id: app.userIds.viewer, kind: 'api' as const, created_at: at },
      expires_at: '2999-01-01T00:00:00.000Z',
    }));
    await app.services.db.insertInto('sessions').values(rows).execute();
    const { sessions, total } = await list();
    expect([sessions.length, total]).toEqual([100, 151]);
  });
});
