import { type CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, LOGIN } from '../../dev/fill/fill.ts';
import { endExpiredSessions } from '../../src/auth/sessions.ts';
import { watchForMissing } from '../../src/backups/missing.ts';
import { createBackupKind } from '../../src/backups/node/backup-kind.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import { writeDueManifests } from '../../src/backups/write-manifest.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import { analyse } from '../../src/db/node/statistics.ts';
import type { Db } from '../../src/db/schema.ts';
import { beginDueDrills } from '../../src/drills/due.ts';
import { apiRoutes } from '../../src/http/api/routes.ts';
import { newId } from '../../src/ids.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { sweepRetention } from '../../src/retention/sweep.ts';
import { forgetOldLogs } from '../../src/runs/forget-old-logs.ts';
import { repairExpired } from '../../src/runs/repair-expired.ts';
import { createWorker } from '../../src/runs/worker.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { createScheduler } from '../../src/schedules/scheduler.ts';
import { testIfDue } from '../../src/storage/deep-test.ts';
import { createDeepTestKind } from '../../src/storage/deep-test-kind.ts';
import { verifyIfDue } from '../../src/verifications/verify-due.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { costsOf, unindexedReferences } from '../support/query-plans.ts';
import { until } from '../support/until.ts';

const SIZE = { environments: 8, servers: 16, databases: 80, backups: 8000 };

let db: Db;
let app: TestApp;
let cookie: string;
/** What the planner was told of the tables while they were empty: it may be all it knows for a day. */
let asEmpty: readonly { readonly tbl: string; readonly idx: string | null; readonly stat: string }[];
/** The first query of each text, in the order of their coming. */
const seen = new Map<string, CompiledQuery>();

beforeAll(async () => {
  db = openDatabase(':memory:', {
    log: ({ query }) => {
      if (!seen.has(query.sql)) seen.set(query.sql, query);
    },
  });
  await migrate(db, { file: null, now: () => new Date() });
  await analyse(db);
  asEmpty = (await sql<(typeof asEmpty)[number]>`select tbl, idx, stat from sqlite_stat1`.execute(db)).rows;
  expect(asEmpty.length).toBeGreaterThan(0);
  app = await openTestApp({ db, env: { LOCAL_PATHS: '/srv' } });
  await fill(app.services, SIZE);
  await fillSlots();
  const form = new URLSearchParams(LOGIN);
  const headers = { origin: 'http://localhost', host: 'localhost' };
  const peer = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
  const entered = await app.app.request(
    'http://localhost/login',
    { method: 'POST', body: form, headers },
    peer,
  );
  cookie = entered.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  expect(cookie).not.toBe('');
}, 120_000);
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

/** Fails with the plans that grow with the large tables; with statistics of the filled tables, of empty ones, and with none. */
async function expectSmallPlans(): Promise<void> {
  const queries = [...seen.values()];
  expect(queries.length).toBeGreaterThan(0);
  await analyse(db);
  expect((await Promise.all(queries.map((query) => costsOf(db, query)))).flat()).toEqual([]);
  for (const told of [asEmpty, []]) {
    await sql`delete from sqlite_stat1`.execute(db);
    for (const { tbl, idx, stat } of told) {
      await sql`insert into sqlite_stat1 (tbl, idx, stat) values (${tbl}, ${idx}, ${stat})`.execute(db);
    }
    await sql`analyze sqlite_schema`.execute(db);
    expect((await Promise.all(queries.map((query) => costsOf(db, query)))).flat()).toEqual([]);
  }
  await analyse(db);
}

