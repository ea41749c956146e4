import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPostgres } from '../../src/db/kind.ts';
import { makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { codeOf, setUpFactor } from '../support/second-factor.ts';
import { until } from '../support/until.ts';

const PASSWORD = 'correct horse battery';
const EMAIL = 'viewer@example.com';
const STEP_MS = 30_000;

let app: TestApp;
let at: Date;
beforeEach(async () => {
  app = await openTestApp();
  // The middle of a half minute.
  at = new Date(Math.ceil(Date.now() / STEP_MS) * STEP_MS + STEP_MS / 2);
  app.setNow(at);
});
afterEach(() => app.close());

const pass = (milliseconds: number) => {
  at = new Date(at.getTime() + milliseconds);
  app.setNow(at);
};

async function setUp() {
  const factor = await setUpFactor(app, 'viewer', PASSWORD);
  pass(STEP_MS);
  return factor;
}

/** Sends a form of the sign-in pages, from an address that nobody has signed in from. */
async function post(path: string, fields: Record<string, string>, cookie = '') {
  const response = await app.app.request(
    path,
    {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'http://localhost',
        ...(cookie === '' ? {} : { cookie }),
      },
      body: new URLSearchParams(fields),
    },
    { incoming: { socket: { remoteAddress: '2001:db8:77::1' } } },
  );
  const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const halfway = cookies.find((line) => line.startsWith('bridgeport_halfway='));
  return { status: response.status, html: await response.text(), halfway: halfway ?? '' };
}

const showPassword = () => post('/login', { email: EMAIL, password: PASSWORD });

/** Wrong ones at that time, each another. */
function wrongCodes(secret: string, count: number): readonly string[] {
  const good = [-2, -1, 0, 1, 2].map((steps) => codeOf(secret, new Date(at.getTime() + steps * STEP_MS)));
  const codes = Array.from({ length: count + good.length }, (_, n) => String(n * 7919).padStart(6, '0'));
  return codes.filter((code) => !good.includes(code)).slice(0, count);
}

/** On PostgreSQL several get as far as to be counted before one of them is. */
async function atOnce<Answer>(codes: readonly string[], guess: (code: string) => Promise<Answer>) {
  const { db } = app.services;
  if (!isPostgres(db)) return Promise.all(codes.map(guess));
  const answers = await db.transaction().execute(async (trx) => {
    await trx.selectFrom('sign_in_failures').select('bucket').forUpdate().execute();
    const pending = Promise.all(codes.map(guess));
    await until('codes that wait to be counted', 10_000, async () => {
      const waiting = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        trx,
      );
      return waiting.rows.length > 4;
    });
    return { pending };
  });
  return answers.pending;
}

describe('codes shown at once at the page', () => {
  it('are looked at as few as in a row: the right one among those that come too late gets no answer', async () => {
    const { secret } = await setUp();
    const { halfway } = await showPassword();
    const guess = (code: string) => post('/login/code', { code }, halfway);
    const [last = '', ...codes] = wrongCodes(secret, 25);
    for (const code of codes.slice(0, 4)) expect((await guess(code)).status).toBe(422);
    // Of these one is looked at, before any that comes as late as the right one has got as far.
    const right = codeOf(secret, at);
    const burst = [...codes.slice(4, 20), right, ...codes.slice(20), last];
    const answers = await atOnce(burst, guess);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 429)).toEqual([422]);
    expect(answers[16]?.html).toContain('Too many wrong codes');
    // Used up by nobody, it is good when the pause is over; and what was counted for it is given back.
    pass(1000);
    const late = await guess(right);
    expect(late.status).toBe(303);
    const rows = await app.services.db.selectFrom('sign_in_failures').select('failures').execute();
    expect(rows).toEqual([{ failures: 5 }]);
  });
});

