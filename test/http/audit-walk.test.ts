import { readFileSync } from 'node:fs';
import type { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db } from '../../src/db/schema.ts';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { newId } from '../../src/ids.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { costsOf } from '../support/query-plans.ts';
import { codeOf } from '../support/second-factor.ts';
import { setupCodeOf } from '../support/setup-code.ts';

/**
 * Every declared route that changes something, and every one that gives out a secret, a backup's bytes or the audit itself, is
 * called, and its row of the audit found by the request.
 */

/** What changes nothing by itself: each looks at something, or only tells what would be. */
const LOOKS = [
  'POST /api/databases/:id/backup-policy/preview',
  'POST /api/environments/:envId/databases/:id/test-connection',
  ...['POST /api/servers/:id/test-ssh', 'POST /api/servers/:id/health', 'POST /api/servers/:id/discover'],
  ...['POST /api/settings/spaces/test', 'POST /api/environments/:id/spaces/test'],
  ...['POST /api/settings/smtp/test', 'POST /api/admin/notification-channels/:id/test'],
  'POST /api/environments/:envId/webhooks/:id/test',
  'POST /api/system/oidc/test',
  // What somebody has read, or wants to read, is their own affair.
  ...['POST /api/notifications/read-all', 'POST /api/notifications/:id/read'],
  'PUT /api/notifications/preferences/:typeId',
];
/** What reaches a storage or a host before it does anything: where a server is at hand, its row is looked for. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, action: string]>> = {
  'POST /api/settings/spaces/orphans/remove': ['http/api/orphans', 'remove_orphan'],
  'POST /api/databases/:id/backup-policy/accept': ['retention/prune', 'backup.accept_size'],
  'POST /api/restores/:id/clean-up': ['restores/settle-swap', 'restore.clean_up'],
  'POST /api/restores/:id/drop-kept': ['restores/in-place', 'restore.drop_kept'],
  'POST /api/restores/:id/drop': ['restores/drop-restored', 'restore.drop_restored'],
  'POST /api/restores/:id/rename': ['restores/rename', 'restore'],
  'POST /api/backups/:id/restore': ['restores/in-place', 'restore'],
  'POST /api/backups/:id/drill': ['drills/drills', 'drill'],
  'GET /api/backups/:id/download': ['http/api/downloads', 'download'],
};
const GIVEN_OUT = [
  'GET /api/environments/:id/ssh-key',
  'GET /api/backups/:id/download',
  'GET /api/audit-logs/export',
];

/** The rows that clients look for; a backup that a rotation removes has its own test. */
const CONTRACT = [
  ...['create user', 'update user', 'delete user', 'create api_token', 'delete api_token'],
  ...['create service_account', 'update service_account', 'delete service_account'],
  ...['create environment', 'update environment', 'delete environment', 'ssh_key_access environment'],
  ...['create server', 'update server', 'delete server'],
  ...['create database', 'update database', 'delete database', 'backup database', 'backup.rotate database'],
  ...['delete backup', 'backup.pin backup', 'backup.unpin backup'],
  ...['update backup_schedule', 'delete backup_schedule'],
  ...['update backup_retention_policy', 'delete backup_retention_policy'],
  ...['create spaces_config', 'update spaces_config', 'delete spaces_config', 'update spaces_environment'],
  ...['update system_settings', 'create webhook_subscription', 'delete webhook_subscription'],
];

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const mine = { currentPassword: 'correct horse battery' };
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBR2mHzT1r8vCAeCPH0Gxo5YHTtxvf2VjCSiAZxZaSUs';

let app: TestApp;
let db: Db;
/** The first query of each text that a call asked. */
const seen = new Map<string, CompiledQuery>();
let isCalling = false;
beforeAll(async () => {
  db = openDatabase(':memory:', {
    log: ({ query }) => {
      if (isCalling && !seen.has(query.sql)) seen.set(query.sql, query);
    },
  });
  await migrate(db, { file: null, now: () => new Date() });
  app = await openTestApp({ db, env: { PUBLIC_URL: 'http://localhost' } });
});
afterAll(async () => {
  await app.close();
});

