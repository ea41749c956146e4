import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, FaultHit } from '../../dev/bucket/faults.ts';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { listRuns } from '../../src/backups/list-runs.ts';
import { protectionOfOne } from '../../src/backups/protection-of.ts';
import { createVerificationKind } from '../../src/verifications/node/verification-kind.ts';
import { turnBefore, verifyIfDue } from '../../src/verifications/verify-due.ts';
import {
  type EndedBackup,
  type Installation,
  type Json,
  startInstallation,
} from '../support/installation.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const KEY = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const ODD = 'ü + 😀 %20 "o\'x" <script>';
const DAY_MS = 86_400_000;
const EVER = Number.POSITIVE_INFINITY;

let folder: string;
let bucket: DevBucket;
let app: Installation;
let environment: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
  await mkdir(join(folder, 'files'));
  const limits = { smallestPartBytes: 2 ** 20 };
  bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [KEY],
    buckets: ['backups'],
    limits,
  });
  app = await startInstallation({
    env: { STORAGE_CA_FILE: String(bucket.caFile), LOCAL_PATHS: join(folder, 'files') },
    tuning: { usualPartBytes: 2 ** 20 },
  });
  environment = await app.create('environment', '/api/environments', { name: `production ${ODD}` });
  const endpoint = new URL(bucket.endpoint).host;
  await app.ask('PUT', '/api/settings/spaces', { ...KEY, region: bucket.region, endpoint });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  await run('sqlite3', [
    join(folder, 'files', 'app.db'),
    `create table "t ${ODD.replaceAll('"', '""')}" (a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 600) insert into "t ${ODD.replaceAll('"', '""')}" select i, hex(randomblob(2000)) from n;`,
  ]);
});
afterEach(() => bucket.faults.clear());
afterAll(async () => {
  await app.close();
  await bucket.close();
  await rm(folder, { recursive: true, force: true });
});

let count = 0;
async function backUp(options: Json = {}): Promise<EndedBackup & { readonly databaseId: string }> {
  count += 1;
  const databaseId = await app.create('database', `/api/environments/${environment}/databases`, {
    name: `app ${count} ${ODD}`,
    type: 'sqlite',
    filePath: join(folder, 'files', 'app.db'),
    backupStorageType: 'spaces',
    backupSpacesBucket: 'backups',
    backupSpacesPrefix: `${ODD}/a+b c/`,
    ...options,
  });
  const backup = await app.backUp(databaseId);
  expect(backup.error).toBeNull();
  return { ...backup, databaseId };
}

