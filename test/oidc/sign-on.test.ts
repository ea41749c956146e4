import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HERE, ORIGIN, PASSWORD } from '../http/ui/pages.ts';
import { CLIENT } from '../support/oidc-provider.ts';
import { noticeOf, openSignOn, roleOf, type SignOnBed } from './sign-on-bed.ts';

let bed: SignOnBed;
beforeAll(async () => {
  bed = await openSignOn();
});
afterAll(() => bed.close());

describe('signing in by a provider', () => {
  it('makes an account with the role of its group, leads where one wanted to go, and leaves no code anywhere', async () => {
    const visitor = bed.pages.visitor();
    const login = bed.person(['staff', 'cn=ops,dc=x']);
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
    const back = await bed.provider.signIn(begun.location ?? '', login);
    const entered = await visitor.get(back.pathname + back.search);
    expect([entered.status, entered.location]).toEqual([303, '/servers?x=1']);
    expect(entered.headers.get('referrer-policy')).toBe('no-referrer');
    expect(entered.headers.get('cache-control')).toBe('no-store');
    expect(await roleOf(visitor)).toEqual([`${login}@example.com`, 'operator']);
    const account = (await visitor.get('/account')).html;
    expect(account).toContain('This account has no password here');
    expect(account).not.toContain('name="currentPassword"');

    const entry = (await bed.auditOf('sign_in', 'user')).at(-1);
    expect(JSON.parse(entry?.details ?? '{}')).toEqual({ by: 'page', factor: 'single sign-on' });
    const secrets = ['code', 'state'].map((name) => back.searchParams.get(name) ?? '');
    const everything = [
      ...bed.pages.log,
      account,
      JSON.stringify(await bed.pages.services.db.selectFrom('audit_logs').selectAll().execute()),
    ];
    for (const secret of [...secrets, asked.get('nonce') ?? '', CLIENT.clientSecret]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(everything.filter((text) => text.includes(secret))).toEqual([]);
    }
    const row = await bed.pages.services.db.selectFrom('oidc_settings').selectAll().executeTakeFirstOrThrow();
    expect(row.client_secret).toMatch(/^v1\./);
  });

  it('knows people by the provider’s own name for them, whatever their e-mail address, and follows their groups', async () => {
    const [first, again] = [bed.pages.visitor(), bed.pages.visitor()];
    const login = bed.person(['staff']);
    await bed.signOn(first, login);
    const email = `${login}@example.com`;
    expect(await roleOf(first)).toEqual([email, 'viewer']);
    bed.provider.people.set(login, {
      email: 'married@example.com',
      email_verified: true,
      groups: ['admins'],
    });
    await bed.signOn(again, login);
    expect(await roleOf(again)).toEqual([email, 'admin']);
    // At once, for the session that was there, too.
    expect(await roleOf(first)).toEqual([email, 'admin']);
    expect((await again.get('/account')).html).toContain('married@example.com');
    const changes = await bed.auditOf('update', 'user');
    expect(JSON.parse(changes.at(-1)?.details ?? '{}')).toEqual({
      ...{ role: 'admin', by: 'single sign-on', given: 'admin' },
    });
  });

  it('ends the sessions of whom the provider gives nothing any more, and leaves their tokens the least', async () => {
    const [first, again] = [bed.pages.visitor(), bed.pages.visitor()];
    const login = bed.person(['admins']);
    await bed.signOn(first, login);
    expect((await roleOf(first))?.[1]).toBe('admin');
    bed.provider.people.set(login, { ...bed.provider.people.get(login), groups: ['former staff'] });
    expect(await bed.refusedBy(again, login)).toMatch(/gives you no role here/);
    expect(await roleOf(first)).toBe(null);
    const user = await bed.pages.services.db
      .selectFrom('users')
      .selectAll()
      .where('email', '=', `${login}@example.com`)
      .executeTakeFirst();
    expect(user?.role).toBe('viewer');
    const [entry] = (await bed.auditOf('sign_in_failed', 'user')).slice(-1);
    expect([entry?.resource_id, entry?.error]).toEqual([user?.id, expect.stringMatching(/no role here/)]);
  });

  it('keeps the last admin who can sign in, lets them in, and says so on the page and in the log', async () => {
    const visitor = bed.pages.visitor();
    const login = bed.person(['admins']);
    await bed.signOn(visitor, login);
    const mine = await bed.idOf(`${login}@example.com`);
    const { db } = bed.pages.services;
    const admins = db.selectFrom('users').select('id').where('role', '=', 'admin').where('id', '!=', mine);
    const others = (await admins.execute()).map(({ id }) => id);
    await db.updateTable('users').set({ role: 'viewer' }).where('id', 'in', others).execute();
    try {
      bed.provider.people.set(login, { ...bed.provider.people.get(login), groups: [] });
      const again = bed.pages.visitor();
      expect((await bed.signOn(again, login)).location).toBe('/');
      expect(noticeOf((await again.get('/account')).html)).toMatch(
        /you are the last admin here who can sign in/,
      );
      expect((await roleOf(visitor))?.[1]).toBe('admin');
      expect(
        bed.pages.log.filter((line) => /"level":"warn".*last admin who can sign in/.test(line)),
      ).toHaveLength(1);
    } finally {
      await db.updateTable('users').set({ role: 'admin' }).where('id', 'in', others).execute();
      await db.updateTable('users').set({ role: 'viewer' }).where('id', '=', mine).execute();
    }
  });

  it('lets two tabs sign in at once, and answers each once', async () => {
    const visitor = bed.pages.visitor();
    const login = bed.person(['staff']);
    const tabs = [
      await visitor.get('/login/oidc?next=/servers'),
      await visitor.get('/login/oidc?next=/runs'),
    ];
    const backs = [];
    for (const { location } of tabs) backs.push(await bed.provider.signIn(location ?? '', login));
    const kept = visitor.cookie();
    for (const [index, back] of [...backs.entries()].reverse()) {
      const entered = await visitor.get(back.pathname + back.search);
      expect(entered.location).toBe(['/servers', '/runs'][index]);
    }
    const [back] = backs;
    // Once more, with the cookies as they were: the code is used up, and so is what was begun.
    const replayed = await bed.pages.visitor().get(`${back?.pathname}${back?.search}`, { cookie: kept });
    expect(replayed.location).toBe('/login');
    expect(replayed.headers.getSetCookie().join()).not.toContain('bridgeport_session');
  });

  it('takes no answer to a sign-in of another browser, and shows nothing that an address says', async () => {
    const [mine, theirs] = [bed.pages.visitor(), bed.pages.visitor()];
    const begun = await mine.get('/login/oidc');
    const back = await bed.provider.signIn(begun.location ?? '', bed.person(['admins']));
    const failed = (await bed.auditOf('sign_in_failed', 'user')).length;
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
    expect((await bed.auditOf('sign_in_failed', 'user')).length).toBe(failed + 4);
    // It was not used up by that.
    expect((await mine.get(back.pathname + back.search)).location).toBe('/');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/%0d%0ax', 'javascript:alert(1)'])(
    'leads to no other place: %s',
    async (next) => {
      const visitor = bed.pages.visitor();
      const entered = await bed.signOn(
        visitor,
        bed.person(['staff']),
        `/login/oidc?next=${encodeURIComponent(next)}`,
      );
      expect(entered.location).toBe(next.startsWith('/%') ? next : '/');
    },
  );

  it('says what the provider says, as text, where it or the person turned it down', async () => {
    const visitor = bed.pages.visitor();
    const begun = await visitor.get('/login/oidc');
    const back = await bed.provider.signIn(begun.location ?? '', 'nobody', { isDenied: true });
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
    await bed.set({ secondFactorRequired: true });
    try {
      const [visitor, local] = [bed.pages.visitor(), await bed.pages.signedIn('viewer')];
      await bed.signOn(visitor, bed.person(['staff']));
      expect((await visitor.get('/servers')).status).toBe(200);
      expect((await local.get('/servers')).location).toBe('/account/second-factor');
    } finally {
      await bed.set({ secondFactorRequired: false });
    }
  });
});

describe('people who have no account', () => {
  it('are told what to do where one has their e-mail address: it is never theirs by that', async () => {
    const victim = await bed.pages.signedIn('admin');
    const email = (await roleOf(victim))?.[0] ?? '';
    const said = await bed.refusedBy(
      bed.pages.visitor(),
      bed.person(['admins'], { email: email.toUpperCase() }),
    );
    expect(said).toContain(`There is an account ${email} here already, and it is not linked`);
    const user = await bed.pages.services.db
      .selectFrom('users')
      .selectAll()
      .where('email', '=', email)
      .execute();
    expect(user).toHaveLength(1);
  });

  it.each([
    [{ email: undefined }, /tells no e-mail address/],
    [{ email: 'no address' }, /tells “no address” as your e-mail address, which is none/],
    [{ groups: ['Admins', 'other'] }, /gives you no role here/],
    [{ groups: undefined }, /gives you no role here/],
  ])('are refused with %j', async (claims, sentence) => {
    const before = await bed.pages.services.db.selectFrom('users').select('id').execute();
    expect(await bed.refusedBy(bed.pages.visitor(), bed.person(['staff'], claims))).toMatch(sentence);
    expect(await bed.pages.services.db.selectFrom('users').select('id').execute()).toEqual(before);
  });

  it('are refused where an admin makes the accounts, and let in as viewers where all others are', async () => {
    await bed.save({ createsPeople: '' });
    expect(await bed.refusedBy(bed.pages.visitor(), bed.person(['admins']))).toMatch(
      /no account of yours here/,
    );
    await bed.save({ others: 'viewer' });
    const visitor = bed.pages.visitor();
    await bed.signOn(visitor, bed.person(['other']));
    expect((await roleOf(visitor))?.[1]).toBe('viewer');
    await bed.save();
  });

  it('have no password that anybody could guess, change or ask a second factor with', async () => {
    const visitor = bed.pages.visitor();
    const login = bed.person(['staff']);
    await bed.signOn(visitor, login);
    const email = `${login}@example.com`;
    for (const password of ['', ' ', 'null', PASSWORD]) {
      const answer = await bed.pages.visitor().post('/login', { email, password }, HERE);
      expect(answer.status).toBe(422);
    }
    const newPassword = 'a-long-password-of-mine-7';
    const form = { currentPassword: 'anything at all', newPassword };
    const changed = await visitor.post('/account/password', form, HERE);
    expect([changed.status, noticeOf(changed.html)]).toEqual([422, expect.stringMatching(/has no password/)]);
    const factor = await visitor.post('/account/second-factor', { currentPassword: 'anything' }, HERE);
    expect([factor.status, noticeOf(factor.html)]).toEqual([422, expect.stringMatching(/has no password/)]);
    // An admin gives one, and both ways lead in.
    const user = await bed.pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    expect((await bed.admin.get(`/admin/users/${user.id}`)).html).toContain(
      'signs in by single sign-on alone',
    );
    await bed.admin.post(`/admin/users/${user.id}/password`, { newPassword }, HERE);
    expect(await roleOf(visitor)).toBe(null);
    const local = await bed.pages.visitor().post('/login', { email, password: newPassword }, HERE);
    expect(local.status).toBe(303);
    await bed.signOn(visitor, login);
    expect((await roleOf(visitor))?.[0]).toBe(email);
  });
});