it('every route that changes something or gives something away leaves a row of who, from where and in which request', async () => {
  const declared = routesOf(apiGroups(app.services))
    .filter((route) => (route.method !== 'GET' && !route.isReading) || GIVEN_OUT.includes(nameOf(route)))
    .map(nameOf);
  const walked = new Set<string>([...LOOKS, ...Object.keys(ELSEWHERE)]);
  const silent: string[] = [];

  async function walk(route: string, ids: readonly string[] = [], body?: object, of = app, token?: string) {
    const left = [...ids];
    const [method = '', path = ''] = route.split(' ');
    const requestId = `walk-${newId()}`;
    const options = { headers: { 'x-request-id': requestId }, from: '198.51.100.7', ...(body && { body }) };
    const [plain, query = ''] = path.split('?');
    const filled = (plain ?? '').replaceAll(/:\w+/g, () => left.shift() ?? 'missing');
    isCalling = true;
    const reply = await of.call(method, query === '' ? filled : `${filled}?${query}`, {
      ...options,
      ...(token === undefined ? {} : { token }),
    });
    isCalling = false;
    expect([route, reply.status < 300 ? null : reply.body]).toEqual([route, null]);
    const rows = await of.services.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('request_id', '=', requestId)
      .execute();
    const isNoted = rows.length > 0 && rows.every(({ address }) => address === '198.51.100.7');
    if (!isNoted) silent.push(route);
    walked.add(`${method} ${plain}`);
    return reply.body;
  }

  const fresh = await openTestApp({ withoutUsers: true });
  await prepareFirstAdmin(fresh.services);
  await walk(
    'POST /api/auth/register',
    [],
    { email: 'root@example.com', password: 'correct horse battery', setupCode: setupCodeOf(fresh.log) },
    fresh,
  );
  await fresh.close();
  const signIn = { email: 'viewer@example.com', password: 'correct horse battery' };
  const { token } = await walk('POST /api/auth/login', [], signIn);
  await walk('POST /api/auth/logout', [], {}, app, token);
  const again = await app.call('POST', '/api/auth/login', { body: signIn });
  const own = { token: again.body.token };
  const { id: viewerId } = again.body.user;
  const { sessions } = (await app.call('GET', `/api/users/${viewerId}/sessions`, own)).body;
  const current = sessions.find(({ isCurrent }: { isCurrent: boolean }) => isCurrent);
  await walk('DELETE /api/users/:id/sessions/:sessionId', [viewerId, current.id]);
  const factor = 'POST /api/users/:id/second-factor';
  const { secret } = await walk(factor, [app.userIds.operator], mine, app, app.tokens.operator);
  const code = codeOf(secret, new Date());
  await walk(`${factor}/confirm`, [app.userIds.operator], { code }, app, app.tokens.operator);
  await walk(`${factor}/recovery-codes`, [app.userIds.operator], mine, app, app.tokens.operator);
  await walk(`${factor}/remove`, [app.userIds.operator], mine, app, app.tokens.operator);
  const { user } = await walk('POST /api/users', [], {
    ...{ email: 'new+1@example.com', password: 'a-long-password-4', name: ODD },
  });
  await walk('PATCH /api/users/:id', [user.id], { role: 'operator' });
  await walk('POST /api/users/:id/change-password', [user.id], { newPassword: 'another-password-4' });
  const { serviceAccount } = await walk('POST /api/admin/service-accounts', [], { name: 'nightly' });
  await walk('PATCH /api/admin/service-accounts/:id', [serviceAccount.id], { description: ODD });
  const { tokenRecord } = await walk('POST /api/admin/tokens', [], {
    ...{ name: ODD, ownerServiceAccountId: serviceAccount.id, role: 'viewer' },
    ...{ allEnvironments: true, expiresInDays: 1 },
  });
  await walk('DELETE /api/admin/tokens/:tokenId', [tokenRecord.id]);
  await walk('DELETE /api/admin/service-accounts/:id', [serviceAccount.id]);
  await walk('DELETE /api/users/:id', [user.id]);

  const { environment } = await walk('POST /api/environments', [], { name: ODD });
  await walk('POST /api/environments/:id/ssh-key', [environment.id]);
  const { privateKey } = await walk('GET /api/environments/:id/ssh-key', [environment.id]);
  await walk('DELETE /api/environments/:id/ssh', [environment.id]);
  await walk('PUT /api/environments/:id/ssh', [environment.id], {
    sshPrivateKey: privateKey,
    sshUser: 'root',
  });
  const settings = { sshUser: 'deploy' };
  await walk('PATCH /api/environments/:id/settings/:module', [environment.id, 'general'], settings);
  await walk('POST /api/environments/:id/settings/:module/reset', [environment.id, 'general']);

  const { server } = await walk('POST /api/environments/:envId/servers', [environment.id], {
    ...{ name: ODD, hostname: '127.0.0.2' },
  });
  await walk('PATCH /api/servers/:id', [server.id], { name: `${ODD} 2` });
  await walk('PUT /api/servers/:id/host-key', [server.id], { hostKey: HOST_KEY });
  await walk('DELETE /api/servers/:id/host-key', [server.id]);
  await walk('PUT /api/servers/:id/blackouts', [server.id], {
    blackouts: [{ weekdays: [1], from: '01:00', until: '02:00' }],
  });
  const login = { username: 'restorer', password: 'a password', host: '127.0.0.1', port: 5432 };
  await walk('PUT /api/servers/:id/restore-logins/:engine', [server.id, 'postgres'], login);
  await walk('DELETE /api/servers/:id/restore-logins/:engine', [server.id, 'postgres']);

  const { database } = await walk('POST /api/environments/:envId/databases', [environment.id], {
    ...{ name: ODD, type: 'sqlite', filePath: '/var/backups/app.db', serverId: server.id },
  });
  await walk('PATCH /api/databases/:id', [database.id], { name: `${ODD} 2` });
  const schedule = { cronExpression: '0 2 * * *', enabled: true };
  await walk('PUT /api/databases/:id/schedule', [database.id], schedule);
  await walk('DELETE /api/databases/:id/schedule', [database.id]);
  const { rule } = await walk('POST /api/schedules/rules', [], { name: ODD, cronExpression: '0 2 * * *' });
  await walk('PATCH /api/schedules/rules/:id', [rule.id], { cronExpression: '0 3 * * *' });
  await walk('DELETE /api/schedules/rules/:id', [rule.id]);
  await walk('PUT /api/databases/:id/ping', [database.id], { url: 'https://hc-ping.com/1c9f3c1b' });
  await walk('POST /api/databases/:id/ping/test', [database.id]);
  await walk('DELETE /api/databases/:id/ping', [database.id]);
  const tiers = { keepLast: 9, daily: 7, weekly: 4, monthly: 6, yearly: 1, minFloor: 2 };
  await walk('PUT /api/databases/:id/backup-policy', [database.id], { preset: 'custom', ...tiers });
  await walk('POST /api/databases/:id/rotate', [database.id]);
  await walk('DELETE /api/databases/:id/backup-policy', [database.id]);

  const { backupId } = await walk('POST /api/databases/:id/backups', [database.id]);
  await walk('POST /api/backups/:id/cancel', [backupId]);
  const inEnvironment = [environment.id, database.id];
  const { backupId: second } = await walk(
    'POST /api/environments/:envId/databases/:id/backups',
    inEnvironment,
  );
  const { id: runId } = await app.services.db
    .selectFrom('runs')
    .select('id')
    .where('subject_id', '=', second)
    .executeTakeFirstOrThrow();
  await walk('POST /api/runs/:id/cancel', [runId]);
  const good = await insertBackup(app.services.db, new Date(), { status: 'completed', outcome: 'completed' });
  const { environment_id: itsEnvironment } = await app.services.db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', good.database_id)
    .executeTakeFirstOrThrow();
  const pin = 'PUT /api/databases/:id/backups/:backupId/pin';
  await walk(pin, [good.database_id, good.id], { pinned: true });
  const pinThere = 'PUT /api/environments/:envId/databases/:id/backups/:backupId/pin';
  await walk(pinThere, [itsEnvironment, good.database_id, good.id], { pinned: false });
  await app.services.db
    .insertInto('backup_objects')
    .values({
      ...{ id: newId(), backup_id: good.id, kind: 'dump', number: 0, bytes: 1 },
      ...{ endpoint: 'https://s3.example.com', region: 'x', bucket: 'b', key: 'app.dump' },
    })
    .execute();
  await walk('POST /api/backups/:id/verify', [good.id]);
  await app.services.db.deleteFrom('runs').where('subject_id', '=', good.id).execute();
  await walk('DELETE /api/backups/:id', [good.id]);

  const { database: held } = await walk('POST /api/environments/:envId/databases', [environment.id], {
    ...{
      name: 'held',
      type: 'postgres',
      serverId: server.id,
      host: '127.0.0.1',
      username: 'me',
      password: 'secret',
    },
  });
  await app.call('PATCH', `/api/servers/${server.id}`, {
    body: { hostname: '127.0.0.3' },
    token: app.tokens.operator,
  });
  await walk('POST /api/databases/:id/confirm-target', [held.id]);

  const keys = { accessKey: 'WALKKEY000000000001', secretKey: 'walk-secret-walk-secret-walk-secret-0001' };
  for (const buckets of [['prod-backups'], ['prod-backups', 'more']]) {
    await walk('PUT /api/settings/spaces', [], { ...keys, buckets });
  }
  await walk('PUT /api/settings/spaces/environments/:environmentId', [environment.id], { enabled: true });
  await walk('DELETE /api/settings/spaces');
  await walk('PUT /api/settings/system', [], { activeUserWindowMin: 20 });
  await walk('PATCH /api/settings/system', [], { activeUserWindowMin: 21 });
  await walk('POST /api/settings/system/reset');
  // Nothing is listening there, and they are kept all the same.
  await walk('PUT /api/settings/smtp', [], {
    ...{ host: '127.0.0.1', port: 9, security: 'none', saveAnyway: true },
    sender: 'bridgeport@example.com',
  });
  await walk('DELETE /api/settings/smtp');
  const oidc = {
    issuer: 'https://127.0.0.1:1',
    clientId: ODD,
    clientSecret: 'of the client',
    saveAnyway: true,
  };
  await walk('PUT /api/system/oidc', [], oidc);
  await walk('DELETE /api/system/oidc');
  await app.call('PUT', '/api/settings/system', { body: { privateHosts: '127.0.0.1' } });
  const chat = { kind: 'slack', name: ODD, url: 'https://127.0.0.1:9/hook', saveAnyway: true };
  const { channel } = await walk('POST /api/admin/notification-channels', [], chat);
  await walk('PATCH /api/admin/notification-channels/:id', [channel.id], { leastSeverity: 'critical' });
  await walk('DELETE /api/admin/notification-channels/:id', [channel.id]);
  await walk('PUT /api/admin/notification-types/:id', ['system.backup_failed'], { bounceCooldown: 420 });
  const hook = { url: 'https://127.0.0.1:9/x', events: ['backup.completed'] };
  const { subscription } = await walk('POST /api/environments/:envId/webhooks', [environment.id], hook);
  await walk('DELETE /api/environments/:envId/webhooks/:id', [environment.id, subscription.id]);
  await walk('GET /api/audit-logs/export?format=csv');
  await walk('DELETE /api/databases/:id', [held.id]);
  const { server: empty } = await walk('POST /api/environments/:envId/servers', [environment.id], {
    ...{ name: 'empty', hostname: '127.0.0.4' },
  });
  await walk('DELETE /api/servers/:id', [empty.id]);
  await app.services.db.updateTable('backups').set({ status: 'failed' }).execute();
  await walk('DELETE /api/environments/:id', [environment.id]);

  expect(silent).toEqual([]);
  expect(declared.filter((route) => !walked.has(route))).toEqual([]);
  expect([...walked].filter((route) => !declared.includes(route) && !LOOKS.includes(route))).toEqual([]);
});

it('the rows are called as the contract calls them', async () => {
  const rows = await db.selectFrom('audit_logs').select(['action', 'resource_type']).distinct().execute();
  const named = rows.map(({ action, resource_type }) => `${action} ${resource_type}`);
  expect(CONTRACT.filter((row) => !named.includes(row))).toEqual([]);
});

it('what they ask of the database reads and sorts no table that grows with the backups', async () => {
  const queries = [...seen.values()];
  expect(queries.length).toBeGreaterThan(150);
  expect((await Promise.all(queries.map((query) => costsOf(db, query)))).flat()).toEqual([]);
});

it('what reaches elsewhere is looked for where a server is at hand', () => {
  for (const [file, action] of Object.values(ELSEWHERE)) {
    const source = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8');
    expect([file, source.includes("'audit_logs'"), source.includes(`'${action}'`)]).toEqual([
      file,
      true,
      true,
    ]);
  }
});

const nameOf = ({ method, path }: { readonly method: string; readonly path: string }) => `${method} ${path}`;
