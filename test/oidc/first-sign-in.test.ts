import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from '../../src/channels/node/guarded-fetch.ts';
import type { Db } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { beginSignOn } from '../../src/oidc/begin.ts';
import { createOidcProvider } from '../../src/oidc/client.ts';
import type { OidcContext } from '../../src/oidc/context.ts';
import { saveOidc } from '../../src/oidc/save-settings.ts';
import { oidcInput, redirectUriOf } from '../../src/oidc/settings.ts';
import { finishSignOn } from '../../src/oidc/sign-on.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const PUBLIC_URL = 'https://backups.example.com';
const redirectUri = redirectUriOf(PUBLIC_URL);
const NOBODY = { userId: null, address: null };
const from = { address: '203.0.113.9', browser: null };

let provider: TestProvider;
beforeAll(async () => {
  provider = await startOidcProvider([redirectUri]);
});
afterAll(async () => {
  await provider.close();
  await dropStates();
});

describe.each(STATES)('people who sign in at once, on %s', (state) => {
  let db: Db;
  let context: OidcContext;

  beforeEach(async () => {
    db = await openState(state);
    const now = () => new Date();
    context = {
      ...{ db, now, vault: await createVault(new Uint8Array(32).fill(5)) },
      config: readConfig({ DATA_DIR: '/srv/x', PUBLIC_URL }),
      log: createLog('debug', () => undefined, now),
      oidc: createOidcProvider({ fetch: createGuardedFetch({ allowed: async () => ['127.0.0.1'] }), now }),
    };
    const input = { issuer: provider.issuer, ...CLIENT, adminValues: ['admins'], viewerValues: ['staff'] };
    await saveOidc(context, NOBODY, oidcInput.parse({ ...input, createsPeople: true }), redirectUri);
  });
  afterEach(() => db.destroy());

  /** What the browser brings back. */
  async function come(login: string) {
    const { url, transaction } = await beginSignOn(context, { next: '/', link: null, redirectUri });
    const back = await provider.signIn(url, login);
    return { transaction, answer: back.searchParams, from };
  }
  const say = (login: string, groups: readonly string[]) =>
    provider.people.set(login, { email: `${login}@example.com`, groups });

  it('for the first time, become one account of one person', async () => {
    say('ada', ['staff']);
    const answers = [];
    for (let tab = 0; tab < 4; tab += 1) answers.push(await come('ada'));
    const entered = await Promise.all(answers.map((answer) => finishSignOn(context, answer)));
    expect(new Set(entered.map(({ user }) => user.id)).size).toBe(1);
    expect(await db.selectFrom('users').select('email').execute()).toEqual([{ email: 'ada@example.com' }]);
    expect(await db.selectFrom('oidc_identities').selectAll().execute()).toHaveLength(1);
    expect(await db.selectFrom('sessions').selectAll().execute()).toHaveLength(4);
  });

  it('as two people with one e-mail address, are one account of the first, and no other’s', async () => {
    provider.people.set('one', { email: 'same@example.com', groups: ['staff'] });
    provider.people.set('two', { email: 'SAME@example.com', groups: ['admins'] });
    const answers = [await come('one'), await come('two')];
    const ends = await Promise.allSettled(answers.map((answer) => finishSignOn(context, answer)));
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: expect.stringMatching(/There is an account same@example\.com here already/) },
    });
    expect(await db.selectFrom('users').selectAll().execute()).toHaveLength(1);
  });

  it('as the last two admins, whom the provider gives less now, leave one', async () => {
    for (const login of ['eve', 'bob']) {
      say(login, ['admins']);
      await finishSignOn(context, await come(login));
      say(login, ['staff']);
    }
    const answers = [await come('eve'), await come('bob')];
    const entered = await Promise.all(answers.map((answer) => finishSignOn(context, answer)));
    expect(entered.map(({ user }) => user.role).sort()).toEqual(['admin', 'viewer']);
    expect(entered.map(({ keepsRole }) => keepsRole).sort()).toEqual([false, true]);
    const kept = await db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'update')
      .where('details', 'like', '%the last admin%')
      .execute();
    expect(kept.length).toBeGreaterThan(0);
    // Who is given nothing at all is let in, too, and stays an admin: nobody else could mend it.
    const [admin] = await db.selectFrom('users').selectAll().where('role', '=', 'admin').execute();
    const login = admin?.email.split('@')[0] ?? '';
    say(login, []);
    const last = await finishSignOn(context, await come(login));
    expect([last.user.id, last.user.role, last.keepsRole]).toEqual([admin?.id, 'admin', true]);
  });

  it('with one answer, are let in once', async () => {
    say('ida', ['staff']);
    const answer = await come('ida');
    await finishSignOn(context, answer);
    await expect(finishSignOn(context, answer)).rejects.toThrow(/used already/);
    expect(await db.selectFrom('sessions').selectAll().execute()).toHaveLength(1);
    // Even where the provider would answer again.
    const again = await come('ida');
    const { oidc } = context;
    const claims = await oidc.claimsOf(
      { issuer: provider.issuer, ...CLIENT, scopes: 'openid email profile' },
      again.transaction,
      again.answer,
      async () => true,
    );
    const lax = { ...context, oidc: { ...oidc, claimsOf: async () => claims } };
    const twice = await Promise.allSettled([finishSignOn(lax, again), finishSignOn(lax, again)]);
    expect(twice.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
