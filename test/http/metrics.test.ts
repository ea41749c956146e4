import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import { PROTECTIONS } from '../../src/backups/protection.ts';
import type { DatabaseRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { makeServiceAccount, makeToken } from '../support/api-tokens.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { type ExposedSample, readExposition } from '../support/exposition.ts';
import { addLeftover } from '../support/leftover.ts';

const OWN = 'of-prometheus_0123456789+/=';
const NOW = new Date('2026-03-01T00:00:00.000Z');
const ODD = 'Größe + "x" \\ 🗝\n<script>alert(1)</script>';

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp({ env: { METRICS_TOKEN: OWN } });
  app.setNow(NOW);
});
afterAll(() => app.close());

const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);

/** Of an app of its own, so that nothing is there that was made for another test; the database and the tokens are the same. */
async function scrape(): Promise<ReturnType<typeof readExposition>> {
  const response = await createApp(app.services).request('/metrics', { headers: bearer(OWN) });
  expect(response.status).toBe(200);
  return readExposition(await response.text());
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('who may read the metrics', () => {
  it('is whoever shows their token, by GET and HEAD, with a body or without', async () => {
    const { status, headers, body } = await app.call('GET', '/metrics', { token: OWN });
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      ...[200, 'text/plain; version=0.0.4; charset=utf-8', 'no-store'],
    ]);
    expect(body).toContain('bridgeport_info{version="0.0.0-test"} 1\n');
    const head = await app.app.request('/metrics', { method: 'HEAD', headers: bearer(OWN) });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await app.call(method, '/metrics', { token: OWN, text: 'x' })).status).not.toBe(200);
    }
  });

  it('is whoever has an API token for metrics, whatever its role', async () => {
    const account = await makeServiceAccount(app, 'prometheus', 'viewer');
    const { token } = await makeToken(
      app,
      { serviceAccountId: account },
      { role: 'viewer', access: 'metrics' },
    );
    expect((await app.call('GET', '/metrics', { token })).status).toBe(200);
    const me = await app.call('GET', '/api/auth/me', { token });
    expect([me.status, me.body.user.scope.access]).toEqual([200, 'metrics']);
    const refused = await app.call('GET', '/api/environments', { token });
    expect([refused.status, refused.body.code, refused.body.message]).toEqual([
      ...[403, 'FORBIDDEN_SCOPE', 'Token may only read /metrics'],
    ]);
  });

  it('is nobody else: no session, no other token, none that was changed', async () => {
    const admin = { userId: app.userIds.admin };
    const { token: full } = await makeToken(app, admin, { role: 'admin' });
    const { token: backups } = await makeToken(app, admin, { access: 'backups' });
    const { token: metrics } = await makeToken(app, admin, { access: 'metrics' });
    for (const token of [full, backups]) {
      const { status, body } = await app.call('GET', '/metrics', { token });
      expect([status, body.code]).toEqual([403, 'FORBIDDEN_SCOPE']);
    }
    const wrong = [
      ...[null, app.tokens.admin, `${OWN}x`, OWN.slice(0, -1), OWN.toUpperCase()],
      ...[
        metrics.slice(0, -1),
        `${metrics.slice(0, -1)}${metrics.endsWith('A') ? 'B' : 'A'}`,
        'x'.repeat(60_000),
      ],
    ];
    for (const token of wrong) {
      const { status, headers, body } = await app.call('GET', '/metrics', { token, isNoise: true });
      expect([status, body.code, headers.get('www-authenticate')]).toEqual([401, 'UNAUTHORIZED', 'Bearer']);
      expect(body.message).toMatch(/^The metrics want a token of their own.*METRICS_TOKEN.*\.$/);
    }
    const lower = await app.call('GET', '/metrics', {
      token: null,
      headers: { authorization: `bearer ${OWN}` },
    });
    const query = await app.call('GET', `/metrics?token=${encodeURIComponent(OWN)}`, { token: null });
    expect([lower.status, query.status]).toEqual([401, 401]);
  });

  it('is nobody at all where no token was made', async () => {
    const other = await openTestApp();
    try {
      for (const token of [null, '', 'null', 'undefined', OWN, other.tokens.admin]) {
        expect((await other.call('GET', '/metrics', { token })).status).toBe(401);
      }
    } finally {
      await other.close();
    }
  });

  it('is not asked without end where they guess', async () => {
    const strict = await openTestApp({ env: { METRICS_TOKEN: OWN, RATE_LIMIT_MAX: '3' } });
    try {
      const statuses: number[] = [];
      for (let count = 0; count < 5; count += 1) {
        statuses.push((await strict.call('GET', '/metrics', { token: `${OWN}${count}` })).status);
      }
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
      expect((await strict.call('GET', '/metrics', { token: OWN })).status).toBe(200);
    } finally {
      await strict.close();
    }
  });

  it('is counted by the owner of an API token, from wherever it is shown, and not by METRICS_TOKEN', async () => {
    const strict = await openTestApp({
      env: { METRICS_TOKEN: OWN, RATE_LIMIT_MAX: '9', RATE_LIMIT_USER_MAX: '3' },
    });
    try {
      const tokens: string[] = [];
      for (const name of ['prometheus "ü"', 'other']) {
        const account = await makeServiceAccount(strict, name, 'viewer');
        for (const access of ['metrics', 'full'] as const) {
          const made = { role: 'viewer', access } as const;
          tokens.push((await makeToken(strict, { serviceAccountId: account }, made)).token);
        }
      }
      const [first = '', full = '', other = ''] = tokens;
      const statuses: number[] = [];
      for (const token of [first, full, first, first, full, other, OWN, OWN, OWN, OWN]) {
        statuses.push((await strict.call('GET', '/metrics', { token })).status);
      }
      expect(statuses).toEqual([200, 403, 200, 429, 429, 200, 200, 200, 200, 200]);
    } finally {
      await strict.close();
    }
  });

  it('is told of a token for some environments before it is made', async () => {
    const { status, body } = await app.call('POST', '/api/admin/tokens', {
      body: {
        ...{ name: ODD.replace('\n', ' '), role: 'viewer', access: 'metrics', expiresInDays: 1 },
        ...{ allEnvironments: false, environmentIds: ['x'], ownerUserId: app.userIds.admin },
      },
    });
    expect([status, body.details?.[0]?.path]).toEqual([400, ['environmentIds']]);
  });
});

