import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { startSession } from '../../src/auth/sessions.ts';
import { isLivePoll } from '../../src/http/ui/kit/live-polls.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

const opened: TestApp[] = [];
const open = async (env: Readonly<Record<string, string>>) => {
  const app = await openTestApp({ env });
  app.setNow(new Date());
  opened.push(app);
  return app;
};
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

const form = { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost' };
const cookieOf = async (app: TestApp, role: 'admin' | 'viewer') => {
  const user = { id: app.userIds[role], email: `${role}@example.com`, name: null, role } as const;
  const at = { lastActiveAt: null, createdAt: '', updatedAt: '' };
  return `bridgeport_session=${(await startSession(app.services, { ...user, ...at }, 'ui')).token}`;
};

describe('requests of nobody', () => {
  it('are counted by address, told what is left and when to come again', async () => {
    const app = await open({ RATE_LIMIT_MAX: '2', TRUST_PROXY: '10.0.0.0/8' });
    const me = (from: string, headers: Record<string, string> = {}) =>
      app.call('GET', '/api/auth/me', { token: null, from, headers });
    expect((await me('198.51.100.1')).headers.get('x-ratelimit-remaining')).toBe('1');
    expect((await me('198.51.100.1')).status).toBe(401);
    const over = await me('198.51.100.1');
    expect(over.status).toBe(429);
    expect(over.body).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'Rate limit exceeded. Try again in 60 seconds.',
    });
    expect(over.headers.get('retry-after')).toBe('60');
    expect((await me('198.51.100.2')).status).toBe(401);
    // A header that no trusted proxy wrote changes nothing.
    expect((await me('198.51.100.1', { 'x-forwarded-for': '198.51.100.9' })).status).toBe(429);
    // What the proxy appended counts, not what its client claimed.
    const forwarded = { 'x-forwarded-for': '1.1.1.1, 198.51.100.1' };
    expect((await me('10.1.2.3', forwarded)).status).toBe(429);
    // Without the port that some proxies append, which is another one for each connection.
    for (const entry of ['198.51.100.1:4711', '[::ffff:198.51.100.1]:4712']) {
      expect((await me('10.1.2.3', { 'x-forwarded-for': entry })).status).toBe(429);
    }
    for (const unknown of ['unknown', '_a', '_b']) {
      const { headers } = await me('10.1.2.4', { 'x-forwarded-for': unknown });
      expect(Number(headers.get('x-ratelimit-remaining'))).toBe(unknown === 'unknown' ? 1 : 0);
    }
    expect((await app.call('GET', '/health', { from: '198.51.100.1' })).status).toBe(200);
    app.setNow(new Date(Date.now() + 61_000));
    expect((await me('198.51.100.1')).status).toBe(401);
  });

  it.each([
    ['api', '/api/auth/login', 400],
    ['page', '/login', 422],
  ])('count IPv6 addresses by their first 64 bits at the door of the %s', async (_, path, status) => {
    const app = await open({ RATE_LIMIT_MAX: '2' });
    const guess = async (from: string) =>
      (await app.call('POST', path, { token: null, from, text: '', headers: path === '/login' ? form : {} }))
        .status;
    expect(await guess('2001:db8:1:2::1')).toBe(status);
    expect(await guess('2001:db8:1:2:ffff::3')).toBe(status);
    expect(await guess('2001:db8:1:2::5')).toBe(429);
    expect(await guess('2001:db8:1:3::1')).toBe(status);
    expect(await guess('::ffff:198.51.100.1')).toBe(status);
  });

  it('include those that show a token which opens nothing', async () => {
    const app = await open({ RATE_LIMIT_MAX: '4' });
    const ended = app.tokens.viewer;
    await app.call('POST', '/api/auth/logout', { token: ended });
    const forged = `${app.tokens.admin.slice(0, -4)}AAAA`;
    const statuses = [];
    for (const token of ['garbage', forged, ended, 'a.b.c', 'another', 'one-more', ended]) {
      statuses.push((await app.call('GET', '/api/auth/me', { token, isNoise: true })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429]);
    // Nobody else at that address is kept out by them.
    expect((await app.call('GET', '/api/auth/me')).status).toBe(200);
  });
});