describe('a right password without a code', () => {
  const audited = async () => {
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .select(['action', 'resource_id', 'user_id', 'address', 'details', 'success'])
      .where('action', 'like', 'sign_in%')
      .orderBy(asWritten(app.services.db))
      .execute();
    return rows.map((row) => ({ ...row, details: JSON.parse(row.details ?? 'null') }));
  };

  it('is in the audit and the log, and is no failure where the code follows', async () => {
    const { secret } = await setUp();
    const { halfway } = await showPassword();
    const rows = await audited();
    expect(rows).toEqual([
      {
        ...{ action: 'sign_in_halfway', resource_id: app.userIds.viewer, user_id: null, success: 1 },
        ...{ address: '2001:db8:77::1', details: { by: 'page', factor: 'password' } },
      },
    ]);
    expect(app.log.join('\n')).toContain('the password was right, and a code is asked for');
    expect((await post('/login/code', { code: codeOf(secret, at) }, halfway)).status).toBe(303);
    expect((await audited()).map(({ action }) => action).sort()).toEqual(['sign_in', 'sign_in_halfway']);
  });

  it('fills the audit up to a bound each hour, and hides no sign-in', async () => {
    const { secret } = await setUp();
    let { halfway } = await showPassword();
    for (let n = 0; n < 24; n += 1) ({ halfway } = await showPassword());
    expect(await audited()).toHaveLength(20);
    await post('/login/code', { code: codeOf(secret, at) }, halfway);
    expect((await audited()).filter(({ action }) => action === 'sign_in')).toHaveLength(1);
    pass(3_600_001);
    await showPassword();
    expect(await audited()).toHaveLength(22);
  });
});

describe('what was begun', () => {
  const own = () => ({ token: app.tokens.viewer });
  const path = () => `/api/users/${app.userIds.viewer}/second-factor`;
  const begin = async (): Promise<string> =>
    (await app.call('POST', path(), { ...own(), body: { currentPassword: PASSWORD } })).body.secret;
  const confirm = (code: string) => app.call('POST', `${path()}/confirm`, { ...own(), body: { code } });

  it('is guessed at as slowly as what is active, by codes of any time, and confirmed when the pause is over', async () => {
    const secret = await begin();
    const statuses = [];
    for (const code of wrongCodes(secret, 6)) statuses.push((await confirm(code)).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
    const inPause = await confirm(codeOf(secret, at));
    expect([inPause.status, inPause.body.message]).toEqual([429, expect.stringContaining('wrong codes')]);
    // Nor by beginning anew.
    expect((await confirm(codeOf(await begin(), at))).status).toBe(429);
    const anew = await begin();
    pass(1000);
    expect((await confirm(codeOf(anew, at))).status).toBe(200);
  });

  it('counts for a quarter of an hour', async () => {
    const secret = await begin();
    pass(15 * 60_000);
    const late = await confirm(codeOf(secret, at));
    expect([late.status, late.body.message]).toEqual([409, expect.stringContaining('Begin again')]);
    const again = await begin();
    pass(15 * 60_000 - 1);
    expect((await confirm(codeOf(again, at))).status).toBe(200);
  });

  it('is a person’s: no token begins, confirms, renews or removes it', async () => {
    const secret = await begin();
    const { token } = await makeToken(app, { userId: app.userIds.viewer }, { role: 'viewer' });
    const { token: admins } = await makeToken(app, { userId: app.userIds.admin }, { role: 'admin' });
    const body = { currentPassword: PASSWORD, code: codeOf(secret, at) };
    for (const step of ['', '/confirm', '/recovery-codes', '/remove']) {
      for (const by of [token, admins]) {
        const refused = await app.call('POST', `${path()}${step}`, { token: by, body });
        expect([step, refused.status, refused.body.message]).toEqual([
          ...[step, 403],
          expect.stringContaining('API token changes no second factor'),
        ]);
      }
    }
    expect((await confirm(codeOf(secret, at))).status).toBe(200);
  });
});