const ask = (id: string) => app.call('POST', `/api/backups/${id}/verify`, {});
async function verify({ id }: { readonly id: string }): Promise<Json> {
  const { runId } = await app.ask('POST', `/api/backups/${id}/verify`, {});
  return untilOver(String(runId));
}
const untilOver = (runId: string) =>
  until('the verification to end', 20_000, async () => {
    const { run: row } = (await app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
    return ['pending', 'running'].includes(String(row['state'])) ? undefined : row;
  });
const shown = async ({ id }: { readonly id: string }) =>
  ((await app.ask('GET', `/api/backups/${id}`)) as { backup: Json }).backup;
const protectionOf = async (databaseId: string) => (await protectionOfOne(app.services, databaseId)).state;
const always = (fault: Fault, times = EVER) =>
  bucket.faults.add({ match: { operation: 'GetObject' }, times, fault });

describe('a backup that is whole', () => {
  it.each([
    ['SQL text', {}],
    ['gzip', { backupCompression: 'gzip' }],
    ['zstd', { backupCompression: 'zstd', backupCompressionLevel: 3 }],
    ['a copy of the file', { backupFormat: 'binary', backupCompression: 'zstd', backupCompressionLevel: 3 }],
    [
      'a file on the host',
      { backupStorageType: 'local', backupLocalPath: () => join(folder, 'files', 'kept') },
    ],
  ])('is read in full: %s', async (_, options: Json) => {
    const backup = await backUp(
      Object.fromEntries(Object.entries(options).map(([k, v]) => [k, typeof v === 'function' ? v() : v])),
    );
    expect(await shown(backup)).toMatchObject({
      verification: 'stored',
      proofs: { bytes: null, parsed: null, restored: null },
    });
    expect(await verify(backup)).toMatchObject({
      kind: 'verification',
      state: 'completed',
      progress: 100,
      error: null,
      backup: { id: backup.id },
    });
    const now = await shown(backup);
    expect(now).toMatchObject({
      verification: 'full',
      verificationError: null,
      proofs: { bytes: now['verifiedAt'], parsed: now['verifiedAt'], restored: null },
    });
  });

  it('is also where connections break, and a first reading met with a fault on its way', async () => {
    const backup = await backUp();
    bucket.faults.add({
      match: { operation: 'GetObject' },
      times: 3,
      fault: { kind: 'truncate', bytes: 300_000 },
    });
    expect(await verify(backup)).toMatchObject({ state: 'completed' });
    bucket.faults.clear();
    always({ kind: 'corrupt' }, 1);
    expect(await verify(backup)).toMatchObject({ state: 'completed' });
    expect(bucket.faults.hits().at(-1)?.kind).toBe('corrupt');
    expect(await shown(backup)).toMatchObject({ verification: 'full' });
  });

  it('of which no hash was recorded is followed to its end, and its bytes are proven equal to nothing', async () => {
    const backup = await backUp({ backupCompression: 'gzip' });
    await app.services.db.updateTable('backups').set({ sha256: null }).where('id', '=', backup.id).execute();
    await verify(backup);
    const now = await shown(backup);
    expect(now).toMatchObject({ verification: 'full', proofs: { bytes: null, parsed: now['verifiedAt'] } });
  });
});

describe('a backup that is not whole', () => {
  it('is told of wherever it is shown, and is no good backup any more, until a reading finds it whole', async () => {
    const backup = await backUp({ backupCompression: 'gzip' });
    expect(await protectionOf(backup.databaseId)).toBe('protected');
    always({ kind: 'corrupt' });
    expect(await verify(backup)).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining(String(backup.sha256)), code: 'storage_mismatch' },
    });
    expect(await shown(backup)).toMatchObject({
      status: 'completed',
      verification: 'failed',
      verificationError: expect.stringMatching(/SHA-256 is [0-9a-f]{64} instead of/),
      proofs: { bytes: null, parsed: null },
    });
    expect(await protectionOf(backup.databaseId)).toBe('never');
    const told = async () => {
      const { db } = app.services;
      const rows = await db
        .selectFrom('events')
        .selectAll()
        .where('database_id', '=', backup.databaseId)
        .execute();
      return rows
        .filter(({ type }) => type === 'backup.verification_failed')
        .map(({ data }) => JSON.parse(data));
    };
    const event = { backupId: backup.id, says: expect.stringMatching(/SHA-256 is [0-9a-f]{64} instead of/) };
    expect(await told()).toMatchObject([event]);
    bucket.faults.clear();
    await verify(backup);
    expect(await told()).toHaveLength(1);
    expect(await shown(backup)).toMatchObject({ verification: 'full', verificationError: null });
    expect(await protectionOf(backup.databaseId)).toBe('protected');
  });

  it('because its object is gone', async () => {
    const backup = await backUp();
    always({ kind: 'status', status: 404, code: 'NoSuchKey' });
    expect(await verify(backup)).toMatchObject({ state: 'failed', error: { code: 'storage_mismatch' } });
    expect(await shown(backup)).toMatchObject({ verification: 'failed' });
  });
});

describe('what was not found out says nothing of a backup', () => {
  it.each<[string, Fault]>([
    ['a proxy that does not find the storage', { kind: 'proxy-page', status: 404 } as Fault],
    ['a storage that refuses', { kind: 'status', status: 403, code: 'AccessDenied' }],
    ['an object in an archive', { kind: 'status', status: 403, code: 'InvalidObjectState' }],
    ['a storage that fails', { kind: 'status', status: 500, code: 'InternalError' }],
    ['connections that break at once', { kind: 'reset' }],
  ])('%s', async (_, fault) => {
    const backup = await backUp();
    always(fault);
    const over = await verify(backup);
    expect(over).toMatchObject({ state: 'failed', error: { message: expect.any(String) } });
    expect(await shown(backup)).toMatchObject({ verification: 'stored', verificationError: null });
    expect(await protectionOf(backup.databaseId)).toBe('protected');
  });
});

