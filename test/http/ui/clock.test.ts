import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSession } from '../../../src/auth/sessions.ts';
import { getUser } from '../../../src/auth/users.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { insertBackup } from '../../support/backup-row.ts';

const HOUR = 3_600_000;
const NOW = new Date();

let app: TestApp;
let cookie: string;
let paths: readonly string[];
let databaseId: string;
beforeAll(async () => {
  app = await openTestApp({ env: { SESSION_TTL: '60d' } });
  app.setNow(NOW);
  const begun = new Date(NOW.getTime() - 60_000).toISOString();
  const backup = await insertBackup(app.services.db, new Date(begun), {
    ...{ status: 'completed', outcome: 'completed', started_at: begun, completed_at: NOW.toISOString() },
    ...{ size: 1000, duration: 60, verification: 'stored' },
  });
  databaseId = backup.database_id;
  const admin = await getUser(app.services.db, app.userIds.admin);
  const { token } = await startSession(app.services, admin, 'ui');
  cookie = `bridgeport_session=${token}`;
  const database = `/databases/${databaseId}`;
  paths = [
    ...['/', '/databases', '/runs', '/schedules', '/drills', '/environments', '/notifications', '/account'],
    ...['/admin/users', '/admin/audit', '/admin/system', '/notifications/report'],
    ...[database, `${database}/schedule`, `${database}/retention`, `${database}/drills`],
    ...[`${database}/figures`, `${database}/protection`, `${database}/backups`, `${database}/runs?shown=`],
    ...[`/backups/${backup.id}`, '/runs/running'],
  ];
});
afterAll(() => app.close());

async function pageOf(path: string): Promise<string> {
  const { status, body } = await app.call('GET', path, { token: null, headers: { cookie } });
  expect([path, status]).toEqual([path, 200]);
  expect([path, /NaN|Invalid Date|undefined|in -|-\d+ (?:s|min|h|d)\b/.exec(body)]).toEqual([path, null]);
  return body;
}

it('A clock that jumps under open pages leaves each of them readable, and none of them green that nobody can vouch for', async () => {
  const schedule = { cronExpression: '0 2 * * *', enabled: true, timeZone: 'Europe/Berlin' };
  const saved = await app.call('PUT', `/api/databases/${databaseId}/schedule`, { body: schedule });
  expect(saved.status).toBe(200);
  for (const [hours, state, words] of [
    [0, 'protected', ''],
    // It was an hour ahead, and is set right.
    [-1, 'protected', ''],
    [7 * 24, 'late', 'one should be no older than'],
    [-7 * 24, 'late', 'is from the future'],
    [-40 * 365 * 24, 'late', 'is from the future'],
    [0, 'protected', ''],
  ] as const) {
    app.setNow(new Date(NOW.getTime() + hours * HOUR));
    for (const path of paths) await pageOf(path);
    const { body } = await app.call('GET', `/api/databases/${databaseId}`);
    expect([hours, body.protection.state]).toEqual([hours, state]);
    const banner = await pageOf(`/databases/${databaseId}/protection`);
    expect([hours, banner.includes(words), banner.includes('Not safe')]).toEqual([
      hours,
      true,
      state === 'late',
    ]);
  }
});
