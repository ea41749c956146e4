import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeEnvironment, makeServiceAccount, makeToken } from '../../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { asWritten } from '../../support/as-written.ts';
import { refuseUpdates } from '../../support/trigger.ts';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const NAME = 'Nächtlich + "<script>" 🗝';
const NEW = { name: NAME, role: 'viewer', allEnvironments: true, expiresInDays: 30 } as const;

const create = (body: object) => app.call('POST', '/api/admin/tokens', { body });
const me = (token: string) => app.call('GET', '/api/auth/me', { token });

describe('API tokens', () => {
  it('are answered once, and stored and listed without their text', async () => {
    app.setNow(new Date('2027-01-01T00:00:00.000Z'));
    const { token: session } = (
      await app.call('POST', '/api/auth/login', {
        token: null,
        body: { email: 'admin@example.com', password: 'correct horse battery' },
      })
    ).body;
    const made = await app.call('POST', '/api/admin/tokens', {
      token: session,
      body: { ...NEW, ownerUserId: app.userIds.operator },
    });
    expect([made.status, made.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { token, tokenRecord } = made.body;
    expect(token).toMatch(/^bport_pat_[A-Za-z0-9_-]{43}$/);
    expect(tokenRecord).toMatchObject({
      ...{ name: NAME, role: 'viewer', access: 'full', tokenPrefix: token.slice(0, 14) },
      ...{ expiresAt: '2027-01-31T00:00:00.000Z', userId: app.userIds.operator, serviceAccountId: null },
    });
    const rows = await app.services.db.selectFrom('api_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token.slice(14));
    const { body } = await app.call('GET', '/api/admin/tokens', { token: session });
    expect(JSON.stringify(body)).not.toContain(token.slice(14));
    expect(body.tokens).toMatchObject([
      { name: NAME, user: { email: 'operator@example.com' }, lastUsedAt: null },
    ]);
  });

  it('are listed newest first, of all or of one owner, as clients read them', async () => {
    const { environmentId } = await makeEnvironment(app, 'shop');
    const account = await makeServiceAccount(app, 'ci', 'operator');
    app.setNow(new Date('2027-01-01T00:00:00.000Z'));
    const older = await makeToken(app, { userId: app.userIds.operator });
    app.setNow(new Date('2027-01-02T00:00:00.000Z'));
    const scoped = { role: 'viewer', environmentIds: [environmentId] } as const;
    const newer = await makeToken(app, { serviceAccountId: account }, scoped);
    app.setNow(new Date());
    const list = async (query: string) => (await app.call('GET', `/api/admin/tokens${query}`)).body.tokens;
    const common = { name: NAME, access: 'full', lastUsedAt: null };
    const ofAccount = {
      ...{ ...common, id: newer.id, tokenPrefix: newer.token.slice(0, 14), role: 'viewer' },
      ...{ allEnvironments: false, expiresAt: '2027-02-01T00:00:00.000Z', userId: null, user: null },
      ...{ createdAt: '2027-01-02T00:00:00.000Z', serviceAccountId: account },
      serviceAccount: { id: account, name: 'ci', disabled: false },
      environments: [{ environment: { id: environmentId, name: 'shop' } }],
    };
    const ofPerson = {
      ...{ ...common, id: older.id, tokenPrefix: older.token.slice(0, 14), role: 'operator' },
      ...{ allEnvironments: true, expiresAt: '2027-01-31T00:00:00.000Z', userId: app.userIds.operator },
      ...{ createdAt: '2027-01-01T00:00:00.000Z', serviceAccountId: null, serviceAccount: null },
      user: expect.objectContaining({ id: app.userIds.operator, email: 'operator@example.com' }),
      environments: [],
    };
    expect(await list('')).toEqual([ofAccount, ofPerson]);
    expect(await list(`?ownerUserId=${app.userIds.operator}`)).toEqual([ofPerson]);
    expect(await list(`?ownerServiceAccountId=${account}`)).toEqual([ofAccount]);
    expect(await list(`?ownerUserId=${app.userIds.admin}`)).toEqual([]);
  });

  it('stand for their owner with the role that may less, and say where they are for', async () => {
    const { environmentId } = await makeEnvironment(app, 'shop');
    await makeEnvironment(app, 'other');
    const { token, id } = await makeToken(
      app,
      { userId: app.userIds.operator },
      { role: 'viewer', environmentIds: [environmentId] },
    );
    expect((await me(token)).body).toMatchObject({
      user: {
        ...{ id: app.userIds.operator, email: 'operator@example.com', role: 'viewer', apiTokenId: id },
        scope: { allEnvironments: false, environmentIds: [environmentId], access: 'full' },
      },
      ...{ role: 'viewer', environments: [environmentId] },
    });
    const { body } = await app.call('GET', '/api/environments', { token });
    expect(body.environments.map((one: { id: string }) => one.id)).toEqual([environmentId]);
    const global = await app.call('GET', '/api/runs', { token });
    expect([global.status, global.body.code, global.body.message]).toEqual([
      ...[403, 'FORBIDDEN_SCOPE'],
      'Token is scoped to specific environments and cannot access global resources',
    ]);
    const other = await app.call('GET', '/api/environments/other', { token });
    expect(other.body.message).toBe('Token is not scoped to this environment');
    const logout = await app.call('POST', '/api/auth/logout', {
      token: (await makeToken(app, { userId: app.userIds.operator })).token,
    });
    expect(logout.status).toBe(400);
  });

  it('never become wider: an environment that goes leaves the token with the rest', async () => {
    const one = await makeEnvironment(app, 'one');
    const { token } = await makeToken(
      app,
      { userId: app.userIds.admin },
      { role: 'admin', environmentIds: [one.environmentId] },
    );
    await app.call('DELETE', `/api/environments/${one.environmentId}`);
    expect((await app.call('GET', '/api/environments', { token })).body.environments).toEqual([]);
    expect((await app.call('GET', '/api/users', { token })).body.code).toBe('FORBIDDEN_SCOPE');
  });

  it.each([
    ['no owner', {}, 'Invalid input'],
    ['two owners', { ownerUserId: 'a', ownerServiceAccountId: 'b' }, 'Invalid input'],
    ['an owner who is not there', { ownerUserId: 'nobody' }, 'Owner not found or disabled'],
    [
      'no environment',
      { ownerUserId: 'nobody', allEnvironments: false, environmentIds: [] },
      'Invalid input',
    ],
    ['no end', { ownerUserId: 'nobody', expiresInDays: 366 }, 'Invalid input'],
    ['an end today', { ownerUserId: 'nobody', expiresInDays: 0 }, 'Invalid input'],
    ['half a day', { ownerUserId: 'nobody', expiresInDays: 1.5 }, 'Invalid input'],
    ['nothing said of their end', { ownerUserId: 'nobody', expiresInDays: undefined }, 'Invalid input'],
    [
      'nothing said of where they are for',
      { ownerUserId: 'nobody', allEnvironments: undefined },
      'Invalid input',
    ],
    ['no name', { ownerUserId: 'nobody', name: '' }, 'Invalid input'],
    ['a name of 101 letters', { ownerUserId: 'nobody', name: 'ü'.repeat(101) }, 'Invalid input'],
    ['a number as text', { ownerUserId: 'nobody', expiresInDays: '30' }, 'Invalid input'],
    ['a name of two lines', { ownerUserId: 'nobody', name: 'a\nb' }, 'Invalid input'],
  ])('are refused with %s', async (_, change, message) => {
    const { status, body } = await create({ ...NEW, ...change });
    expect([status, body.code, body.message]).toEqual([400, 'VALIDATION_ERROR', message]);
  });

  it('are refused where they would exceed their owner, or name what is not there', async () => {
    const more = await create({ ...NEW, role: 'admin', ownerUserId: app.userIds.operator });
    expect([more.status, more.body.message]).toEqual([
      400,
      'Token role (admin) exceeds owner role (operator)',
    ]);
    const environment = await create({
      ...{ ...NEW, ownerUserId: app.userIds.admin, allEnvironments: false },
      environmentIds: ['nowhere'],
    });
    expect([environment.status, environment.body.message]).toEqual([400, 'Environment not found']);
    expect(await app.services.db.selectFrom('api_tokens').select('id').execute()).toEqual([]);
  });

  it('follow their owner’s role at once, and end with it', async () => {
    const { token } = await makeToken(app, { userId: app.userIds.operator });
    const role = async () => (await me(token)).body.role;
    expect(await role()).toBe('operator');
    await app.call('PATCH', `/api/users/${app.userIds.operator}`, { body: { role: 'viewer' } });
    expect(await role()).toBe('viewer');
    await app.call('DELETE', `/api/users/${app.userIds.operator}`);
    expect((await me(token)).status).toBe(401);
  });

  it('end when revoked, and when their time is over', async () => {
    const { token, id } = await makeToken(app, { userId: app.userIds.admin }, { days: 1 });
    expect((await me(token)).status).toBe(200);
    const now = Date.now();
    app.setNow(new Date(now + 86_400_000 - 60_000));
    expect((await me(token)).status).toBe(200);
    app.setNow(new Date(now + 86_400_000 + 60_000));
    expect((await me(token)).status).toBe(401);
    const again = await makeToken(app, { userId: app.userIds.admin });
    expect((await app.call('DELETE', `/api/admin/tokens/${again.id}`)).body).toEqual({ success: true });
    expect((await me(again.token)).status).toBe(401);
    expect((await app.call('DELETE', `/api/admin/tokens/${again.id}`)).body.message).toBe('Token not found');
    expect((await app.call('DELETE', `/api/admin/tokens/${id}`)).status).toBe(200);
  });

  it('tell when they were used, once a minute, and work where that can’t be noted', async () => {
    const { token, id } = await makeToken(app, { userId: app.userIds.admin });
    const { db } = app.services;
    const used = async () =>
      (
        await db
          .selectFrom('api_tokens')
          .select('last_used_at')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
      ).last_used_at;
    const at = (second: number) => new Date(Date.UTC(2026, 10, 29, 12, 0, second));
    for (const [second, wanted] of [
      [0, 0],
      [59, 0],
      [60, 60],
    ] as const) {
      app.setNow(at(second));
      expect((await me(token)).status).toBe(200);
      expect(await used()).toBe(at(wanted).toISOString());
    }
    // A clock that is set back leaves no use in the future, and no token that was over before it was.
    app.setNow(new Date(at(0).getTime() - 365 * 86_400_000));
    expect((await me(token)).status).toBe(200);
    expect(await used()).toBe(new Date(at(0).getTime() - 365 * 86_400_000).toISOString());
    app.setNow(at(60));
    expect((await me(token)).status).toBe(200);
    await refuseUpdates(db, 'api_tokens', 'last_used_at');
    app.setNow(at(600));
    expect((await me(token)).status).toBe(200);
    expect(await used()).toBe(at(60).toISOString());
  });

  it('stand in the audit with what they did, and so do their making and their end', async () => {
    const { body } = await create({ ...NEW, role: 'admin', ownerUserId: app.userIds.admin });
    const { token, tokenRecord } = body;
    await app.call('POST', '/api/environments', { token, body: { name: 'by a machine' } });
    await app.call('DELETE', `/api/admin/tokens/${tokenRecord.id}`);
    const rows = await app.services.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('created_at', '>=', tokenRecord.createdAt)
      .orderBy(asWritten(app.services.db))
      .execute();
    const told = rows.map((row) => [row.resource_type, row.action, row.user_id, row.token_prefix]);
    const admin = app.userIds.admin;
    expect(told).toEqual(
      expect.arrayContaining([
        ['api_token', 'create', admin, null],
        ['environment', 'create', admin, tokenRecord.tokenPrefix],
        ['api_token', 'delete', admin, null],
      ]),
    );
    expect(JSON.stringify(rows)).not.toContain(token.slice(14));
  });

  it('share the rate limit of whose they are, be that a person who is signed in too or a service account', async () => {
    const limited = await openTestApp({ env: { RATE_LIMIT_USER_MAX: '3' } });
    const status = async (token: string) => (await limited.call('GET', '/api/auth/me', { token })).status;
    const account = { serviceAccountId: await makeServiceAccount(limited, 'ci', 'viewer') };
    for (const [owner, session] of [
      [{ userId: limited.userIds.admin }, limited.tokens.admin],
      [account, undefined],
    ] as const) {
      const made = [
        await makeToken(limited, owner, { role: 'viewer' }),
        await makeToken(limited, owner, { role: 'viewer' }),
      ];
      const [one = '', two = ''] = made.map(({ token }) => token);
      for (const token of [one, two, session ?? one]) expect(await status(token)).toBe(200);
      for (const token of [one, two, session ?? one]) expect(await status(token)).toBe(429);
    }
    expect(await status(limited.tokens.operator)).toBe(200);
    await limited.close();
  });

  it.each(['a person', 'a service account'])('are at most 50 of %s that are not over', async (whose) => {
    const id = whose === 'a person' ? app.userIds.operator : await makeServiceAccount(app, 'ci', 'viewer');
    const owner = whose === 'a person' ? { ownerUserId: id } : { ownerServiceAccountId: id };
    const inOrder = whose === 'a person' ? { userId: id } : { serviceAccountId: id };
    app.setNow(new Date());
    await makeToken(app, inOrder, { role: 'viewer', days: 1 });
    for (let made = 1; made < 49; made += 1) await makeToken(app, inOrder, { role: 'viewer' });
    const last = await Promise.all([create({ ...NEW, ...owner }), create({ ...NEW, ...owner })]);
    expect(last.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = last.find(({ status }) => status === 409)?.body;
    expect([refused.code, refused.message]).toEqual([
      'CONFLICT',
      'This owner has 50 tokens that are not over, the most there may be. Revoke one that nobody uses.',
    ]);
    // Another owner has his own, and what is over is none.
    expect((await create({ ...NEW, ownerUserId: app.userIds.admin })).status).toBe(200);
    app.setNow(new Date(Date.now() + 86_400_000 + 60_000));
    await makeToken(app, inOrder, { role: 'viewer' });
    await expect(makeToken(app, inOrder, { role: 'viewer' })).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('service accounts', () => {
  it('are made, changed and deleted, with their tokens', async () => {
    const made = await app.call('POST', '/api/admin/service-accounts', {
      body: { name: 'ci-pipeline_2', description: 'Größe & "Ort"', role: 'operator' },
    });
    const account = made.body.serviceAccount;
    expect(account).toMatchObject({
      ...{ name: 'ci-pipeline_2', role: 'operator', disabled: false, _count: { apiTokens: 0 } },
      createdBy: { email: 'admin@example.com' },
    });
    const { token } = await makeToken(app, { serviceAccountId: account.id });
    expect((await me(token)).body.user).toMatchObject({
      ...{ id: `sa:${account.id}`, email: 'ci-pipeline_2@service-account.local', name: 'ci-pipeline_2' },
      serviceAccountId: account.id,
    });
    const path = `/api/admin/service-accounts/${account.id}`;
    expect((await app.call('GET', path)).body.serviceAccount._count).toEqual({ apiTokens: 1 });
    const disabled = await app.call('PATCH', path, { body: { disabled: true, description: null } });
    expect(disabled.body.serviceAccount).toMatchObject({
      disabled: true,
      description: null,
      role: 'operator',
    });
    expect((await me(token)).status).toBe(401);
    const late = await create({ ...NEW, ownerServiceAccountId: account.id });
    expect(late.body.message).toBe('Owner not found or disabled');
    await app.call('PATCH', path, { body: { disabled: false } });
    expect((await me(token)).status).toBe(200);
    expect((await app.call('DELETE', path)).body).toEqual({ success: true });
    expect((await me(token)).status).toBe(401);
    expect((await app.call('GET', path)).body.message).toBe('Service account not found');
    expect(await app.services.db.selectFrom('api_tokens').select('id').execute()).toEqual([]);
  });

  it.each(['Ci', '-ci', 'c i', 'ci/../x', 'ü', '', 'a'.repeat(65)])('refuse the name %j', async (name) => {
    expect((await app.call('POST', '/api/admin/service-accounts', { body: { name } })).status).toBe(400);
  });

  it('are listed, are viewers unless more is asked for, and change their role', async () => {
    const made = await app.call('POST', '/api/admin/service-accounts', { body: { name: 'plain' } });
    const { id } = made.body.serviceAccount;
    const { body } = await app.call('GET', '/api/admin/service-accounts');
    expect(body.serviceAccounts).toEqual([
      {
        ...{ id, name: 'plain', description: null, role: 'viewer', disabled: false },
        ...{
          createdAt: expect.any(String),
          updatedAt: expect.any(String),
          createdByUserId: app.userIds.admin,
        },
        createdBy: expect.objectContaining({ id: app.userIds.admin, email: 'admin@example.com' }),
        _count: { apiTokens: 0 },
      },
    ]);
    const path = `/api/admin/service-accounts/${id}`;
    expect((await app.call('PATCH', path, { body: { role: 'admin' } })).body.serviceAccount.role).toBe(
      'admin',
    );
    for (const bad of [{ role: 'root' }, { description: 'ü'.repeat(501) }, { disabled: 'yes' }]) {
      expect([bad, (await app.call('PATCH', path, { body: bad })).status]).toEqual([bad, 400]);
      const fresh = { name: 'other', ...bad };
      if (!('disabled' in bad))
        expect((await app.call('POST', '/api/admin/service-accounts', { body: fresh })).status).toBe(400);
    }
  });

  it('refuse a name that is taken', async () => {
    await makeServiceAccount(app, 'ci', 'viewer');
    const { status, body } = await app.call('POST', '/api/admin/service-accounts', { body: { name: 'ci' } });
    expect([status, body.message]).toEqual([409, 'Name already in use']);
  });

  it('act as no person: what they do names the account, and no user', async () => {
    const { databaseId } = await makeEnvironment(app, 'shop');
    const account = await makeServiceAccount(app, 'robot', 'admin');
    const { token } = await makeToken(app, { serviceAccountId: account }, { role: 'admin' });
    const { body } = await app.call('POST', `/api/databases/${databaseId}/backups`, { token });
    const { body: read } = await app.call('GET', `/api/backups/${body.backupId}`, { token });
    expect([read.backup.triggeredById, read.backup.triggeredBy]).toEqual([null, null]);
    const entry = await app.services.db
      .selectFrom('audit_logs')
      .select(['user_id', 'service_account_id', 'token_prefix'])
      .where('action', '=', 'backup')
      .executeTakeFirstOrThrow();
    expect(entry).toEqual({ user_id: null, service_account_id: account, token_prefix: token.slice(0, 14) });
    // Its own id is no user's: there is nobody to read or change.
    expect((await app.call('GET', `/api/users/sa:${account}`, { token })).status).toBe(404);
    expect(
      (await app.call('PATCH', `/api/users/${app.userIds.viewer}`, { token, body: { role: 'operator' } }))
        .status,
    ).toBe(200);
  });
});

describe('a token that may only back up', () => {
  it('asks for a backup, reads it, and pins what it asked for', async () => {
    const { environmentId, databaseId } = await makeEnvironment(app, 'shop + <script>');
    const owner = { userId: app.userIds.operator };
    const only = { access: 'backups', environmentIds: [environmentId] } as const;
    const { token, id: own } = await makeToken(app, owner, only);
    const base = `/api/environments/${environmentId}/databases/${databaseId}/backups`;
    const { body: summary } = await app.call(
      'GET',
      `/api/environments/${environmentId}/databases/backup-summary`,
      { token },
    );
    expect(summary.databases).toMatchObject([{ databaseId, name: 'shop of shop + <script>' }]);
    expect((await me(token)).body.scopes).toEqual(['backups:read', 'backups:write']);

    const { body: asked } = await app.call('POST', base, { token });
    expect(asked.message).toBe('Backup started');
    const one = await app.call('GET', `/api/environments/${environmentId}/backups/${asked.backupId}`, {
      token,
    });
    expect(one.body.backup).toMatchObject({ id: asked.backupId, status: 'pending', isPinned: false });
    expect((await app.call('GET', base, { token })).body.total).toBe(1);

    const pin = (by: string, pinned: boolean) =>
      app.call('PUT', `${base}/${asked.backupId}/pin`, { token: by, body: { pinned } });
    expect((await pin(token, true)).body.backup.isPinned).toBe(true);
    const stranger = await makeToken(app, owner, only);
    const refused = await pin(stranger.token, false);
    expect([refused.status, refused.body.code]).toEqual([403, 'FORBIDDEN_SCOPE']);
    // Two that asked for the same one: it stays pinned until both have given it back.
    await app.call('POST', base, { token: stranger.token });
    expect((await pin(stranger.token, true)).body.backup.isPinned).toBe(true);
    for (const by of ['token', `token:${own}`, `token:${stranger.id}`, `person:${app.userIds.operator}`]) {
      const { runs } = (await app.call('GET', `/api/runs?by=${by}`)).body;
      expect([by, runs.map((run: { id: string }) => run.id)]).toEqual([by, [asked.backupId]]);
    }
    expect((await app.call('GET', '/api/runs?by=person')).body.runs).toEqual([]);
    expect((await pin(token, false)).body.backup.isPinned).toBe(true);
    expect((await pin(token, false)).body.backup.isPinned).toBe(true);
    expect((await pin(stranger.token, false)).body.backup.isPinned).toBe(false);
    // What a person pins stays a person's, also where a token had pinned it before.
    await pin(token, true);
    const person = `/api/databases/${databaseId}/backups/${asked.backupId}/pin`;
    await app.call('PUT', person, { body: { pinned: true } });
    expect((await pin(token, false)).body.backup.isPinned).toBe(true);
    expect((await app.call('PUT', person, { body: { pinned: false } })).body.backup.isPinned).toBe(false);
  });

  it('as a viewer only reads', async () => {
    const { environmentId, databaseId } = await makeEnvironment(app, 'shop');
    const { token } = await makeToken(
      app,
      { userId: app.userIds.viewer },
      { role: 'viewer', access: 'backups' },
    );
    const base = `/api/environments/${environmentId}/databases/${databaseId}/backups`;
    expect((await app.call('GET', base, { token })).status).toBe(200);
    expect((await app.call('POST', base, { token })).body.code).toBe('FORBIDDEN_ROLE');
  });
});
