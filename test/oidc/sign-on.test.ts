import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../src/db/write.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { HERE, ORIGIN, openPages, PASSWORD, type Pages, type Visitor } from '../http/ui/pages.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';

const PAGE = '/admin/system/single-sign-on';
let pages: Pages;
let provider: TestProvider;
let admin: Visitor;

beforeAll(async () => {
  provider = await startOidcProvider([`${ORIGIN}/login/oidc/callback`]);
  pages = await openPages({ PUBLIC_URL: ORIGIN });
  admin = await pages.signedIn('admin');
  await set({ privateHosts: '127.0.0.1' });
  await save();
});
afterAll(async () => {
  await pages.close();
  await provider.close();
});

const set = (change: Parameters<typeof saveSettings>[1]) =>
  write(pages.services.db, (trx) => saveSettings(trx, change, new Date()));

async function save(change: Readonly<Record<string, string>> = {}) {
  const form = {
    ...{ issuer: provider.issuer, ...CLIENT, scopes: 'openid email profile', name: 'Test <b>&amp;' },
    ...{ roleClaim: 'groups', adminValues: 'admins', operatorValues: 'ops\r\n\r\n cn=ops,dc=x ' },
    ...{ viewerValues: 'staff', others: 'refused', createsPeople: 'true', ...change },
  };
  const answer = await admin.post(PAGE, form, HERE);
  expect([answer.status, fieldErrors(answer.html)]).toEqual([303, []]);
}

