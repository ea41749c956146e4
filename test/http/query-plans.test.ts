import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ASKED, NOT_ASKED } from '../../bench/large-pages.ts';
import { LOGIN } from '../../dev/fill/fill.ts';
import { withNames } from '../../dev/fill/paths.ts';
import { endExpiredSessions } from '../../src/auth/sessions.ts';
import { watchForMissing } from '../../src/backups/missing.ts';
import { createBackupKind } from '../../src/backups/node/backup-kind.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import { writeDueManifests } from '../../src/backups/write-manifest.ts';
import type { Db } from '../../src/db/schema.ts';
import { beginDueDrills } from '../../src/drills/due.ts';
import { apiGroups, routesOf } from '../../src/http/api/routes.ts';
import { newId } from '../../src/ids.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { sweepRetention } from '../../src/retention/sweep.ts';
import { forgetOldLogs } from '../../src/runs/forget-old-logs.ts';
import { repairExpired } from '../../src/runs/repair-expired.ts';
import { createWorker } from '../../src/runs/worker.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { createScheduler } from '../../src/schedules/scheduler.ts';
import { deepTestIfDue } from '../../src/storage/deep-test.ts';
import { createDeepTestKind } from '../../src/storage/deep-test-kind.ts';
import { verifyIfDue } from '../../src/verifications/verify-due.ts';
import type { TestApp } from '../support/app.ts';
import { type FilledApp, openFilledApp } from '../support/filled-app.ts';
import { namesInPaths, pickIds } from '../support/filled-ids.ts';
import { unindexedReferences } from '../support/query-plans.ts';
import { until } from '../support/until.ts';

const SIZE = { environments: 8, servers: 16, databases: 80, backups: 8000 };

let filled: FilledApp;
let app: TestApp;
let db: Db;
beforeAll(async () => {
  filled = await openFilledApp(SIZE);
  ({ app, db } = filled);
  await fillSlots();
  await db.updateTable('environments').set({ allow_backup_download: 1 }).execute();
});
afterAll(() => app.close());

/** A rule for all databases, and some months of its slots. */
async function fillSlots(): Promise<void> {
  const yesterday = () => new Date(Date.now() - 86_400_000);
  const nobody = { userId: null, address: null };
  const input = newRule.parse({ name: 'all', cronExpression: '0 * * * *', retries: 1 });
  await createRule({ db, now: yesterday }, nobody, input);
  const databases = await db.selectFrom('database_schedules').select('database_id').execute();
  for (const { database_id: id } of databases) {
    const slots = Array.from({ length: 50 }, (_, hour) => {
      const due = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
      const line = { due_at: due, last_due_at: due, slots: 1, outcome: 'ran', decided_at: due } as const;
      return { id: newId(), database_id: id, ...line, tries: 1, is_watched: 0 } as const;
    });
    await db.insertInto('schedule_slots').values(slots).execute();
  }
  expect(databases.length).toBeGreaterThan(50);
}

/** What answers with a failure as it is asked here, and why; of all else an id that leads nowhere would hide its queries. */
const REFUSED: Readonly<Record<string, number>> = {
  // Wants a token of its own.
  '/metrics': 401,
  // Something to send, not to look at.
  '/logout': 404,
  // Nothing answers for the storage.
  '/api/settings/spaces/orphans': 400,
  '/backups/:backupId/download': 400,
  '/api/backups/:id/download': 400,
  // Wants to be told the format.
  '/api/audit-logs/export': 400,
};

/** Whether the answer is the one that is to be expected without a query. */
const isRefused = (path: string, status: number) => status >= 400 && REFUSED[path] !== status;

