import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countFailure, pauseAfter, pauseOf } from '../../src/auth/guesses.ts';
import { login } from '../../src/auth/login.ts';
import { isPostgres } from '../../src/db/kind.ts';
import { write } from '../../src/db/write.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { openTestDatabase } from '../support/database.ts';

const PASSWORD = 'correct horse battery';
const WRONG = 'Tr0ub4dor &3 guessed';
const VIEWER = 'viewer@example.com';
const NOBODY = "nobody+odd.'name@example.com";
const HOUR_MS = 3_600_000;
/**
 * Guesses at a name are counted in one of 16,384 rows, by a hash with this key. With one of its own for each app, two of these names
 * would share a row at times.
 */
const JWT_SECRET = 's'.repeat(40);

let app: TestApp;
let at: Date;
beforeEach(async () => {
  app = await openTestApp({ env: { JWT_SECRET } });
  at = new Date();
  app.setNow(at);
});
afterEach(() => app.close());

const pass = (milliseconds: number) => {
  at = new Date(at.getTime() + milliseconds);
  app.setNow(at);
};

/** An address that nobody has used yet. */
let used = 0;
const elsewhere = () => {
  used += 1;
  return `2001:db8:${used.toString(16)}::1`;
};

const api = (email: string, password: string, from = elsewhere()) =>
  app.call('POST', '/api/auth/login', { token: null, from, body: { email, password } });

/** Signs in at the page, as a browser with these cookies. */
async function page(email: string, password: string, options: { from?: string; cookie?: string } = {}) {
  const response = await app.app.request(
    '/login',
    {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'http://localhost',
        ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      },
      body: new URLSearchParams({ email, password }),
    },
    { incoming: { socket: { remoteAddress: options.from ?? elsewhere() } } },
  );
  const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const browser = cookies.find((line) => line.startsWith('bridgeport_browser=')) ?? '';
  return { status: response.status, html: await response.text(), browser, headers: response.headers };
}

async function untilPaused(email: string): Promise<void> {
  for (let guess = 0; guess < 20; guess += 1) {
    if ((await api(email, WRONG)).status === 429) return;
  }
  throw new Error('no number of guesses is refused');
}

