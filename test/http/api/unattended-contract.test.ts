import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../../src/auth/roles.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

/*
 * The rows of the contract's sections 9, 10 and 12 one by one: who may call each, which fields answer. What each means is in the
 * tests of schedules, policies and settings.
 */

let app: TestApp;
let databaseId: string;
beforeAll(async () => {
  app = await openTestApp();
  const { environment } = (await app.call('POST', '/api/environments', { body: { name: 'prod "ü" +' } }))
    .body;
  const body = { name: 'shop <b> 😀', type: 'postgres', username: 'me', password: 'a password' };
  const made = await app.call('POST', `/api/environments/${environment.id}/databases`, { body });
  databaseId = made.body.database.id;
});
afterAll(() => app.close());

const H = ['id', 'cronExpression', 'retentionDays', 'enabled', 'lastRunAt', 'nextRunAt', 'databaseId'];
const TIERS = ['keepLast', 'daily', 'weekly', 'monthly', 'yearly', 'minFloor'];
const P = [...TIERS, 'maxTotalBytes', 'preset', 'source', 'autoApplied'];
const O = ['id', 'databaseId', 'inheritGlobal', 'preset', 'autoApplied', ...TIERS, 'maxTotalBytes'];
const SETTINGS = [
  ...['sshCommandTimeoutMs', 'sshReadyTimeoutMs', 'pgDumpTimeoutMs', 'activeUserWindowMin'],
  ...['auditLogRetentionDays', 'notificationRetentionDays', 'webhookDeliveryRetentionDays', 'timezone'],
  ...['backupRetentionPreset', 'backupRetentionKeepLast', 'backupRetentionDaily', 'backupRetentionWeekly'],
  ...['backupRetentionMonthly', 'backupRetentionYearly', 'backupRetentionMinFloor'],
  ...['backupRetentionMaxTotalBytes', 'failedBackupRetentionDays', 'backupRotationConfirmThreshold'],
  'publicUrl',
];
const POLICY = { preset: 'custom', keepLast: 3, daily: 0, weekly: 0, monthly: 0, yearly: 0, minFloor: 1 };

interface Row {
  readonly call: string;
  readonly role: Role;
  readonly body?: object;
  /** Of the answer: fields, and of those that are objects theirs. */
  readonly answers: Readonly<Record<string, readonly string[] | unknown>>;
}

const ROWS: readonly Row[] = [
  { call: 'GET schedule', role: 'viewer', answers: { schedule: null } },
  { call: 'PUT schedule', role: 'operator', body: { cronExpression: '0 2 * * *' }, answers: { schedule: H } },
  { call: 'GET schedule', role: 'viewer', answers: { schedule: H } },
  { call: 'DELETE schedule', role: 'operator', answers: { success: true } },
  { call: 'DELETE schedule', role: 'operator', answers: { success: true } },
  {
    call: 'GET backup-policy',
    role: 'viewer',
    answers: { effective: P, override: null, globalDefault: P, source: 'inherited' },
  },
  {
    call: 'PUT backup-policy',
    role: 'operator',
    body: POLICY,
    answers: { override: O, rotation: ['keep', 'prune', 'bytesFreed', 'cappedButUnreachable'] },
  },
  {
    call: 'POST backup-policy/preview',
    role: 'viewer',
    body: {},
    answers: { policy: P, keep: [], prune: [], bytesFreed: 0, cappedButUnreachable: false },
  },
  { call: 'DELETE backup-policy', role: 'operator', answers: { effective: P, source: 'inherited' } },
  {
    call: 'POST rotate',
    role: 'operator',
    answers: { keep: [], prune: [], bytesFreed: 0, cappedButUnreachable: false },
  },
  { call: 'GET /settings/system', role: 'viewer', answers: { settings: SETTINGS, defaults: SETTINGS } },
  { call: 'PUT /settings/system', role: 'admin', body: { timezone: 'UTC' }, answers: { settings: SETTINGS } },
  { call: 'PATCH /settings/system', role: 'admin', body: {}, answers: { settings: SETTINGS } },
  {
    call: 'POST /settings/system/reset',
    role: 'admin',
    answers: { settings: SETTINGS, message: 'Settings reset to defaults' },
  },
];
const ROLES = ['viewer', 'operator', 'admin'] as const;

function pathOf(call: string, id: string): readonly [string, string] {
  const [method = '', path = ''] = call.split(' ');
  return [method, path.startsWith('/') ? `/api${path}` : `/api/databases/${id}/${path}`];
}

describe.each(ROWS)('$call', ({ call, role, body, answers }) => {
  const ask = (of: Role, id: string) => {
    const [method, path] = pathOf(call, id);
    return app.call(method, path, { token: app.tokens[of], ...(body === undefined ? {} : { body }) });
  };

  it(`is for a ${role} and those above, and answers as the contract says`, async () => {
    for (const below of ROLES.slice(0, ROLES.indexOf(role))) {
      expect([below, (await ask(below, databaseId)).status]).toEqual([below, 403]);
    }
    expect((await app.call(...pathOf(call, databaseId), { token: null })).status).toBe(401);
    const { status, body: answer } = await ask(role, databaseId);
    expect(status).toBe(200);
    for (const [name, expected] of Object.entries(answers)) {
      if (Array.isArray(expected) && expected.length > 0) {
        expect(Object.keys(answer[name])).toEqual(expect.arrayContaining(expected));
      } else expect([name, answer[name]]).toEqual([name, expected]);
    }
  });
});

it.each(ROWS.filter(({ call }) => !call.includes('/settings')))(
  '$call of a database that is not ours is 404',
  async ({ call, body }) => {
    const [method, path] = pathOf(call, 'c000000000000000000000000');
    expect((await app.call(method, path, body === undefined ? {} : { body })).status).toBe(404);
  },
);