const fieldErrors = (html: string) =>
  [...html.matchAll(/field-error">([^<]*)</g)].map(([, text]) => text ?? '');
const noticeOf = (html: string) => /notice-(?:error|warning)"[^>]*>([^<]*)</.exec(html)?.[1] ?? null;
const roleOf = async (visitor: Visitor) =>
  /Signed in as <strong>([^<]+)<\/strong>, role (\w+)/.exec((await visitor.get('/account')).html)?.slice(1) ??
  null;

/** Somebody of the provider, with an e-mail address of their own. */
function person(groups: unknown, more: Readonly<Record<string, unknown>> = {}): string {
  const login = `p-${crypto.randomUUID()}`;
  const claims = { email: `${login}@example.com`, email_verified: true, name: 'Ada Müller 🗝', groups };
  provider.people.set(login, { ...claims, ...more });
  return login;
}

/** Signs in by the provider: gives what the callback answered. */
async function signOn(visitor: Visitor, login: string, next = '/login/oidc') {
  const begun = await visitor.get(next);
  expect(begun.status).toBe(303);
  const back = await provider.signIn(begun.location ?? '', login);
  return visitor.get(back.pathname + back.search);
}

/** What is said to whom the provider signed in, and nobody let in. */
async function refusedBy(visitor: Visitor, login: string): Promise<string | null> {
  const answer = await signOn(visitor, login);
  expect([answer.status, answer.location, await roleOf(visitor)]).toEqual([303, '/login', null]);
  return noticeOf((await visitor.get('/login')).html);
}

const idOf = async (email: string) =>
  (
    await pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow()
  ).id;

const auditOf = (action: string, kind: string) =>
  pages.services.db
    .selectFrom('audit_logs')
    .selectAll()
    .where('action', '=', action)
    .where('resource_type', '=', kind)
    .orderBy('created_at')
    .orderBy('id')
    .execute();

describe('signing in by a provider', () => {
  it('makes an account with the role of its group, leads where one wanted to go, and leaves no code anywhere', async () => {
    const visitor = pages.visitor();
    const login = person(['staff', 'cn=ops,dc=x']);
    const { html } = await visitor.get('/login?next=/servers%3Fx%3D1');
    const href = /<a class="button outline" href="([^"]+)">\s*Sign in with Test &lt;b&gt;&amp;amp;/.exec(
      html,
    )?.[1];
    expect(href).toBe(`${ORIGIN}/login/oidc?next=%2Fservers%3Fx%3D1`);
    const begun = await visitor.get('/login/oidc?next=%2Fservers%3Fx%3D1');
    const asked = new URL(begun.location ?? '').searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      ...{ response_type: 'code', client_id: CLIENT.clientId, code_challenge_method: 'S256' },
      ...{ redirect_uri: `${ORIGIN}/login/oidc/callback`, scope: 'openid email profile' },
    });
    const back = await provider.signIn(begun.location ?? '', login);
    const entered = await visitor.get(back.pathname + back.search);
    expect([entered.status, entered.location]).toEqual([303, '/servers?x=1']);
    expect(entered.headers.get('referrer-policy')).toBe('no-referrer');
    expect(entered.headers.get('cache-control')).toBe('no-store');
    expect(await roleOf(visitor)).toEqual([`${login}@example.com`, 'operator']);
    const account = (await visitor.get('/account')).html;
    expect(account).toContain('This account has no password here');
    expect(account).not.toContain('name="currentPassword"');

    const entry = (await auditOf('sign_in', 'user')).at(-1);
    expect(JSON.parse(entry?.details ?? '{}')).toEqual({ by: 'page', factor: 'single sign-on' });
    const secrets = ['code', 'state'].map((name) => back.searchParams.get(name) ?? '');
    const everything = [
      ...pages.log,
      account,
      JSON.stringify(await pages.services.db.selectFrom('audit_logs').selectAll().execute()),
    ];
    for (const secret of [...secrets, asked.get('nonce') ?? '', CLIENT.clientSecret]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(everything.filter((text) => text.includes(secret))).toEqual([]);
    }
    const row = await pages.services.db.selectFrom('oidc_settings').selectAll().executeTakeFirstOrThrow();
    expect(row.client_secret).toMatch(/^v1\./);
  });

  it('knows people by the provider’s own name for them, whatever their e-mail address, and follows their groups', async () => {
    const [first, again] = [pages.visitor(), pages.visitor()];
    const login = person(['staff']);
    await signOn(first, login);
    const email = `${login}@example.com`;
    expect(await roleOf(first)).toEqual([email, 'viewer']);
    provider.people.set(login, { email: 'married@example.com', email_verified: true, groups: ['admins'] });
    await signOn(again, login);
    expect(await roleOf(again)).toEqual([email, 'admin']);
    // At once, for the session that was there, too.
    expect(await roleOf(first)).toEqual([email, 'admin']);
    expect((await again.get('/account')).html).toContain('married@example.com');
    const changes = await auditOf('update', 'user');
    expect(JSON.parse(changes.at(-1)?.details ?? '{}')).toEqual({
      ...{ role: 'admin', by: 'single sign-on', given: 'admin' },
    });
  });

  it('ends the sessions of whom the provider gives nothing any more, and leaves their tokens the least', async () => {
    const [first, again] = [pages.visitor(), pages.visitor()];
    const login = person(['admins']);
    await signOn(first, login);
    expect((await roleOf(first))?.[1]).toBe('admin');
    provider.people.set(login, { ...provider.people.get(login), groups: ['former staff'] });
    expect(await refusedBy(again, login)).toMatch(/gives you no role here/);
    expect(await roleOf(first)).toBe(null);
    const user = await pages.services.db
      .selectFrom('users')
      .selectAll()
      .where('email', '=', `${login}@example.com`)
      .executeTakeFirst();
    expect(user?.role).toBe('viewer');
    const [entry] = (await auditOf('sign_in_failed', 'user')).slice(-1);
    expect([entry?.resource_id, entry?.error]).toEqual([user?.id, expect.stringMatching(/no role here/)]);
  });

  it('keeps the last admin who can sign in, lets them in, and says so on the page and in the log', async () => {
    const visitor = pages.visitor();
    const login = person(['admins']);
    await signOn(visitor, login);
    const mine = await idOf(`${login}@example.com`);
    const { db } = pages.services;
    const admins = db.selectFrom('users').select('id').where('role', '=', 'admin').where('id', '!=', mine);
    const others = (await admins.execute()).map(({ id }) => id);
    await db.updateTable('users').set({ role: 'viewer' }).where('id', 'in', others).execute();
    try {
      provider.people.set(login, { ...provider.people.get(login), groups: [] });
      const again = pages.visitor();
      expect((await signOn(again, login)).location).toBe('/');
      expect(noticeOf((await again.get('/account')).html)).toMatch(
        /you are the last admin here who can sign in/,
      );
      expect((await roleOf(visitor))?.[1]).toBe('admin');
      expect(
        pages.log.filter((line) => /"level":"warn".*last admin who can sign in/.test(line)),
      ).toHaveLength(1);
    } finally {
      await db.updateTable('users').set({ role: 'admin' }).where('id', 'in', others).execute();
      await db.updateTable('users').set({ role: 'viewer' }).where('id', '=', mine).execute();
    }
  });

  it('lets two tabs sign in at once, and answers each once', async () => {
    const visitor = pages.visitor();
    const login = person(['staff']);
    const tabs = [
      await visitor.get('/login/oidc?next=/servers'),
      await visitor.get('/login/oidc?next=/runs'),
    ];
    const backs = [];
    for (const { location } of tabs) backs.push(await provider.signIn(location ?? '', login));
    const kept = visitor.cookie();
    for (const [index, back] of [...backs.entries()].reverse()) {
      const entered = await visitor.get(back.pathname + back.search);
      expect(entered.location).toBe(['/servers', '/runs'][index]);
    }
    const [back] = backs;
    // Once more, with the cookies as they were: the code is used up, and so is what was begun.
    const replayed = await pages.visitor().get(`${back?.pathname}${back?.search}`, { cookie: kept });
    expect(replayed.location).toBe('/login');
    expect(replayed.headers.getSetCookie().join()).not.toContain('bridgeport_session');
  });

  it('takes no answer to a sign-in of another browser, and shows nothing that an address says', async () => {
    const [mine, theirs] = [pages.visitor(), pages.visitor()];
    const begun = await mine.get('/login/oidc');
    const back = await provider.signIn(begun.location ?? '', person(['admins']));
    const failed = (await auditOf('sign_in_failed', 'user')).length;
    for (const query of [
      back.search,
      '',
      '?state=x&code=y',
      `?error=x&error_description=Call+555&state=${back.searchParams.get('state')}`,
    ]) {
      const answer = await theirs.get(`/login/oidc/callback${query}`);
      expect([answer.status, answer.location, await roleOf(theirs)]).toEqual([303, '/login', null]);
      const said = noticeOf((await theirs.get('/login')).html);
      expect(said).toMatch(/belongs to no sign-in that this browser has begun/);
    }
    expect((await auditOf('sign_in_failed', 'user')).length).toBe(failed + 4);
    // It was not used up by that.
    expect((await mine.get(back.pathname + back.search)).location).toBe('/');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/%0d%0ax', 'javascript:alert(1)'])(
    'leads to no other place: %s',
    async (next) => {
      const visitor = pages.visitor();
      const entered = await signOn(
        visitor,
        person(['staff']),
        `/login/oidc?next=${encodeURIComponent(next)}`,
      );
      expect(entered.location).toBe(next.startsWith('/%') ? next : '/');
    },
  );

  it('says what the provider says, as text, where it or the person turned it down', async () => {
    const visitor = pages.visitor();
    const begun = await visitor.get('/login/oidc');
    const back = await provider.signIn(begun.location ?? '', 'nobody', { isDenied: true });
    back.searchParams.set('error_description', `<script>alert(1)</script>\n${'x'.repeat(900)}`);
    const answer = await visitor.get(back.pathname + back.search);
    expect(answer.location).toBe('/login');
    const { html } = await visitor.get('/login');
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('answered “access_denied”: &lt;script&gt;alert(1)&lt;/script&gt; xxx');
    expect(html).toContain('The sign-in was turned down there');
    // It is said once.
    expect(noticeOf((await visitor.get('/login')).html)).toBe(null);
  });

  it('asks for no second factor of ours, which the setting requires of those with a password', async () => {
    await set({ secondFactorRequired: true });
    try {
      const [visitor, local] = [pages.visitor(), await pages.signedIn('viewer')];
      await signOn(visitor, person(['staff']));
      expect((await visitor.get('/servers')).status).toBe(200);
      expect((await local.get('/servers')).location).toBe('/account/second-factor');
    } finally {
      await set({ secondFactorRequired: false });
    }
  });
});