describe('fifty scrapes at once', () => {
  it('cost what one does, and are answered alike', async () => {
    let asked = 0;
    const counting = createApp({
      ...app.services,
      freeSpace: async () => {
        asked += 1;
        return { free: 5, total: 10 };
      },
    });
    const alike = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const response = await counting.request('/metrics', {
          headers: { ...bearer(OWN), 'accept-encoding': 'gzip' },
        });
        expect(response.headers.get('content-encoding')).toBe('gzip');
        return gunzipSync(new Uint8Array(await response.arrayBuffer())).toString();
      }),
    );
    expect(new Set(alike).size).toBe(1);
    const metrics = readExposition(alike[0] ?? '');
    expect(sampleOf(metrics, 'bridgeport_disk_free_bytes')).toBe(5);
    // Once for the readiness, once for the disk.
    expect(asked).toBe(2);
  });

  it('are all told where the database can’t be read, and the next one tries again', async () => {
    const other = await openTestApp({ env: { METRICS_TOKEN: OWN } });
    await other.services.db.schema.alterTable('leftovers').renameTo('gone').execute();
    const statuses = await Promise.all(
      [1, 2].map(async () => (await other.call('GET', '/metrics', { token: OWN })).status),
    );
    expect(statuses).toEqual([500, 500]);
    await other.services.db.schema.alterTable('gone').renameTo('leftovers').execute();
    expect((await other.call('GET', '/metrics', { token: OWN })).status).toBe(200);
    await other.close();
  });
});