/** Ids of a large environment and of what is in it, for the paths. */
async function pickIds() {
  const { environment_id: environment } = await db
    .selectFrom('databases')
    .select('environment_id')
    .groupBy('environment_id')
    .orderBy(sql`count(*)`, 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const database = await db
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['databases.id', 'databases.server_id as server'])
    .where('databases.environment_id', '=', environment)
    .where('databases.server_id', 'is not', null)
    .where('backups.deleted_at', 'is', null)
    .groupBy('databases.id')
    .orderBy(sql`count(*)`, 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const backups = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', database.id)
    .where('deleted_at', 'is', null)
    .where('status', '=', 'completed')
    .limit(5)
    .execute();
  return {
    environment,
    database: database.id,
    server: database.server ?? '',
    backups: backups.map(({ id }) => id),
  };
}

type Ids = Awaited<ReturnType<typeof pickIds>>;

/** The path with ids of that kind of thing; `:id` is what the word before it names. */
function withIds(path: string, ids: Ids): string {
  const kinds: Readonly<Record<string, string>> = {
    environments: ids.environment,
    databases: ids.database,
    servers: ids.server,
    backups: ids.backups[0] ?? '',
    users: app.userIds.viewer,
  };
  return path.replace(/(\w+)\/:(\w+)/g, (_, kind: string) => `${kind}/${kinds[kind] ?? 'x'}`);
}

describe('no query reads or sorts a large table whole', () => {
  it('for any page or fragment', async () => {
    const ids = await pickIds();
    const paths = new Set(
      app.app.routes
        .filter(({ method, path }) => method === 'GET' && !/^\/(api|assets)|\*/.test(path))
        .map(({ path }) => withIds(path, ids)),
    );
    expect(paths.size).toBeGreaterThan(25);
    paths.add(`/runs?environment=${ids.environment}`);
    for (const by of ['schedule', 'token', 'person', `person:${app.userIds.viewer}`]) {
      paths.add(`/runs?by=${by}`);
      paths.add(`/runs?by=${by}&kind=backup&state=failed&day=2026-01-01`);
      paths.add(`/runs?by=${by}&environment=${ids.environment}`);
    }
    seen.clear();
    for (const path of paths) {
      for (const query of ['', '?offset=25&buckets=1&provider=aws&shown=x']) {
        const response = await app.app.request(
          `http://localhost${path}${query}`,
          { headers: { cookie } },
          {
            incoming: { socket: { remoteAddress: '127.0.0.1' } },
          },
        );
        expect([path, response.status < 500]).toEqual([path, true]);
        const isEntrance = /^\/(login|setup)/.test(path);
        expect([path, isEntrance || !response.headers.get('location')?.startsWith('/login')]).toEqual([
          path,
          true,
        ]);
        await response.text();
      }
    }
    await expectSmallPlans();
  });

  it('for any reading route of the API', async () => {
    const ids = await pickIds();
    const routes = apiRoutes(app.services).filter(({ method }) => method === 'GET');
    expect(routes.length).toBeGreaterThan(20);
    seen.clear();
    for (const { path } of routes) {
      for (const query of ['', '?limit=10&offset=20&states=true']) {
        const { status } = await app.call('GET', `${withIds(path, ids)}${query}`);
        expect([path, status < 500]).toEqual([path, true]);
      }
    }
    for (const query of ['by=schedule', 'by=person&kind=restore', 'by=token&state=failed&offset=20']) {
      expect((await app.call('GET', `/api/runs?${query}`)).status).toBe(200);
    }
    await expectSmallPlans();
  });

  it('for any change that the API makes', async () => {
    const ids = await pickIds();
    seen.clear();
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
    await expectSmallPlans();
  });

  it('for the upkeep at the start and each day', async () => {
    seen.clear();
    // The filled installation is as years of use leave it: nothing is to be repaired.
    expect(await repairCounts(app.services)).toBe(0);
    await forgetOldLogs({ ...app.services, now: () => new Date('2100-01-01T00:00:00.000Z') });
    await expectSmallPlans();
  });

  it('for a round of the worker', async () => {
    seen.clear();
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
    await testIfDue(services);
    await writeDueManifests(services, signal);
    await createScheduler(services)(signal);
    await db.updateTable('schedules').set({ drill_cron: '* * * * *' }).execute();
    await beginDueDrills(services, signal);
    const later = { ...services, now: () => new Date(Date.now() + 2 * 3_600_000) };
    await beginDueDrills(later, signal);
    expect((await db.selectFrom('drills').select('id').limit(1).execute()).length).toBe(1);
    const inAMonth = { ...services, now: () => new Date(Date.now() + 30 * 86_400_000) };
    await db.updateTable('databases').set({ created_at: '2020-01-01T00:00:00.000Z' }).execute();
    expect(await verifyIfDue({ ...inAMonth, everyDays: 7 })).not.toBeNull();
    await watchForMissing(services, signal);
    await endExpiredSessions(db, services.now());
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
    await expectSmallPlans();
  });
});

describe('what names a row of another table', () => {
  it('has an index in the large tables, for when that row goes', async () => {
    expect(await unindexedReferences(db)).toEqual([]);
  });
});