describe('guessing at one account', () => {
  it('is slowed over all addresses, to less than a hundred guesses in any hour', async () => {
    let answered = 0;
    const quick = { ...app.services, passwords: { ...app.services.passwords, verify: async () => false } };
    for (let seconds = 0; seconds < 3600; seconds += 3) {
      const from = { address: elsewhere(), browser: null };
      const guess = login(quick, { email: VIEWER, password: 'guess', kind: 'api', from });
      const code = await guess.catch((error: { code?: string }) => error.code);
      if (code === 'unauthorized') answered += 1;
      else expect(code).toBe('rate_limited');
      pass(3000);
    }
    expect(answered).toBeGreaterThan(20);
    expect(answered).toBeLessThanOrEqual(100);
  });

  it('gets no answer during a pause, not for the right password either, and is told when to come again', async () => {
    await untilPaused(VIEWER);
    const right = await api(VIEWER, PASSWORD);
    expect([right.status, right.body.code]).toEqual([429, 'RATE_LIMITED']);
    expect(right.body.message).toBe('Too many wrong passwords for this account. Try again in 1 second.');
    expect(right.headers.get('retry-after')).toBe('1');
    const form = await page(VIEWER.toUpperCase(), PASSWORD);
    expect([form.status, form.headers.get('retry-after'), form.browser]).toEqual([429, '1', '']);
    expect(form.html).toContain('Too many wrong passwords for this account');
    expect(form.html).toContain(`value="${VIEWER.toUpperCase()}"`);
    pass(1000);
    expect((await api(VIEWER, PASSWORD)).status).toBe(200);
  });

  it('is no quicker with many guesses at once', async () => {
    const guesses = Array.from({ length: 40 }, () => api(VIEWER, WRONG));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    // The right one among them is answered like the others that came too late.
    pass(HOUR_MS);
    const mixed = [...Array.from({ length: 12 }, () => WRONG), PASSWORD];
    const late = (await Promise.all(mixed.map((password) => api(VIEWER, password)))).map(
      ({ status }) => status,
    );
    expect(late.filter((status) => status === 401)).toHaveLength(5);
    // One after the other on SQLite. On PostgreSQL they are checked in any order: the right one may be among the first, and
    // is then answered beside the five wrong ones, as it would be in a row.
    if (!isPostgres(app.services.db)) expect(late.at(-1)).toBe(429);
  });

  it('tells by no answer whether there is such an account', async () => {
    const seen: Record<string, unknown[]> = {};
    for (const email of [VIEWER, NOBODY, 'another.nobody@example.com']) {
      const answers: unknown[] = [];
      app.setNow(at);
      for (let guess = 0; guess < 14; guess += 1) {
        app.setNow(new Date(at.getTime() + guess * 700));
        const { status, body, headers } = await api(email, WRONG);
        answers.push([status, body.code, body.message, headers.get('retry-after')]);
      }
      seen[email] = answers;
    }
    expect(seen[VIEWER]).toContainEqual(expect.arrayContaining([429]));
    expect(seen[NOBODY]).toEqual(seen[VIEWER]);
    expect(seen['another.nobody@example.com']).toEqual(seen[VIEWER]);
  });

  it('keeps a bounded number of rows, however many names are tried', async () => {
    const db = await openTestDatabase();
    await write(db, async (trx) => {
      for (let bucket = 0; bucket < 50; bucket += 1) await countFailure(trx, bucket % 7, at);
    });
    const rows = await db.selectFrom('sign_in_failures').select('failures').execute();
    expect(rows).toHaveLength(7);
    await db.destroy();
    const quick = { ...app.services, passwords: { ...app.services.passwords, verify: async () => false } };
    for (let name = 0; name < 300; name += 1) {
      const from = { address: elsewhere(), browser: null };
      await login(quick, { email: `${name}@example.com`, password: 'x', kind: 'api', from }).catch(
        () => null,
      );
    }
    const buckets = await app.services.db.selectFrom('sign_in_failures').select('bucket').execute();
    expect(buckets.length).toBeGreaterThan(250);
    expect(Math.max(...buckets.map(({ bucket }) => bucket))).toBeLessThan(16_384);
    const audited = await app.services.db.selectFrom('audit_logs').select('id').execute();
    expect(audited.length).toBeLessThan(60);
  });

  it('waits ever longer, up to three quarters of a minute, and begins anew after an hour of rest', async () => {
    const pauses = Array.from({ length: 14 }, (_, failures) => pauseAfter(failures));
    expect(pauses).toEqual([0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 45, 45, 45]);
    const { db } = app.services;
    const fail = (now: Date) => write(db, (trx) => countFailure(trx, 3, now));
    for (let failure = 0; failure < 5; failure += 1) expect(await fail(at)).toBe(0);
    expect(await fail(at)).toBe(1);
    expect(await fail(new Date(at.getTime() + 1000))).toBe(0);
    expect(await pauseOf(db, 3, new Date(at.getTime() + 1000))).toBe(2);
    // The clock was set back by a day: nobody waits for it.
    expect(await pauseOf(db, 3, new Date(at.getTime() - 86_400_000))).toBe(0);
    const rested = new Date(at.getTime() + 1000 + HOUR_MS);
    expect(await fail(rested)).toBe(0);
    expect(await pauseOf(db, 3, rested)).toBe(0);
  });
});

