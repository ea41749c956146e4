import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HERE, PASSWORD, type Visitor } from '../http/ui/pages.ts';
import { fieldErrors, noticeOf, openSignOn, roleOf, type SignOnBed } from './sign-on-bed.ts';

let bed: SignOnBed;
beforeAll(async () => {
  bed = await openSignOn();
});
afterAll(() => bed.close());

describe('an account that there is', () => {
  /** Begins a link: gives where the page leads to. */
  async function begin(visitor: Visitor, ownPassword = PASSWORD) {
    const answer = await visitor.post('/account/single-sign-on/link', { ownPassword }, HERE);
    const href = /<a class="button" href="([^"]+)">/.exec(answer.html)?.[1] ?? '';
    return { answer, url: href.replaceAll('&amp;', '&') };
  }
  async function link(visitor: Visitor, login: string) {
    const { url } = await begin(visitor);
    const back = await bed.provider.signIn(url, login);
    const answer = await visitor.get(back.pathname + back.search);
    expect(answer.location).toBe('/account');
    return noticeOf((await visitor.get('/account')).html);
  }

  it('is linked by its owner, with the password, and unlinked; sessions that began by it end', async () => {
    const local = await bed.pages.signedIn('viewer');
    const email = (await roleOf(local))?.[0] ?? '';
    const login = bed.person(['ops'], { email });
    const wrong = await begin(local, 'Tr0ub4dor &3');
    expect([wrong.answer.status, wrong.url]).toEqual([422, '']);
    expect(fieldErrors(wrong.answer.html).join() + noticeOf(wrong.answer.html)).toMatch(/incorrect/);
    expect(await link(local, login)).toBe(null);
    // From the next sign-in on.
    expect(await roleOf(local)).toEqual([email, 'viewer']);
    const visitor = bed.pages.visitor();
    await bed.signOn(visitor, login);
    expect(await roleOf(visitor)).toEqual([email, 'operator']);
    const { html } = await local.get('/account');
    const [, question = ''] = /href="(\/account\?unlink=\w+)"/.exec(html) ?? [];
    const action =
      /action="(\/account\/single-sign-on\/\w+\/unlink)"/.exec((await local.get(question)).html)?.[1] ?? '';
    expect(html).toContain(`stays: ${email} of ${bed.provider.issuer}. Unlink above`);
    const stranger = await bed.pages.signedIn('viewer');
    expect((await stranger.post(action, {}, HERE)).status).toBe(404);
    const byAdmin = action.replace('/account/', `/admin/users/${await bed.idOf(email)}/`);
    expect((await stranger.post(byAdmin, {}, HERE)).status).toBe(403);
    const ofUser = `/admin/users/${await bed.idOf(email)}`;
    const [, asks = ''] = /href="([^"]*\?unlink=\w+)"/.exec((await bed.admin.get(ofUser)).html) ?? [];
    expect((await bed.admin.get(asks)).html).toContain(`action="${byAdmin}"`);
    const othersId = byAdmin.replace(await bed.idOf(email), 'nobody');
    expect((await bed.admin.post(othersId, {}, HERE)).status).toBe(404);
    expect((await bed.admin.get(`/admin/users/${await bed.idOf(email)}`)).html).toContain(
      'is taken off with it',
    );
    const unlinked = await local.post(action, {}, HERE);
    expect(unlinked.location).toBe('/account');
    expect([await roleOf(local), await roleOf(visitor)]).toEqual([[email, 'operator'], null]);
    expect(await bed.refusedBy(bed.pages.visitor(), login)).toContain('it is not linked');
    const kinds = [
      ...(await bed.auditOf('create', 'oidc_identity')),
      ...(await bed.auditOf('delete', 'oidc_identity')),
    ];
    expect(kinds.filter(({ resource_name: name }) => name === email)).toHaveLength(2);
  });

  it('is linked to one person, who stands for no other account, and who has a role', async () => {
    const [one, other] = [await bed.pages.signedIn('viewer'), await bed.pages.signedIn('viewer')];
    const login = bed.person(['staff']);
    expect(await link(one, login)).toBe(null);
    expect(await link(other, login)).toMatch(/linked to another account here/);
    expect(await link(other, bed.person(['nothing']))).toMatch(/Nothing was linked/);
    const { html } = await one.get('/account');
    expect(html).not.toContain('action="/account/single-sign-on/link"');
    expect(await link(one, bed.person(['staff']))).toMatch(/linked to another person of the provider/);
  });

  it('is linked in the session that began it alone', async () => {
    const [victim, thief] = [await bed.pages.signedIn('admin'), await bed.pages.signedIn('viewer')];
    const { url } = await begin(thief);
    const back = await bed.provider.signIn(url, bed.person(['staff']));
    // What the thief began, brought with the cookies of both by the victim's browser.
    const cookie = `${thief.cookie().replace(/bridgeport_session=[^;]*;? ?/, '')}; ${victim.cookie()}`;
    const brought = await bed.pages.visitor().get(back.pathname + back.search, { cookie });
    expect(brought.location).toBe('/account');
    const rows = await bed.pages.services.db.selectFrom('oidc_identities').selectAll().execute();
    const email = (await roleOf(victim))?.[0] ?? '';
    const user = await bed.pages.services.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirst();
    expect(rows.filter((row) => row.user_id === user?.id)).toEqual([]);
    // Nor by nobody.
    const nobody = bed.pages.visitor();
    const begun = thief.cookie().replace(/bridgeport_session=[^;]*;? ?/, '');
    expect((await nobody.get(back.pathname + back.search, { cookie: begun })).location).toBe('/login');
    expect(noticeOf((await nobody.get('/login')).html)).toMatch(/Your session has ended/);
    expect((await bed.pages.services.db.selectFrom('oidc_identities').selectAll().execute()).length).toBe(
      rows.length,
    );
    // It was there to be taken: in its own session it is.
    await thief.get(back.pathname + back.search);
    expect(noticeOf((await thief.get('/account')).html)).toBe(null);
    expect((await thief.get('/account')).html).toContain('href="/account?unlink=');
  });
});