describe('no query reads or sorts a large table whole', () => {
  it('for any page or fragment', async () => {
    const ids = await pickIds(db);
    const names = await namesInPaths(db, ids);
    const paths = new Map(
      app.app.routes
        .filter(({ method, path }) => method === 'GET' && !/^\/(api|assets)|\*/.test(path))
        .map(({ path }) => [withNames(path, names), path]),
    );
    expect(paths.size).toBeGreaterThan(25);
    paths.set(`/runs?environment=${ids.environment}`, '/runs');
    paths.set(`/admin/storage?disable=${ids.environment}`, '/admin/storage');
    for (const by of ['schedule', 'token', 'person', `person:${app.userIds.viewer}`]) {
      paths.set(`/runs?by=${by}`, '/runs');
      paths.set(`/runs?by=${by}&kind=backup&state=failed&day=2026-01-01`, '/runs');
      paths.set(`/runs?by=${by}&environment=${ids.environment}`, '/runs');
    }
    filled.forget();
    const unlike: string[] = [];
    for (const [path, route] of paths) {
      for (const query of ['', '?offset=25&buckets=1&provider=aws&shown=x&ask=delete-failed&delete']) {
        const response = await filled.ask(`${path}${query}`);
        const isEntrance = /^\/(login|setup)/.test(path);
        expect([path, isEntrance || !response.headers.get('location')?.startsWith('/login')]).toEqual([
          path,
          true,
        ]);
        if (query === '' && isRefused(route, response.status)) unlike.push(`${path}: ${response.status}`);
        expect([path, response.status < 500]).toEqual([path, true]);
        await response.text();
      }
    }
    expect(unlike).toEqual([]);
    await filled.expectSmallPlans();
  });

  it('and the environments that every page offers are asked for without anything to count', async () => {
    filled.forget();
    const page = await filled.ask('/account');
    const { length } = (await page.text()).match(/<option value="[a-z0-9]{25}"/g) ?? [];
    expect([page.status, length]).toEqual([200, SIZE.environments]);
    const offered = [...filled.seen.keys()].filter((query) => query.includes(' from "environments"'));
    expect(offered.length).toBeGreaterThan(0);
    expect(offered.filter((query) => /count\(|join|group by|"databases"|"servers"/.test(query))).toEqual([]);
  });

  it('for any reading route of the API', async () => {
    const names = await namesInPaths(db, await pickIds(db));
    const routes = routesOf(apiGroups(app.services)).filter(({ method }) => method === 'GET');
    expect(routes.length).toBeGreaterThan(20);
    filled.forget();
    const unlike: string[] = [];
    for (const { path } of routes) {
      for (const query of ['', '?limit=10&offset=20&states=true']) {
        const { status } = await app.call('GET', `${withNames(path, names)}${query}`);
        if (query === '' && isRefused(path, status)) unlike.push(`${path}: ${status}`);
        expect([path, status < 500]).toEqual([path, true]);
      }
    }
    expect(unlike).toEqual([]);
    for (const query of ['by=schedule', 'by=person&kind=restore', 'by=token&state=failed&offset=20']) {
      expect((await app.call('GET', `/api/runs?${query}`)).status).toBe(200);
    }
    await filled.expectSmallPlans();
  });

  it('for any change that the API makes', async () => {
    const ids = await pickIds(db);
    filled.forget();
    const [first = '', second = '', third = ''] = ids.backups;
    const other = await app.call('POST', '/api/environments', { body: { name: 'n' } });
    const change = async (method: string, path: string, body: object = {}, wanted = 200) => {
      const { status, body: answer } = await app.call(method, path, { body });
      expect([method, path, status, answer]).toEqual([method, path, wanted, answer]);
      return answer;
    };
    await change('POST', '/api/auth/login', LOGIN);
    await change('PUT', `/api/databases/${ids.database}/backups/${first}/pin`, { pinned: true });
    const { backupId } = await change('POST', `/api/databases/${ids.database}/backups`);
    await change('POST', `/api/backups/${backupId}/cancel`);
    await change('DELETE', `/api/backups/${second}`);
    await change('DELETE', `/api/backups/${third}`);
    await change('PATCH', `/api/databases/${ids.database}`, { port: 5433 });
    const policy = `/api/databases/${ids.database}/backup-policy`;
    const tiers = { keepLast: 9, daily: 7, weekly: 4, monthly: 6, yearly: 1, minFloor: 2 };
    await change('POST', `${policy}/preview`, tiers);
    await change('PUT', policy, { preset: 'custom', ...tiers, confirm: true });
    await change('POST', `/api/databases/${ids.database}/rotate`);
    await change('POST', `${policy}/accept`);
    await change('DELETE', policy);
    await sweepRetention(app.services, AbortSignal.timeout(60_000));
    await change('DELETE', `/api/databases/${ids.database}`, {}, 400);
    await change('DELETE', `/api/servers/${ids.server}`, {}, 409);
    await change('POST', `/api/users/${app.userIds.operator}/change-password`, {
      newPassword: 'a-long-new-password-4',
    });
    await change('DELETE', `/api/users/${app.userIds.operator}`);
    await change('DELETE', `/api/environments/${other.body.environment.id}`);
    await db.updateTable('backups').set({ status: 'failed' }).where('status', '=', 'in_progress').execute();
    await change('DELETE', `/api/environments/${ids.environment}`);
    await change('DELETE', '/api/settings/spaces');
    await change('POST', '/api/auth/logout');
    await filled.expectSmallPlans();
  });

  it('for the upkeep at the start and each day', async () => {
    filled.forget();
    // The filled installation is as years of use leave it: nothing is to be repaired.
    expect(await repairCounts(app.services)).toBe(0);
    await forgetOldLogs({ ...app.services, now: () => new Date('2100-01-01T00:00:00.000Z') });
    await filled.expectSmallPlans();
  });

  it('for a round of the worker', async () => {
    filled.forget();
    const services = { ...app.services, now: () => new Date(Date.now() + 3_600_000) };
    const signal = AbortSignal.timeout(60_000);
    await sweepLeftovers(services, signal);
    await sweepDeleted(services, { completeMayTakeMs: 1000 }, signal);
    const kinds = {
      backup: createBackupKind(services, { completeMayTakeMs: 1000, askAgainMs: 1000 }),
      deep_test: createDeepTestKind(services),
    };
    const taker = { db, kinds, claimedBy: 'w', leaseMs: 1000, now: services.now };
    await repairExpired(taker, { repairing: new Map(), running: () => ['none'], signal });
    await deepTestIfDue(services);
    await writeDueManifests(services, signal);
    await createScheduler(services)(signal);
    await db.updateTable('schedules').set({ drill_cron: '* * * * *' }).execute();
    await beginDueDrills(services, signal);
    const later = { ...services, now: () => new Date(Date.now() + 2 * 3_600_000) };
    await beginDueDrills(later, signal);
    const begun = db
      .selectFrom('runs')
      .select('id')
      .where('kind', '=', 'drill')
      .where('state', '=', 'pending');
    expect((await begun.limit(1).execute()).length).toBe(1);
    const inAMonth = { ...services, now: () => new Date(Date.now() + 30 * 86_400_000) };
    await db.updateTable('databases').set({ created_at: '2020-01-01T00:00:00.000Z' }).execute();
    expect(await verifyIfDue({ ...inAMonth, everyDays: 7 })).not.toBeNull();
    await watchForMissing(services, signal);
    await endExpiredSessions(services);
    const worker = createWorker(services, kinds, {
      limits: async () => ({ total: 2, perServer: 1 }),
      isAlone: true,
    });
    worker.start();
    await until('the waiting backups to be claimed', 30_000, async () => {
      const waiting = await db.selectFrom('backups').select('id').where('status', '=', 'pending').execute();
      return waiting.length === 0;
    });
    await worker.stop(10_000);
    await filled.expectSmallPlans();
  });
});

describe('what names a row of another table', () => {
  it('has an index in the large tables, for when that row goes', async () => {
    expect(await unindexedReferences(db)).toEqual([]);
  });
});

it('every page and list is measured by the bench, or named there with the reason why it is not', () => {
  const routes = app.app.routes
    .filter(
      ({ method, path }) =>
        method === 'GET' && !/^\/(assets|health|live|ready|metrics|openapi|logout)|\*/.test(path),
    )
    .map(({ path }) => path);
  const asked = ASKED.map(([address]) => address.split('?')[0] ?? '');
  const known = new Set([...asked, ...Object.keys(NOT_ASKED)]);
  expect(routes.filter((route) => !known.has(route))).toEqual([]);
  expect([...known].filter((route) => !routes.includes(route))).toEqual([]);
  expect(asked.filter((route) => NOT_ASKED[route] !== undefined)).toEqual([]);
  const names = ASKED.map(([, name]) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