describe('where an account has signed in before', () => {
  it('nobody is locked out by guesses made elsewhere: neither at that address nor in that browser', async () => {
    expect((await api(VIEWER, PASSWORD, '2001:db8:aaaa:1::5')).status).toBe(200);
    const { browser } = await page(VIEWER, PASSWORD, { from: '198.51.100.20' });
    expect(browser).toMatch(/^bridgeport_browser=c[0-9a-z]{24}\./);
    await untilPaused(VIEWER);
    expect((await api(VIEWER, PASSWORD)).status).toBe(429);
    // The same /64, and the same browser on its way.
    expect((await api(VIEWER, PASSWORD, '2001:db8:aaaa:1:ffff::9')).status).toBe(200);
    expect((await api(VIEWER, PASSWORD, '2001:db8:aaaa:2::5')).status).toBe(429);
    expect((await page(VIEWER, PASSWORD, { cookie: browser })).status).toBe(303);
  });

  it('guesses are slowed too, for that place alone', async () => {
    const home = '198.51.100.30';
    await api(VIEWER, PASSWORD, home);
    const statuses = [];
    for (let guess = 0; guess < 8; guess += 1) statuses.push((await api(VIEWER, WRONG, home)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect((await api(VIEWER, PASSWORD, home)).status).toBe(429);
    expect((await api(VIEWER, PASSWORD)).status).toBe(200);
  });

  it('another account of that browser, a made-up cookie and another person’s are no such place', async () => {
    const { browser } = await page('operator@example.com', PASSWORD);
    await untilPaused(VIEWER);
    const [, id = ''] = /=(\w+)\./.exec(browser) ?? [];
    for (const cookie of [browser, `bridgeport_browser=${id}`, `bridgeport_browser=${id}.AAAA`]) {
      expect((await page(VIEWER, PASSWORD, { cookie })).status).toBe(429);
    }
  });

  it('is kept for 90 days and for the latest twenty of each kind', async () => {
    const places = () =>
      app.services.db.selectFrom('sign_in_places').select(['kind', 'place']).orderBy('last_at').execute();
    for (let visit = 0; visit < 23; visit += 1) {
      pass(1000);
      expect((await page(VIEWER, PASSWORD, { from: `198.51.100.${visit}` })).status).toBe(303);
    }
    const kept = await places();
    expect(kept.filter(({ kind }) => kind === 'browser')).toHaveLength(20);
    expect(kept.filter(({ kind }) => kind === 'address').map(({ place }) => place)).toEqual(
      Array.from({ length: 20 }, (_, visit) => `198.51.100.${visit + 3}`),
    );
    await untilPaused(VIEWER);
    expect((await api(VIEWER, PASSWORD, '198.51.100.1')).status).toBe(429);
    expect((await api(VIEWER, PASSWORD, '198.51.100.22')).status).toBe(200);
    pass(91 * 86_400_000);
    await untilPaused(VIEWER);
    expect((await api(VIEWER, PASSWORD, '198.51.100.21')).status).toBe(429);
    await app.services.db.deleteFrom('users').where('id', '=', app.userIds.viewer).execute();
    expect(await places()).toEqual([]);
  });
});

describe('sign-ins', () => {
  const audit = (action: string) =>
    app.services.db
      .selectFrom('audit_logs')
      .select(['resource_id', 'resource_name', 'user_id', 'address', 'details', 'success'])
      .where('action', '=', action)
      .orderBy(asWritten(app.services.db))
      .execute();
  const logged = (message: string) =>
    app.log.map((line) => JSON.parse(line)).filter((line) => line.message === message);

  it('are logged and audited, good ones, failures and refusals', async () => {
    const good = await api(VIEWER, PASSWORD, '198.51.100.40');
    expect(await audit('sign_in')).toEqual([
      {
        resource_id: app.userIds.viewer,
        resource_name: VIEWER,
        user_id: app.userIds.viewer,
        address: '198.51.100.40',
        details: '{"by":"api","factor":"password"}',
        success: 1,
      },
    ]);
    expect(good.status).toBe(200);
    await untilPaused(VIEWER);
    const failed = await audit('sign_in_failed');
    expect(failed).toHaveLength(5);
    expect(failed[0]).toMatchObject({ resource_id: app.userIds.viewer, user_id: null, success: 0 });
    expect(await audit('sign_in_refused')).toHaveLength(1);
    expect(logged('signed in')).toMatchObject([
      { level: 'info', email: VIEWER, by: 'api', address: '198.51.100.40' },
    ]);
    const told = { level: 'info', email: VIEWER };
    expect(logged('a sign-in failed')).toMatchObject(Array.from({ length: 5 }, () => told));
    expect(logged('a sign-in was refused for a while')).toMatchObject([told]);
  });

  it('with a name that nobody has are noted without it: people type their password there', async () => {
    await page('my-secret-passphrase', WRONG);
    expect(await audit('sign_in_failed')).toMatchObject([{ resource_id: null, resource_name: null }]);
    expect(app.log.join('\n')).not.toContain('my-secret-passphrase');
  });

  it('fill the audit up to a bound each hour', async () => {
    const quick = { ...app.services, passwords: { ...app.services.passwords, verify: async () => false } };
    for (let guess = 0; guess < 400; guess += 1) {
      const email = guess % 2 === 0 ? VIEWER : `${guess}@example.com`;
      const from = { address: elsewhere(), browser: null };
      await login(quick, { email, password: 'x', kind: 'ui', from }).catch(() => null);
      pass(2000);
    }
    expect((await audit('sign_in_failed')).length).toBeLessThanOrEqual(40);
    expect((await audit('sign_in_refused')).length).toBeLessThanOrEqual(10);
    pass(HOUR_MS);
    await api(VIEWER, WRONG);
    expect((await audit('sign_in_failed')).length).toBeGreaterThan(20);
  });
});