describe('people who have no account', () => {
  it('are told what to do where one has their e-mail address: it is never theirs by that', async () => {
    const victim = await pages.signedIn('admin');
    const email = (await roleOf(victim))?.[0] ?? '';
    const said = await refusedBy(pages.visitor(), person(['admins'], { email: email.toUpperCase() }));
    expect(said).toContain(`There is an account ${email} here already, and it is not linked`);
    const user = await pages.services.db.selectFrom('users').selectAll().where('email', '=', email).execute();
    expect(user).toHaveLength(1);
  });

  it.each([
    [{ email: undefined }, /tells no e-mail address/],
    [{ email: 'no address' }, /tells “no address” as your e-mail address, which is none/],
    [{ groups: ['Admins', 'other'] }, /gives you no role here/],
    [{ groups: undefined }, /gives you no role here/],
  ])('are refused with %j', async (claims, sentence) => {
    const before = await pages.services.db.selectFrom('users').select('id').execute();
    expect(await refusedBy(pages.visitor(), person(['staff'], claims))).toMatch(sentence);
    expect(await pages.services.db.selectFrom('users').select('id').execute()).toEqual(before);
  });

  it('are refused where an admin makes the accounts, and let in as viewers where all others are', async () => {
    await save({ createsPeople: '' });
    expect(await refusedBy(pages.visitor(), person(['admins']))).toMatch(/no account of yours here/);
    await save({ others: 'viewer' });
    const visitor = pages.visitor();
    await signOn(visitor, person(['other']));
    expect((await roleOf(visitor))?.[1]).toBe('viewer');
    await save();
  });

  it('have no password that anybody could guess, change or ask a second factor with', async () => {
    const visitor = pages.visitor();
    const login = person(['staff']);
    await signOn(visitor, login);
    const email = `${login}@example.com`;
    for (const password of ['', ' ', 'null', PASSWORD]) {
      const answer = await pages.visitor().post('/login', { email, password }, HERE);
      expect(answer.status).toBe(422);
    }
    const newPassword = 'a-long-password-of-mine-7';
    const form = { currentPassword: 'anything at all', newPassword };
    const changed = await visitor.post('/account/password', form, HERE);
    expect([changed.status, noticeOf(changed.html)]).toEqual([422, expect.stringMatching(/has no password/)]);
    const factor = await visitor.post('/account/second-factor', { currentPassword: 'anything' }, HERE);
    expect([factor.status, noticeOf(factor.html)]).toEqual([422, expect.stringMatching(/has no password/)]);
    // An admin gives one, and both ways lead in.
    const user = await pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    expect((await admin.get(`/admin/users/${user.id}`)).html).toContain('signs in by single sign-on alone');
    await admin.post(`/admin/users/${user.id}/password`, { newPassword }, HERE);
    expect(await roleOf(visitor)).toBe(null);
    const local = await pages.visitor().post('/login', { email, password: newPassword }, HERE);
    expect(local.status).toBe(303);
    await signOn(visitor, login);
    expect((await roleOf(visitor))?.[0]).toBe(email);
  });
});

