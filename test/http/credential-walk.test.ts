import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../../src/auth/login.ts';
import { ROLES, type Role } from '../../src/auth/roles.ts';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { toFailure } from '../../src/http/failure.ts';
import { mountRoutes } from '../../src/http/mount.ts';
import type { ApiEnv, ApiRoute } from '../../src/http/route.ts';
import { updateServiceAccount } from '../../src/tokens/service-accounts.ts';
import { revokeToken } from '../../src/tokens/tokens.ts';
import { makeEnvironment, makeServiceAccount, makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

/** Who asks, what is sent, and who that is by the rules: nobody, or a role with what the credential is for. */
interface Credential {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly counts: null | {
    readonly role: Role;
    readonly userId: string | null;
    readonly environmentIds: readonly string[] | null;
    readonly mayOnlyBackUp: boolean;
    /** Which no declared route tells. */
    readonly mayOnlyReadMetrics?: boolean;
  };
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };
/** What a token may call that is only to back up, beside who it is and where: a list of its own, so that no declaration widens it. */
const FOR_BACKUPS = [
  'GET /api/environments/:envId/databases/backup-summary',
  'POST /api/environments/:envId/databases/:id/backups',
  'GET /api/environments/:envId/databases/:id/backups',
  'GET /api/environments/:envId/backups/:id',
  'PUT /api/environments/:envId/databases/:id/backups/:backupId/pin',
];

/** What changes something, or looks at something by POST, and is open to a viewer: the contract's, and what is their own affair. */
const FOR_VIEWERS: readonly string[] = [
  'POST /api/auth/logout',
  'POST /api/notifications/:id/read',
  'POST /api/notifications/read-all',
  'PUT /api/notifications/preferences/:typeId',
  'PATCH /api/users/:id',
  'POST /api/users/:id/change-password',
  'DELETE /api/users/:id/sessions/:sessionId',
  ...['', '/confirm', '/recovery-codes', '/remove'].map((step) => `POST /api/users/:id/second-factor${step}`),
  'POST /api/databases/:id/backup-policy/preview',
  'POST /api/settings/spaces/test',
];

/** What shows nothing, and is there for who is not signed in. */
const PUBLIC_PAGES = [
  ...['/login', '/login/code', '/login/oidc', '/login/oidc/callback', '/setup', '/logout', '*', '/*'],
  ...['/health', '/live', '/ready', '/metrics', '/openapi.json'],
];

let app: TestApp;
let routes: readonly ApiRoute[];
/** Every declared route, with nothing behind its door: what comes through answers 200. */
let doors: Hono<ApiEnv>;
let here: { readonly environmentId: string; readonly databaseId: string };
let elsewhere: typeof here;
const credentials: Credential[] = [];

beforeAll(async () => {
  app = await openTestApp();
  routes = routesOf(apiGroups(app.services));
  const open = routes.map((route) => ({
    ...route,
    body: null,
    query: null,
    success: 200 as const,
    handle: async () => ({}),
  }));
  doors = new Hono<ApiEnv>();
  doors.onError((error, c) => {
    const { status, body } = toFailure(error, 'test');
    return c.json(body, status);
  });
  doors.route('/', mountRoutes(app.services, open, { api: () => undefined }));
  here = await makeEnvironment(app, 'here');
  elsewhere = await makeEnvironment(app, 'elsewhere');
  await addCredentials();
});
afterAll(() => app.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function addCredentials(): Promise<void> {
  const nobody = (name: string, headers: Credential['headers'] = {}) =>
    credentials.push({ name, headers, counts: null });
  const somebody = (name: string, token: string, counts: NonNullable<Credential['counts']>) =>
    credentials.push({ name, headers: bearer(token), counts });
  const full = { environmentIds: null, mayOnlyBackUp: false };

  nobody('anonymous');
  const signIn = { email: 'admin@example.com', password: 'correct horse battery' } as const;
  const ui = await login(app.services, { ...signIn, kind: 'ui', from: { address: null, browser: null } });
  nobody('cookie', { cookie: `bridgeport_session=${ui.token}; __Host-bridgeport_session=${ui.token}` });
  nobody('the text of a cookie as a bearer token', bearer(ui.token));

  const admin = app.userIds.admin;
  const { token: good } = await makeToken(app, { userId: admin }, { role: 'admin' });
  nobody('tampered token', bearer(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`));
  nobody('truncated token', bearer(good.slice(0, -1)));
  nobody('lengthened token', bearer(`${good}A`));
  nobody('token in other letters', bearer(good.toUpperCase()));
  nobody('token without its beginning', bearer(good.slice('bport_pat_'.length)));
  nobody('lower-case bearer', { authorization: `bearer ${good}` });
  nobody('token as basic', { authorization: `Basic ${btoa(`x:${good}`)}` });
  nobody('token in a cookie', { cookie: `bridgeport_session=${good}` });
  nobody('token twice', { authorization: `Bearer ${good}, Bearer ${good}` });
  const other = await openTestApp();
  nobody(
    'token of another installation',
    bearer((await makeToken(other, { userId: other.userIds.admin }, { role: 'admin' })).token),
  );
  nobody('session of another installation', bearer(other.tokens.admin));
  await other.close();
  const revoked = await makeToken(app, { userId: admin }, { role: 'admin' });
  await revokeToken(app.services, { userId: admin, address: null }, revoked.id);
  nobody('revoked token', bearer(revoked.token));
  const expired = await makeToken(app, { userId: admin }, { role: 'admin', days: 1 });
  await app.services.db
    .updateTable('api_tokens')
    .set({ expires_at: new Date(Date.now() - 1).toISOString() })
    .where('id', '=', expired.id)
    .execute();
  nobody('expired token', bearer(expired.token));
  const disabled = await makeServiceAccount(app, 'disabled', 'admin');
  const ofDisabled = await makeToken(app, { serviceAccountId: disabled }, { role: 'admin' });
  await updateServiceAccount(app.services, { userId: admin, address: null }, disabled, { disabled: true });
  nobody('token of a disabled account', bearer(ofDisabled.token));
  const gone = await app.call('POST', '/api/users', {
    body: { email: 'gone@example.com', password: 'correct horse battery', role: 'admin' },
  });
  const ofGone = await makeToken(app, { userId: gone.body.user.id }, { role: 'admin' });
  await app.call('DELETE', `/api/users/${gone.body.user.id}`);
  nobody('token of a deleted user', bearer(ofGone.token));

  for (const role of ROLES) {
    const userId = app.userIds[role];
    somebody(`session, ${role}`, app.tokens[role], { role, userId, ...full });
    const account = await makeServiceAccount(app, `robot-${role}`, role);
    for (const [whose, owner] of [
      ['a person', { userId }],
      ['a service account', { serviceAccountId: account }],
    ] as const) {
      const of = { role, userId: 'userId' in owner ? userId : null };
      const name = `token of ${whose}, ${role}`;
      somebody(name, (await makeToken(app, owner, { role })).token, { ...of, ...full });
      const environmentIds = [here.environmentId];
      const scoped = await makeToken(app, owner, { role, environmentIds });
      somebody(`${name}, one environment`, scoped.token, { ...of, environmentIds, mayOnlyBackUp: false });
      const backups = await makeToken(app, owner, { role, access: 'backups', environmentIds });
      const only = { mayOnlyBackUp: true };
      somebody(`${name}, backups of one`, backups.token, { ...of, environmentIds, ...only });
      const everywhere = await makeToken(app, owner, { role, access: 'backups' });
      const metrics = await makeToken(app, owner, { role, access: 'metrics' });
      somebody(`${name}, metrics`, metrics.token, { ...of, ...full, mayOnlyReadMetrics: true });
      somebody(`${name}, backups of all`, everywhere.token, { ...of, environmentIds: null, ...only });
    }
    const less = await makeToken(app, { userId: admin }, { role });
    somebody(`token of an admin, as ${role}`, less.token, { role, userId: admin, ...full });
  }
  // The owner may less than when the token was made: so may the token.
  const demoted = await makeServiceAccount(app, 'demoted', 'admin');
  const ofDemoted = await makeToken(app, { serviceAccountId: demoted }, { role: 'admin' });
  await updateServiceAccount(app.services, { userId: admin, address: null }, demoted, { role: 'viewer' });
  somebody('admin token of an account that views', ofDemoted.token, {
    role: 'viewer',
    userId: null,
    ...full,
  });
}

/** What the declaration says that this credential is answered: 200 is let through. */
function expected(route: ApiRoute, environmentId: string, id: string, { counts }: Credential): string {
  if (route.access === 'public') return '200';
  if (counts === null) return '401 UNAUTHORIZED';
  const name = `${route.method} ${route.path}`;
  if (counts.mayOnlyReadMetrics === true && name !== 'GET /api/auth/me') return '403 FORBIDDEN_SCOPE';
  const isOfEvery = name === 'GET /api/auth/me' || name === 'GET /api/environments';
  const isUnder = /^\/api\/environments\/:/.test(route.path);
  const isInScope =
    isOfEvery ||
    ((!counts.mayOnlyBackUp || FOR_BACKUPS.includes(name)) &&
      (counts.environmentIds === null || (isUnder && counts.environmentIds.includes(environmentId))));
  if (!isInScope) return '403 FORBIDDEN_SCOPE';
  const isAllowed =
    route.access === 'self-or-admin'
      ? counts.role === 'admin' || counts.userId === id
      : RANK[counts.role] >= RANK[route.access];
  return isAllowed ? '200' : '403 FORBIDDEN_ROLE';
}

describe('every declared route, with every kind of credential', () => {
  it('opens to whom its declaration says, and to nobody else', async () => {
    expect(routes.length).toBeGreaterThan(80);
    const wrong: string[] = [];
    let walked = 0;
    for (const route of routes) {
      for (const environmentId of [here.environmentId, elsewhere.environmentId]) {
        if (environmentId === elsewhere.environmentId && !route.path.startsWith('/api/environments/:'))
          continue;
        const id = app.userIds.viewer;
        const path = route.path
          .replace(/^(\/api\/environments)\/:\w+/, `$1/${environmentId}`)
          .replaceAll(/:\w+/g, id);
        for (const credential of credentials) {
          const response = await doors.request(path, { method: route.method, headers: credential.headers });
          const { code } = response.status === 200 ? { code: '' } : await response.json();
          const found = `${response.status} ${code}`.trim();
          const wanted = expected(route, environmentId, id, credential);
          walked += 1;
          if (found !== wanted)
            wrong.push(`${route.method} ${path} as ${credential.name}: ${found}, not ${wanted}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(walked).toBeGreaterThan(routes.length * 40);
  });

  it('is declared for tokens that only back up where this list says so', () => {
    const declared = routes.filter(({ isForBackups }) => isForBackups);
    expect(declared.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...FOR_BACKUPS].sort());
  });

  it('lets viewers change only what this list says', () => {
    const declared = routes.filter(
      ({ method, access }) => method !== 'GET' && (access === 'viewer' || access === 'self-or-admin'),
    );
    expect(declared.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...FOR_VIEWERS].sort());
  });

  it('finds nothing of another environment through one’s own', async () => {
    const nested = routes.filter(({ path }) => /^\/api\/environments\/:\w+\/.*:(id|backupId)/.test(path));
    expect(nested.length).toBeGreaterThanOrEqual(5);
    const { body } = await app.call('POST', `/api/databases/${elsewhere.databaseId}/backups`);
    const hook = { url: 'https://example.com/hook', events: ['backup.failed'] };
    const subscribed = await app.call('POST', `/api/environments/${elsewhere.environmentId}/webhooks`, {
      body: hook,
    });
    expect(subscribed.status).toBe(201);
    const { token } = await makeToken(
      app,
      { userId: app.userIds.admin },
      { role: 'admin', environmentIds: [here.environmentId] },
    );
    for (const { method, path } of nested) {
      const foreign = path
        .replace(/^(\/api\/environments)\/:\w+/, `$1/${here.environmentId}`)
        .replace('databases/:id', `databases/${elsewhere.databaseId}`)
        .replace('backups/:id', `backups/${body.backupId}`)
        .replace('webhooks/:id', `webhooks/${subscribed.body.subscription.id}`)
        .replace(':backupId', body.backupId);
      expect(foreign).not.toContain(':');
      const answer = await app.call(method, foreign, { token, body: { pinned: true } });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
  });
});

describe('the pages', () => {
  it('open to no token and to no session of the API, whichever is asked for', async () => {
    const { token } = await makeToken(app, { userId: app.userIds.admin }, { role: 'admin' });
    const pages = app.app.routes.filter(
      ({ method, path }) =>
        method === 'GET' && !/^\/(api|assets|docs)(\/|$)/.test(path) && !PUBLIC_PAGES.includes(path),
    );
    const paths = [...new Set(pages.map(({ path }) => path.replaceAll(/:\w+/g, here.environmentId)))];
    expect(paths.length).toBeGreaterThan(50);
    const session = app.tokens.admin;
    const open: string[] = [];
    for (const path of paths) {
      for (const held of [token, session]) {
        for (const headers of [bearer(held), { cookie: `bridgeport_session=${held}` }]) {
          const { status, headers: answer } = await app.app.request(`http://localhost${path}`, { headers });
          const isSentAway =
            status === 303 &&
            answer.get('location') === `/login${path === '/' ? '' : `?next=${encodeURIComponent(path)}`}`;
          if (!isSentAway) open.push(`${path}: ${status} ${answer.get('location')}`);
        }
      }
    }
    expect(open).toEqual([]);
  });
});
