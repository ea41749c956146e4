import { sign } from 'hono/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSession } from '../../src/auth/sessions.ts';
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

  it('lasts as long as SESSION_TTL where SESSION_IDLE is not set', async () => {
    await open({});
    pass(6 * 24 * 60);
    expect(await me()).toBe(200);
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