describe('an account that there is', () => {
  /** Begins a link: gives where the page leads to. */
  async function begin(visitor: Visitor, ownPassword = PASSWORD) {
    const answer = await visitor.post('/account/single-sign-on/link', { ownPassword }, HERE);
    const href = /<a class="button" href="([^"]+)">/.exec(answer.html)?.[1] ?? '';
    return { answer, url: href.replaceAll('&amp;', '&') };
  }
  async function link(visitor: Visitor, login: string) {
    const { url } = await begin(visitor);
    const back = await provider.signIn(url, login);
    const answer = await visitor.get(back.pathname + back.search);
    expect(answer.location).toBe('/account');
    return noticeOf((await visitor.get('/account')).html);
  }

  it('is linked by its owner, with the password, and unlinked; sessions that began by it end', async () => {
    const local = await pages.signedIn('viewer');
    const email = (await roleOf(local))?.[0] ?? '';
    const login = person(['ops'], { email });
    const wrong = await begin(local, 'Tr0ub4dor &3');
    expect([wrong.answer.status, wrong.url]).toEqual([422, '']);
    expect(fieldErrors(wrong.answer.html).join() + noticeOf(wrong.answer.html)).toMatch(/incorrect/);
    expect(await link(local, login)).toBe(null);
    // From the next sign-in on.
    expect(await roleOf(local)).toEqual([email, 'viewer']);
    const visitor = pages.visitor();
    await signOn(visitor, login);
    expect(await roleOf(visitor)).toEqual([email, 'operator']);
    const { html } = await local.get('/account');
    const action = /action="(\/account\/single-sign-on\/\w+\/unlink)"/.exec(html)?.[1] ?? '';
    expect(html).toContain(`stays: ${email} of ${provider.issuer}. Unlink above`);
    const stranger = await pages.signedIn('viewer');
    expect((await stranger.post(action, {}, HERE)).status).toBe(404);
    const byAdmin = action.replace('/account/', `/admin/users/${await idOf(email)}/`);
    expect((await stranger.post(byAdmin, {}, HERE)).status).toBe(403);
    expect((await admin.get(`/admin/users/${await idOf(email)}`)).html).toContain(`action="${byAdmin}"`);
    const othersId = byAdmin.replace(await idOf(email), 'nobody');
    expect((await admin.post(othersId, {}, HERE)).status).toBe(404);
    expect((await admin.get(`/admin/users/${await idOf(email)}`)).html).toContain('is taken off with it');
    const unlinked = await local.post(action, {}, HERE);
    expect(unlinked.location).toBe('/account');
    expect([await roleOf(local), await roleOf(visitor)]).toEqual([[email, 'operator'], null]);
    expect(await refusedBy(pages.visitor(), login)).toContain('it is not linked');
    const kinds = [
      ...(await auditOf('create', 'oidc_identity')),
      ...(await auditOf('delete', 'oidc_identity')),
    ];
    expect(kinds.filter(({ resource_name: name }) => name === email)).toHaveLength(2);
  });

  it('is linked to one person, who stands for no other account, and who has a role', async () => {
    const [one, other] = [await pages.signedIn('viewer'), await pages.signedIn('viewer')];
    const login = person(['staff']);
    expect(await link(one, login)).toBe(null);
    expect(await link(other, login)).toMatch(/linked to another account here/);
    expect(await link(other, person(['nothing']))).toMatch(/Nothing was linked/);
    const { html } = await one.get('/account');
    expect(html).not.toContain('action="/account/single-sign-on/link"');
    expect(await link(one, person(['staff']))).toMatch(/linked to another person of the provider/);
  });

  it('is linked in the session that began it alone', async () => {
    const [victim, thief] = [await pages.signedIn('admin'), await pages.signedIn('viewer')];
    const { url } = await begin(thief);
    const back = await provider.signIn(url, person(['staff']));
    // What the thief began, brought with the cookies of both by the victim's browser.
    const cookie = `${thief.cookie().replace(/bridgeport_session=[^;]*;? ?/, '')}; ${victim.cookie()}`;
    const brought = await pages.visitor().get(back.pathname + back.search, { cookie });
    expect(brought.location).toBe('/account');
    const rows = await pages.services.db.selectFrom('oidc_identities').selectAll().execute();
    const email = (await roleOf(victim))?.[0] ?? '';
    const user = await pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirst();
    expect(rows.filter((row) => row.user_id === user?.id)).toEqual([]);
    // Nor by nobody.
    const nobody = pages.visitor();
    const begun = thief.cookie().replace(/bridgeport_session=[^;]*;? ?/, '');
    expect((await nobody.get(back.pathname + back.search, { cookie: begun })).location).toBe('/login');
    expect(noticeOf((await nobody.get('/login')).html)).toMatch(/Your session has ended/);
    expect((await pages.services.db.selectFrom('oidc_identities').selectAll().execute()).length).toBe(
      rows.length,
    );
    // It was there to be taken: in its own session it is.
    await thief.get(back.pathname + back.search);
    expect(noticeOf((await thief.get('/account')).html)).toBe(null);
    expect((await thief.get('/account')).html).toContain('action="/account/single-sign-on/');
  });
});