function sampleOf(
  metrics: ReturnType<typeof readExposition>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const isIt = (sample: ExposedSample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
  const found = metrics.get(name)?.samples.filter(isIt) ?? [];
  expect(found.length).toBeLessThan(2);
  return found[0]?.value;
}

/** A database with that newest backup, by a name that nothing else has. */
async function add(
  name: string,
  backup: Parameters<typeof insertBackup>[2],
  changes: Partial<DatabaseRow> = {},
): Promise<{ readonly environment: string; readonly database: string; readonly id: string }> {
  const { db } = app.services;
  const row = await insertBackup(db, hoursAgo(1), backup);
  await db
    .updateTable('databases')
    .set({ name, ...changes })
    .where('id', '=', row.database_id)
    .execute();
  await write(db, (trx) => recordNewest(trx, row.database_id, NOW));
  const { environment_id: environment } = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', row.database_id)
    .executeTakeFirstOrThrow();
  return { environment, database: name, id: row.database_id };
}

describe('what the metrics tell of a database', () => {
  it('is when it was last good, how large, how long it took, and what was proven', async () => {
    const good = await add(
      ODD,
      {
        ...{ status: 'completed', outcome: 'completed', verification: 'full', size: 3 * 2 ** 40 },
        ...{ started_at: hoursAgo(2).toISOString(), completed_at: hoursAgo(1).toISOString(), duration: 12 },
      },
      {
        created_at: hoursAgo(99).toISOString(),
        read_in_full_at: hoursAgo(30).toISOString(),
        max_backup_age_hours: 3,
      },
    );
    await app.services.db
      .insertInto('drill_states')
      .values({
        ...{ database_id: good.id, settled_as: null, due_at: null, run_at: null, proven_backup_id: null },
        ...{ proven_at: hoursAgo(72).toISOString(), restore_ms: 4_250, bytes: 1 },
        ...{ failed_at: null, failed_drill_id: null, failure: null, says: null },
      })
      .execute();
    await app.services.db
      .insertInto('stored_totals')
      .values({
        database_id: good.id,
        endpoint: 'https://s3.example.com',
        bucket: 'b',
        backups: 7,
        bytes: 2 ** 41,
      })
      .execute();
    const metrics = await scrape();
    const { environment, database } = good;
    const of = (name: string, more = {}) =>
      sampleOf(metrics, `bridgeport_database_${name}`, { environment, database, ...more });
    expect(of('protection_state', { state: 'protected' })).toBe(1);
    expect(of('created_timestamp_seconds')).toBe(hoursAgo(99).getTime() / 1000);
    expect(of('last_good_backup_timestamp_seconds')).toBe(hoursAgo(2).getTime() / 1000);
    expect(of('backup_due_timestamp_seconds')).toBe(hoursAgo(-1).getTime() / 1000);
    expect(of('last_good_backup_size_bytes')).toBe(3 * 2 ** 40);
    expect(of('last_good_backup_duration_seconds')).toBe(12);
    expect(of('last_backup_success')).toBe(1);
    expect(of('last_verified_timestamp_seconds')).toBe(hoursAgo(30).getTime() / 1000);
    expect(of('last_drilled_timestamp_seconds')).toBe(hoursAgo(72).getTime() / 1000);
    expect(of('last_drill_success')).toBe(1);
    expect(of('last_drill_restore_duration_seconds')).toBe(4.25);
    expect([of('stored_bytes'), of('stored_backups')]).toEqual([2 ** 41, 7]);
    expect(of('info', { engine: 'sqlite', storage: 'local' })).toBe(1);
    expect(sampleOf(metrics, 'bridgeport_stored_bytes', { bucket: 'b' })).toBe(2 ** 41);

    app.setNow(hoursAgo(-1.5));
    const later = await scrape();
    app.setNow(NOW);
    const late = later.get('bridgeport_database_protection_state')?.samples ?? [];
    expect(late.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
      { environment, database, state: 'late', value: 1 },
    ]);
  });

  it('is at which step the newest backup failed, also of one that was never good, or is damaged', async () => {
    const before = await scrape();
    const error = JSON.stringify({ message: 'says <no>', step: 'dump', code: 'dump_failed' });
    const never = await add('never "good"', { status: 'failed', outcome: 'failed', error });
    await add('damaged', { status: 'completed', outcome: 'completed', verification: 'failed' });
    const metrics = await scrape();
    const { environment, database } = never;
    const is = { environment, database, state: 'never' };
    expect(sampleOf(metrics, 'bridgeport_database_protection_state', is)).toBe(1);
    expect(sampleOf(metrics, 'bridgeport_database_last_backup_success', { database })).toBe(0);
    // What is not known has no value, which 0 would be.
    const unknown = [
      ...['last_good_backup_timestamp_seconds', 'last_good_backup_size_bytes', 'last_drill_success'],
      ...['last_verified_timestamp_seconds', 'last_drilled_timestamp_seconds'],
    ];
    for (const name of unknown)
      expect(sampleOf(metrics, `bridgeport_database_${name}`, { database })).toBeUndefined();
    const more = (step: string) =>
      (sampleOf(metrics, 'bridgeport_databases_failing', { step }) ?? 0) -
      (sampleOf(before, 'bridgeport_databases_failing', { step }) ?? 0);
    expect(['connect', 'dump', 'upload', 'verify'].map(more)).toEqual([0, 1, 0, 1]);
    const total = metrics.get('bridgeport_databases')?.samples ?? [];
    expect(total.map(({ labels }) => labels['state']).sort()).toEqual([...PROTECTIONS].sort());
  });

  it('is the same count of series however many backups it has, and however many pages of databases there are', async () => {
    const { db } = app.services;
    const at = NOW.toISOString();
    const environment = newId();
    await db
      .insertInto('environments')
      .values({ id: environment, name: 'many "of" them', created_at: at, updated_at: at } as never)
      .execute();
    const made = Array.from({ length: 401 }, (_, n) => ({
      ...{ id: newId(), environment_id: environment, name: `shop ${n}`, type: 'postgres' },
      ...{ created_at: at, updated_at: at },
    }));
    await db
      .insertInto('databases')
      .values(made as never)
      .execute();
    const metrics = await scrape();
    const names = (metrics.get('bridgeport_database_info')?.samples ?? []).map(
      ({ labels }) => labels['database'],
    );
    expect(names.filter((name) => name?.startsWith('shop ')).sort()).toEqual(
      made.map(({ name }) => name).sort(),
    );
    await insertMore(made[0]?.id ?? '');
    expect(seriesOf(await scrape())).toEqual(seriesOf(metrics));
  });
});