describe('asking for it', () => {
  it('is refused for what is not there or not completed, and for who may only look', async () => {
    expect((await ask('nothing')).status).toBe(404);
    const backup = await backUp();
    await app.services.db
      .updateTable('backups')
      .set({ status: 'failed' })
      .where('id', '=', backup.id)
      .execute();
    expect(await ask(backup.id)).toMatchObject({ status: 409 });
  });

  it('twice at once begins one, which can be cancelled; meanwhile the backup can not be deleted', async () => {
    const backup = await backUp();
    let release = () => {};
    const until_ = new Promise<void>((resolve) => {
      release = resolve;
    });
    always({ kind: 'hold', until: until_ });
    const asked = await Promise.all([ask(backup.id), ask(backup.id)]);
    expect(asked.map(({ status }) => status).sort()).toEqual([200, 409]);
    const runId = String(asked.find(({ status }) => status === 200)?.body['runId']);
    const isHeld = ({ kind, key }: FaultHit) => kind === 'hold' && key === backup.storagePath;
    await until('it to run', 20_000, () => bucket.faults.hits().some(isHeld));
    expect(await app.call('DELETE', `/api/backups/${backup.id}`)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('being read in full') },
    });
    await app.ask('POST', `/api/runs/${runId}/cancel`, {});
    expect(await untilOver(runId)).toMatchObject({ state: 'cancelled' });
    release();
    expect(await shown(backup)).toMatchObject({ verification: 'stored' });
    expect((await app.call('DELETE', `/api/backups/${backup.id}`)).status).toBe(200);
    const audit = await app.services.db
      .selectFrom('audit_logs')
      .select('action')
      .where('resource_id', '=', backup.id)
      .execute();
    expect(audit.map(({ action }) => action)).toEqual(expect.arrayContaining(['verify', 'cancel', 'delete']));
  });

  it('begins again after an end of the app, three times at most', async () => {
    const backup = await backUp();
    const { db } = app.services;
    const kind = createVerificationKind(app.services);
    const row = await db.selectFrom('runs').selectAll().where('id', '=', backup.id).executeTakeFirstOrThrow();
    const states: string[] = [];
    // Until then the app itself, whose leases are of five seconds, does not take it for one that nobody has.
    const soon = () => new Date(Date.now() + 8_000).toISOString();
    for (const attempts of [1, 3]) {
      const id = `dead-${attempts}-${backup.id}`;
      const dead = {
        ...row,
        id,
        kind: 'verification',
        lane: `dead:${id}`,
        attempts,
        ended_at: null,
      } as const;
      await db
        .insertInto('runs')
        .values({ ...dead, state: 'running', claimed_by: 'me', lease_until: soon() })
        .execute();
      const claimed = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      await kind.repair(claimed, {
        claim: { runId: id, claimedBy: 'me' },
        signal: new AbortController().signal,
      });
      states.push(String((await untilOver(id))['state']));
    }
    expect(states).toEqual(['completed', 'interrupted']);
  });
});

