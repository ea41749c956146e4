import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changePassword, resetPassword } from '../../src/auth/change-password.ts';
import { deleteUser, updateUser } from '../../src/auth/users.ts';
import { write } from '../../src/db/write.ts';
import { insertIdentity } from '../../src/oidc/identities.ts';
import { finishLink } from '../../src/oidc/link.ts';
import type { OidcProvider } from '../../src/oidc/provider.ts';
import { removeOidc, saveOidc } from '../../src/oidc/save-settings.ts';
import { oidcInput, redirectUriOf } from '../../src/oidc/settings.ts';
import { finishSignOn } from '../../src/oidc/sign-on.ts';
import { newTransaction } from '../../src/oidc/transaction.ts';
import { makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

const ISSUER = 'https://auth.example.com';
const CLIENT = 'bridgeport';
const NOBODY = { userId: null, address: null };
const PASSWORD = 'correct horse battery';
const NEW_PASSWORD = 'another long battery 9';
const redirectUri = redirectUriOf('https://backups.example.com');
const from = { address: '203.0.113.9', browser: null };
const input = { issuer: ISSUER, clientId: CLIENT, clientSecret: 'of the client', adminValues: ['admins'] };

let app: TestApp;
/** What is asked for beside the token of whoever came last. */
let isEnoughOf: boolean | null;
beforeEach(async () => {
  isEnoughOf = null;
  app = await openTestApp();
  await save(input);
});
afterEach(() => app.close());

/** A provider that signs that person in, whatever it is asked. */
function context(claims: Readonly<Record<string, unknown>> = {}) {
  const all = { iss: ISSUER, sub: 'ada', ...claims };
  const oidc: OidcProvider = {
    probe: async () => undefined,
    authorizationUrl: async () => `${ISSUER}/authorize`,
    async claimsOf(_settings, _request, _answer, isEnough) {
      isEnoughOf = await isEnough(all);
      return all;
    },
  };
  return { ...app.services, oidc };
}

const save = (entered: object) => saveOidc(context(), NOBODY, oidcInput.parse(entered), redirectUri);

const begun = (link: { userId: string; sessionId: string } | null) =>
  newTransaction({ issuer: ISSUER, clientId: CLIENT }, { next: '/', link, redirectUri });

async function signOn(claims: Readonly<Record<string, unknown>>) {
  const answered = { transaction: await begun(null), answer: new URLSearchParams(), from };
  return finishSignOn(context(claims), answered);
}

async function sessionOf(userId: string): Promise<string> {
  const row = await app.services.db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .limit(1)
    .executeTakeFirstOrThrow();
  return row.id;
}

const link = async (own: { userId: string; sessionId: string }, claims: object = {}) =>
  finishLink(
    context({ groups: ['admins'], ...claims }),
    { userId: own.userId, address: null },
    { ...own, transaction: await begun(own), answer: new URLSearchParams() },
  );

const linked = (userId: string, issuer = ISSUER) =>
  write(app.services.db, (trx) =>
    insertIdentity(
      trx,
      { id: userId },
      { issuer, subject: userId, email: 'ada@idp.example', name: null },
      new Date(),
    ),
  );
const linksOf = async (userId: string) =>
  (
    await app.services.db
      .selectFrom('oidc_identities')
      .select('email')
      .where('user_id', '=', userId)
      .execute()
  ).map(({ email }) => email);
const admin = () => ({ userId: app.userIds.admin, address: null, role: 'admin' as const });
const withoutPassword = (userId: string) =>
  app.services.db.updateTable('users').set({ password_hash: '' }).where('id', '=', userId).execute();
const makeAdmin = (userId: string) =>
  app.services.db.updateTable('users').set({ role: 'admin' }).where('id', '=', userId).execute();
const audited = async (action: string, kind: string) =>
  (
    await app.services.db
      .selectFrom('audit_logs')
      .select(['resource_id', 'details', 'error'])
      .where('action', '=', action)
      .where('resource_type', '=', kind)
      .execute()
  ).map(({ resource_id: id, details, error }) => ({ id, details: JSON.parse(details ?? '{}'), error }));

describe('a link', () => {
  it('is not made once the session that began it has ended, whatever the provider says', async () => {
    const userId = app.userIds.viewer;
    const own = { userId, sessionId: await sessionOf(userId) };
    await changePassword(app.services, admin(), userId, { newPassword: NEW_PASSWORD });
    await expect(link(own)).rejects.toThrow(/begun by another account or session/);
    expect(await linksOf(userId)).toEqual([]);
  });

  it('is not made for an account that was deleted meanwhile', async () => {
    const userId = app.userIds.viewer;
    const own = { userId, sessionId: await sessionOf(userId) };
    await deleteUser(app.services, admin(), userId);
    await expect(link(own)).rejects.toThrow(/begun by another account or session/);
  });

  it('is made in its session, and written down where it failed', async () => {
    const userId = app.userIds.viewer;
    const own = { userId, sessionId: await sessionOf(userId) };
    await expect(link(own, { groups: ['nothing'] })).rejects.toThrow(/Nothing was linked/);
    expect(await audited('sign_in_failed', 'user')).toEqual([
      {
        id: userId,
        details: { by: 'page', factor: 'single sign-on' },
        error: expect.stringMatching(/Nothing was linked/),
      },
    ]);
    expect(app.log.filter((line) => line.includes('a sign-in failed'))).toHaveLength(1);
    await link(own);
    expect(await linksOf(userId)).toHaveLength(1);
  });

  it('goes with a password that somebody else sets, which is told, and its sessions end', async () => {
    const userId = app.userIds.viewer;
    await linked(userId);
    const path = `/api/users/${userId}/change-password`;
    const changed = await app.call('POST', path, { body: { newPassword: NEW_PASSWORD } });
    const gone = [{ issuer: ISSUER, email: 'ada@idp.example' }];
    expect(changed.body).toMatchObject({ success: true, linksTakenOff: gone });
    expect(await linksOf(userId)).toEqual([]);
    await linked(userId);
    expect(await resetPassword(app.services, 'viewer@example.com')).toMatchObject({ linksTakenOff: gone });
    expect(await linksOf(userId)).toEqual([]);
    const [first, second] = await audited('delete', 'oidc_identity');
    for (const entry of [first, second]) {
      expect(entry).toMatchObject({ id: userId, details: { ...gone[0], by: 'a new password' } });
    }
  });

  it('stays with a password of one’s own, and with the first one of an account that had none', async () => {
    const userId = app.userIds.viewer;
    await linked(userId);
    const own = { newPassword: NEW_PASSWORD, currentPassword: PASSWORD };
    const actor = { userId, address: null, role: 'viewer' as const };
    expect(await changePassword(app.services, actor, userId, own)).toEqual([]);
    expect(await linksOf(userId)).toHaveLength(1);
    await withoutPassword(userId);
    await changePassword(app.services, admin(), userId, { newPassword: NEW_PASSWORD });
    expect(await linksOf(userId)).toHaveLength(1);
  });
});

describe('a provider that somebody else changes while it is tried', () => {
  const elsewhere = { ...input, issuer: 'https://other.example', clientSecret: 'of the other' };
  const present = async () =>
    (await app.services.db.selectFrom('oidc_settings').select('issuer').execute()).map(
      ({ issuer }) => issuer,
    );
  /** Saves what is given, and before it does, `meanwhile` happens. */
  const saveAfter = (entered: object, meanwhile: () => Promise<unknown>) => {
    const { oidc, ...services } = context();
    const probe = async () => void (await meanwhile());
    return saveOidc({ ...services, oidc: { ...oidc, probe } }, NOBODY, oidcInput.parse(entered), redirectUri);
  };
  const refused = { code: 'conflict', message: expect.stringMatching(/nothing was saved/) };

  it('stays as that one left it: one that was replaced does not come back', async () => {
    const { clientSecret: _, ...kept } = input;
    await expect(saveAfter({ ...kept, name: 'x' }, () => save(elsewhere))).rejects.toMatchObject(refused);
    expect(await present()).toEqual(['https://other.example']);
  });

  it('stays turned off', async () => {
    const { clientSecret: _, ...kept } = input;
    const off = () => removeOidc(context(), NOBODY);
    await expect(saveAfter({ ...kept, name: 'x' }, off)).rejects.toMatchObject(refused);
    expect(await present()).toEqual([]);
    await expect(saveAfter(input, () => save(elsewhere))).rejects.toMatchObject(refused);
  });

  it('is told apart also within one instant', async () => {
    app.setNow(new Date('2026-11-30T12:00:00.000Z'));
    await save(input);
    await expect(saveAfter(input, () => save({ ...input, name: 'x' }))).rejects.toMatchObject(refused);
    await save(input);
  });
});

describe('the last admin who can sign in', () => {
  it('is not demoted or deleted for one who cannot', async () => {
    const other = app.userIds.operator;
    await makeAdmin(other);
    await withoutPassword(other);
    const refused = { code: 'conflict', message: expect.stringMatching(/^The last admin cannot be/) };
    const { admin: id } = app.userIds;
    const actor = { userId: other, address: null, role: 'admin' as const };
    await linked(other, 'https://another.example');
    await expect(updateUser(app.services, actor, id, { role: 'viewer' })).rejects.toMatchObject(refused);
    await expect(deleteUser(app.services, actor, id)).rejects.toMatchObject(refused);
    // Spelled with a slash, as its tokens have it.
    await linked(other, `${ISSUER}/`);
    await updateUser(app.services, actor, id, { role: 'viewer' });
  });

  it('keeps the provider: it is not taken off or replaced where nobody has a password', async () => {
    await linked(app.userIds.admin);
    await withoutPassword(app.userIds.admin);
    const refused = { code: 'conflict', message: expect.stringMatching(/no admin with a password/) };
    await expect(removeOidc(context(), NOBODY)).rejects.toMatchObject(refused);
    const other = oidcInput.parse({ ...input, issuer: 'https://other.example' });
    await expect(saveOidc(context(), NOBODY, other, redirectUri)).rejects.toMatchObject(refused);
    expect((await app.services.db.selectFrom('oidc_settings').select('issuer').execute())[0]?.issuer).toBe(
      ISSUER,
    );
    // The same one is changed at will.
    await save({ ...input, name: 'x' });
  });

  it('stays an admin and is let in, where the provider gives nothing any more', async () => {
    const id = app.userIds.admin;
    await linked(id);
    await makeAdmin(app.userIds.operator);
    await withoutPassword(app.userIds.operator);
    const entered = await signOn({ sub: id, groups: [] });
    expect([entered.user.role, entered.keepsRole]).toEqual(['admin', true]);
    expect(app.log.filter((line) => /"level":"warn".*last admin/.test(line))).toHaveLength(1);
  });
});

describe('the API token of somebody', () => {
  it('opens nothing while its owner has neither a password nor a link to the provider that is entered', async () => {
    const userId = app.userIds.operator;
    const { token } = await makeToken(app, { userId });
    const ask = async () => (await app.call('GET', '/api/environments', { token })).status;
    expect(await ask()).toBe(200);
    await withoutPassword(userId);
    expect(await ask()).toBe(401);
    await linked(userId);
    expect(await ask()).toBe(200);
    await removeOidc(context(), NOBODY);
    expect(await ask()).toBe(401);
  });
});

describe('settings that are refused', () => {
  const put = (change: object) =>
    app.call('PUT', '/api/system/oidc', { body: { ...input, saveAnyway: true, ...change } });

  it('are roles by what people type themselves', async () => {
    const typed = ['email', 'preferred_username', 'upn', 'unique_name', 'name', 'nickname', ' Email '];
    for (const roleClaim of typed) {
      const { status, body } = await put({ roleClaim });
      expect([roleClaim, status, body.details?.[0].path]).toEqual([roleClaim, 400, ['roleClaim']]);
      expect(JSON.stringify(body)).toContain('people can choose themselves');
    }
  });

  it('are accounts that are made for nobody', async () => {
    const { status, body } = await put({ adminValues: [], createsPeople: true });
    expect([status, body.details[0].path]).toEqual([400, ['others']]);
  });

  it('are not those of the same issuer with a slash behind its host: secret and sessions stay', async () => {
    await linked(app.userIds.viewer);
    await signOn({ sub: app.userIds.viewer, groups: ['admins'] });
    const { clientSecret: _, ...rest } = input;
    await save({ ...rest, issuer: `${ISSUER}/` });
    const rows = await app.services.db
      .selectFrom('sessions')
      .select('id')
      .where('oidc_identity_id', 'is not', null)
      .execute();
    expect(rows).toHaveLength(1);
  });
});

describe('whoever the token tells enough of', () => {
  it('is asked nothing more about, and keeps the e-mail address that was told before', async () => {
    await linked(app.userIds.viewer);
    await signOn({ sub: app.userIds.viewer, groups: ['admins'] });
    expect([isEnoughOf, await linksOf(app.userIds.viewer)]).toEqual([true, ['ada@idp.example']]);
    await signOn({ sub: 'new', groups: ['admins'] }).catch(() => undefined);
    expect(isEnoughOf).toBe(false);
    await signOn({ sub: app.userIds.viewer }).catch(() => undefined);
    expect(isEnoughOf).toBe(false);
  });

  it.each([
    [undefined, /tells no e-mail address of yours/],
    ['', /tells no e-mail address of yours/],
    ['ada at <home>', /tells “ada at <home>” as your e-mail address, which is none that an account/],
  ])('has no account by the address %j', async (email, sentence) => {
    await save({ ...input, createsPeople: true });
    await expect(signOn({ sub: 'new', groups: ['admins'], email })).rejects.toThrow(sentence);
  });
});