/** Of the database, in no order: what a process holds open comes and goes. */
function seriesOf(metrics: ReturnType<typeof readExposition>): readonly string[] {
  return [...metrics.values()]
    .flatMap(({ samples }) => samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`))
    .filter((series) => series.startsWith('bridgeport_'))
    .sort();
}

async function insertMore(databaseId: string): Promise<void> {
  const rows = Array.from({ length: 50 }, () => ({
    ...{ id: newId(), database_id: databaseId, filename: 'x', size: 0, type: 'manual', status: 'completed' },
    ...{ storage_type: 'spaces', storage_path: 'x', bytes_read: 0, bytes_stored: 0, is_pinned: 0 },
    ...{ created_at: hoursAgo(40).toISOString(), token: newId(), outcome: 'completed' },
  }));
  await app.services.db
    .insertInto('backups')
    .values(rows as never)
    .execute();
}

describe('what the metrics tell of the installation', () => {
  it('is what waits and since when, what ended, and what is wrong', async () => {
    const { db } = app.services;
    await insertBackup(db, hoursAgo(5), { status: 'pending', outcome: null });
    const environment = await db
      .selectFrom('environments')
      .select(['id', 'name'])
      .limit(1)
      .executeTakeFirstOrThrow();
    const day = { environment_id: environment.id, added: 0, freed: 0 };
    await db
      .insertInto('environment_days')
      .values([
        { ...day, day: '2026-02-28', good: 3, failed: 1 },
        { ...day, day: '2026-03-01', good: 4, failed: 0 },
      ])
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const none = await scrape();
    expect(sampleOf(none, 'bridgeport_leftovers')).toBe(0);
    expect(sampleOf(none, 'bridgeport_leftovers_oldest_timestamp_seconds')).toBeUndefined();
    for (const hours of [20, 30, 1]) await addLeftover(db, hoursAgo(hours));
    const metrics = await scrape();
    expect(sampleOf(metrics, 'bridgeport_runs', { kind: 'backup', state: 'pending' })).toBe(1);
    expect(sampleOf(metrics, 'bridgeport_runs', { kind: 'drill', state: 'running' })).toBe(0);
    expect(sampleOf(metrics, 'bridgeport_runs_oldest_pending_timestamp_seconds')).toBe(
      hoursAgo(5).getTime() / 1000,
    );
    const ended = (result: string) =>
      sampleOf(metrics, 'bridgeport_backups_total', { environment: environment.name, result });
    expect([ended('good'), ended('failed')]).toEqual([7, 1]);
    expect(sampleOf(metrics, 'bridgeport_leftovers')).toBe(3);
    expect(sampleOf(metrics, 'bridgeport_leftovers_oldest_timestamp_seconds')).toBe(
      hoursAgo(30).getTime() / 1000,
    );
    expect(sampleOf(metrics, 'bridgeport_notification_ways_failing')).toBe(0);
    for (const check of ['database', 'masterKey', 'storage', 'disk'])
      expect(sampleOf(metrics, 'bridgeport_ready', { check })).toBe(1);
  });

  it('is of this process its memory, its event loop, and the requests that it sent', async () => {
    const { processMetrics } = app.services;
    const request = { provider: 'aws', operation: 'PutObject', status: '503' };
    processMetrics.sent(request, 0.2);
    processMetrics.sent({ ...request, status: '200' }, 40);
    processMetrics.retried(request);
    processMetrics.ended({ kind: 'backup', state: 'failed', step: 'dump' });
    processMetrics.ended({ kind: 'drill', state: 'completed', step: null });
    const metrics = await scrape();
    expect(sampleOf(metrics, 'bridgeport_storage_requests_total', request)).toBe(1);
    expect(sampleOf(metrics, 'bridgeport_storage_request_retries_total', request)).toBe(1);
    expect(
      sampleOf(metrics, 'bridgeport_runs_ended_total', { kind: 'backup', state: 'failed', step: 'dump' }),
    ).toBe(1);
    expect(sampleOf(metrics, 'bridgeport_runs_ended_total', { kind: 'drill', step: '' })).toBe(1);
    const buckets = metrics.get('bridgeport_storage_request_duration_seconds')?.samples ?? [];
    const of = (le: string, status: string) =>
      buckets.find(({ labels }) => labels['le'] === le && labels['status'] === status)?.value;
    expect([of('0.1', '503'), of('0.25', '503'), of('30', '200'), of('60', '200')]).toEqual([0, 1, 0, 1]);
    expect(sampleOf(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(2 ** 20);
    expect(sampleOf(metrics, 'nodejs_eventloop_lag_p99_seconds')).toBeDefined();
  });
});