describe('the settings of single sign-on', () => {
  it('keep the secret for the same issuer and client alone, and say what the provider has against others', async () => {
    const kept = { ...{ clientSecret: '' } };
    await save(kept);
    const stored = await admin.get(PAGE);
    expect(stored.html).not.toContain(CLIENT.clientSecret);
    expect(stored.html).toContain(`<code id="redirect-uri">${ORIGIN}/login/oidc/callback</code>`);
    const form = (change: object) => ({
      ...{ issuer: provider.issuer, clientId: CLIENT.clientId, clientSecret: '', scopes: 'openid' },
      ...{ name: 'x', roleClaim: 'groups', others: 'refused', ...change },
    });
    const refusals = [
      [{ clientId: 'another' }, /Enter the client secret again/],
      [{ issuer: `${provider.issuer}/other` }, /Enter the client secret again/],
      [
        { issuer: `${provider.issuer}/other`, clientSecret: 'x' },
        /no OpenID Connect provider under this issuer/,
      ],
      [{ clientSecret: 'wrong' }, /“invalid_client”.*Client id or secret are wrong/],
      [{ isPublicClient: 'true', clientSecret: 'x' }, /Untick this/],
      [{ scopes: 'email' }, /Must hold openid/],
      [{ issuer: 'https://169.254.169.254', clientSecret: 'x' }, /never sent to/],
      [
        { issuer: 'https://10.0.0.7/realms/x', clientSecret: 'x' },
        /add 10\.0\.0\.7 to “Private hosts” under Admin &gt; System/,
      ],
      [{ issuer: 'http://auth.example.com', clientSecret: 'x' }, /Must be https/],
    ] as const;
    for (const [change, sentence] of refusals) {
      const answer = await admin.post(PAGE, form(change), HERE);
      expect([change, answer.status]).toEqual([change, 422]);
      expect(fieldErrors(answer.html).join(' ')).toMatch(sentence);
    }
    const anyway = await admin.post(PAGE, form({ clientSecret: 'wrong', saveAnyway: 'true' }), HERE);
    expect(anyway.status).toBe(303);
    const tested = await admin.post(`${PAGE}/test`, {}, HERE);
    expect(tested.location).toBe(PAGE);
    expect(noticeOf((await admin.get(PAGE)).html)).toMatch(/“invalid_client”/);
    expect(await refusedBy(pages.visitor(), person(['admins']))).toMatch(/“invalid_client”/);
    await save();
  });

  it('are the admins’ alone', async () => {
    const operator = await pages.signedIn('operator');
    expect((await operator.get(PAGE)).status).toBe(403);
    for (const path of [PAGE, `${PAGE}/test`, `${PAGE}/delete`]) {
      expect((await operator.post(path, {}, HERE)).status).toBe(403);
    }
  });

  it('let go of whoever came by them when they are removed, and know the same people when they are back', async () => {
    const visitor = pages.visitor();
    const login = person(['staff']);
    await signOn(visitor, login);
    const begun = await pages.visitor().get('/login/oidc');
    expect(begun.status).toBe(303);
    await admin.post(`${PAGE}/delete`, {}, HERE);
    expect(await roleOf(visitor)).toBe(null);
    expect((await visitor.get('/login')).html).not.toContain('Sign in with');
    expect((await visitor.get('/login/oidc')).location).toBe('/login');
    expect(noticeOf((await visitor.get('/login')).html)).toMatch(/No single sign-on is set up here/);
    expect((await auditOf('sign_in_failed', 'user')).at(-1)?.error).toMatch(
      /No single sign-on is set up here/,
    );
    await save();
    await signOn(visitor, login);
    expect((await roleOf(visitor))?.[0]).toBe(`${login}@example.com`);
  });
});