describe('by itself', () => {
  it('the newest good backup of each database is read in its turn, one at a time, and again after the days', async () => {
    const { db } = app.services;
    await db.deleteFrom('databases').execute();
    const [one, two] = [await backUp(), await backUp()];
    // Each has its turn within the days.
    let skew = 7.1 * DAY_MS;
    const context = { ...app.services, everyDays: 7, now: () => new Date(Date.now() + skew) };
    const read: string[] = [];
    const next = async () => {
      const runId = await verifyIfDue(context);
      if (runId === null) return false;
      expect(await verifyIfDue(context), 'one at a time').toBeNull();
      const over = await untilOver(runId);
      read.push(String((over['backup'] as Json)['databaseId']));
      return true;
    };
    while (await next());
    expect(read.sort()).toEqual([one.databaseId, two.databaseId].sort());
    skew = 14.6 * DAY_MS;
    while (await next());
    expect(read).toHaveLength(4);
    expect(
      await verifyIfDue({ ...context, everyDays: 0, now: () => new Date(Date.now() + 90 * DAY_MS) }),
    ).toBeNull();
    // A storage that is away keeps no other database from its turn.
    skew = 30 * DAY_MS;
    always({ kind: 'reset' });
    while (await next());
    expect(new Set(read.slice(4))).toEqual(new Set([one.databaseId, two.databaseId]));
    expect(read).toHaveLength(6);
    const runs = await db
      .selectFrom('runs')
      .select('is_background')
      .where('kind', '=', 'verification')
      .where('subject_id', 'in', [one.id, two.id])
      .execute();
    expect(runs.every((row) => row.is_background === 1)).toBe(true);
    const { runs: listed } = await listRuns(
      db,
      { kind: 'verification', by: { kind: 'schedule', id: null } },
      { limit: 50, offset: 0 },
    );
    expect(listed.map(({ is_scheduled, person_id }) => [Number(is_scheduled), person_id])).toEqual(
      runs.map(() => [1, null]),
    );
  });

  it('a new database waits for its turn, and its schedule says how often that is', async () => {
    const { db } = app.services;
    await db.deleteFrom('databases').execute();
    const { databaseId } = await backUp();
    const dueIn = (days: number, everyDays: number) =>
      verifyIfDue({ ...app.services, everyDays, now: () => new Date(Date.now() + days * DAY_MS) });
    expect(await dueIn(0, 7)).toBeNull();
    const says = async (verifyEveryDays: number | null) => {
      const schedule = { cronExpression: '0 2 * * *', verifyEveryDays };
      await app.ask('PUT', `/api/databases/${databaseId}/schedule`, schedule);
    };
    await says(0);
    expect(await dueIn(30, 7)).toBeNull();
    await says(40);
    const before = turnBefore(databaseId, new Date(), 40).getTime() + 40 * DAY_MS - 60_000 - Date.now();
    expect(await dueIn(before / DAY_MS, 1)).toBeNull();
    await says(2);
    const runId = await dueIn(3, 0);
    expect(runId).not.toBeNull();
    await untilOver(String(runId));
  });

  it('a rule says so for each database that it is for', async () => {
    const { db } = app.services;
    await db.deleteFrom('databases').execute();
    await backUp();
    const dueIn = (days: number) =>
      verifyIfDue({ ...app.services, everyDays: 0, now: () => new Date(Date.now() + days * DAY_MS) });
    expect(await dueIn(3)).toBeNull();
    const rule = { name: ODD, cronExpression: '0 2 * * *', environmentId: environment, verifyEveryDays: 2 };
    await app.ask('POST', '/api/schedules/rules', rule);
    const runId = await dueIn(3);
    expect(runId).not.toBeNull();
    await untilOver(String(runId));
  });

  it('the turns of databases are spread over the days, and come once in them', () => {
    const now = new Date('2026-11-29T18:00:00.000Z');
    const turns = Array.from({ length: 700 }, (_, n) => turnBefore(`database ${n} ü`, now, 7));
    for (const turn of turns) {
      expect(turn.getTime()).toBeLessThanOrEqual(now.getTime());
      expect(turn.getTime()).toBeGreaterThan(now.getTime() - 7 * DAY_MS);
    }
    const days = Map.groupBy(turns, (turn) => turn.toISOString().slice(0, 10));
    for (const day of [...days.values()].slice(1, 7)) expect(day.length).toBeGreaterThan(40);
    const later = new Date(now.getTime() + 7 * DAY_MS);
    expect(turnBefore('one', later, 7).getTime() - turnBefore('one', now, 7).getTime()).toBe(7 * DAY_MS);
  });
});