describe('signed-in clients of the API', () => {
  it('are counted by account, wherever they come from, and leave the sign-in of others alone', async () => {
    const app = await open({ RATE_LIMIT_MAX: '3', RATE_LIMIT_USER_MAX: '20' });
    for (let request = 0; request < 20; request += 1) {
      const from = `198.51.100.${request % 2}`;
      expect((await app.call('GET', '/api/auth/me', { from })).status).toBe(200);
    }
    const over = await app.call('GET', '/api/auth/me', { from: '198.51.100.77' });
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.operator })).status).toBe(200);
    const signIn = { token: null, text: 'email=x&password=y', headers: form, from: '198.51.100.1' };
    expect((await app.call('POST', '/login', signIn)).status).toBe(422);
  });

  it('may make 1,000 requests a minute, or as many as RATE_LIMIT_MAX where that is more', async () => {
    for (const [env, limit] of [
      [{ RATE_LIMIT_MAX: '100' }, '1000'],
      [{ RATE_LIMIT_MAX: '5000' }, '5000'],
      [{ RATE_LIMIT_MAX: '5000', RATE_LIMIT_USER_MAX: '70' }, '70'],
    ] as const) {
      const { headers } = await (await open(env)).call('GET', '/api/auth/me');
      expect(headers.get('x-ratelimit-limit')).toBe(limit);
    }
  });

  it('whose sign-ins are many keep no person at the same address from the page', async () => {
    const app = await open({ RATE_LIMIT_MAX: '3' });
    const statuses = [];
    for (let client = 0; client < 5; client += 1) {
      const { status } = await app.call('POST', '/api/auth/login', { token: null, text: '{}' });
      statuses.push(status);
    }
    expect(statuses).toEqual([400, 400, 400, 429, 429]);
    const { status } = await app.call('POST', '/login', { token: null, text: '', headers: form });
    expect(status).toBe(422);
  });
});

describe('pages', () => {
  it('are limited by session, 600 a minute, without the requests that an open page makes by itself', async () => {
    const app = await open({ RATE_LIMIT_MAX: '3' });
    const [cookie, other] = [await cookieOf(app, 'viewer'), await cookieOf(app, 'admin')];
    const get = async (path: string, session: string) =>
      (await app.call('GET', path, { token: null, headers: { cookie: session } })).status;
    for (let poll = 0; poll < 10; poll += 1) expect(await get('/databases/x/runs', cookie)).toBe(404);
    for (let page = 0; page < 600; page += 1) expect(await get('/no-such-page', cookie)).toBe(404);
    expect(await get('/account', cookie)).toBe(429);
    expect(await get('/databases/x/runs', cookie)).toBe(404);
    expect(await get('/account', other)).toBe(200);
    expect((await app.call('GET', '/api/auth/me', { token: app.tokens.viewer })).status).toBe(200);
  });

  it('know every fragment that asks by itself again and again', () => {
    const views = fileURLToPath(new URL('../../views', import.meta.url));
    const polling = readdirSync(views, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.tsx'))
      .filter((name) => /'every \d+s'/.test(readFileSync(`${views}/${name}`, 'utf8')));
    expect(polling.sort()).toEqual(['capability-card.tsx', 'parts/live-region.tsx']);
    const regions = readdirSync(views, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.tsx') && name !== 'parts/live-region.tsx')
      .filter((name) => readFileSync(`${views}/${name}`, 'utf8').includes('<LiveRegion'));
    expect(regions.sort()).toEqual([
      ...['backup/backup-page.tsx', 'backup/proofs.tsx', 'database/live-runs.tsx'],
      ...['parts/under-way.tsx', 'restore/restore-run.tsx', 'running.tsx'],
    ]);
    expect(isLivePoll('GET', '/restores/c1/run')).toBe(true);
    expect(isLivePoll('GET', '/backups/c1/run')).toBe(true);
    expect(isLivePoll('GET', '/backups/c1/reading')).toBe(true);
    expect(isLivePoll('GET', '/runs/running')).toBe(true);
    expect(isLivePoll('GET', '/databases/c1/runs')).toBe(true);
    expect(isLivePoll('GET', '/drills/running')).toBe(true);
    expect(isLivePoll('GET', '/runs/c1/log/state')).toBe(true);
    expect(isLivePoll('GET', '/admin/storage/deep-test/card')).toBe(true);
    for (const path of ['/databases/c1', '/databases/c1/runs/x', '/account'])
      expect(isLivePoll('GET', path)).toBe(false);
    expect(isLivePoll('POST', '/databases/c1/runs')).toBe(false);
  });
});
