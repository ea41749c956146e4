import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBackupKind } from '../../src/backups/node/backup-kind.ts';
import type { BackupRow, RunRow } from '../../src/db/schema.ts';
import { endEarlierLeases } from '../../src/runs/take.ts';
import { createWorker } from '../../src/runs/worker.ts';
import type { WorkerOptions } from '../../src/runs/worker-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { insertBackup } from '../support/backup-row.ts';
import { noteEndedLeases, refuseUpdates } from '../support/trigger.ts';
import { until } from '../support/until.ts';

let site: TestApp;

function workerOf(options: WorkerOptions) {
  return createWorker(site.services, { backup: createBackupKind(site.services) }, options);
}

beforeEach(async () => {
  site = await openTestApp();
});
afterEach(() => site.close());

async function pendingBackup(): Promise<string> {
  const { body: made } = await site.call('POST', '/api/environments', { body: { name: 'production' } });
  const { body: added } = await site.call('POST', `/api/environments/${made.environment.id}/databases`, {
    body: { name: 'app', type: 'sqlite', filePath: '/var/backups/none.sqlite' },
  });
  const { body: asked } = await site.call('POST', `/api/databases/${added.database.id}/backups`, {
    body: {},
  });
  return asked.backupId;
}

async function statusOf(backupId: string): Promise<string> {
  const { status } = await site.services.db
    .selectFrom('backups')
    .select('status')
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow();
  return status;
}

test('a worker that is being stopped claims nothing more: what waits is left to the next start', async () => {
  const backupId = await pendingBackup();
  let stopped: Promise<void> | undefined;
  const worker = workerOf({
    limits: async () => {
      stopped ??= worker.stop(5_000);
      return { total: 2, perServer: 2 };
    },
  });
  worker.start();
  await until('the worker to look for work', 20_000, () => stopped !== undefined);
  await stopped;
  worker.wake();
  expect(await statusOf(backupId)).toBe('pending');
});

test('a worker runs what waits', async () => {
  const backupId = await pendingBackup();
  const worker = workerOf({ limits: async () => ({ total: 2, perServer: 2 }) });
  worker.start();
  await until('the run to end', 20_000, async () => (await statusOf(backupId)) === 'failed');
  await worker.stop(5_000);
});

test('a run keeps its own outcome where it can not be written for a moment', async () => {
  const backupId = await pendingBackup();
  const { db } = site.services;
  const refused = await refuseUpdates(db, 'backups', 'outcome');
  const worker = workerOf({ limits: async () => ({ total: 2, perServer: 2 }) });
  worker.start();
  await until('the run to begin', 20_000, async () => (await statusOf(backupId)) === 'in_progress');
  setTimeout(() => void refused.drop(), 1_500);
  await until('the run to end', 20_000, async () => (await statusOf(backupId)) === 'failed');
  await worker.stop(5_000);
  const { body } = await site.call('GET', `/api/backups/${backupId}`);
  expect(body.backup).toMatchObject({ outcome: 'failed' });
  expect(JSON.stringify(body.backup.error)).toContain('none.sqlite');
});

test('a start asks about what is uncertain at once, whatever its pause', async () => {
  const { db } = site.services;
  const pausedUntil = new Date(Date.now() + 50 * 60_000).toISOString();
  const backup = await insertBackup(db, new Date(Date.now() - 3_600_000), {
    ...{ status: 'failed', outcome: 'uncertain', lease_until: pausedUntil },
    completed_at: new Date(Date.now() - 3_600_000).toISOString(),
  });
  const worker = workerOf({ limits: async () => ({ total: 2, perServer: 2 }) });
  worker.start();
  // Nothing of it was recorded, so that there is nothing to ask: it ends.
  await until('the look', 20_000, async () => {
    const { outcome } = await db
      .selectFrom('backups')
      .select('outcome')
      .where('id', '=', backup.id)
      .executeTakeFirstOrThrow();
    return outcome === 'interrupted';
  });
  await worker.stop(5_000);
});

describe('the runs of an earlier process', () => {
  const limits = async () => ({ total: 2, perServer: 2 });
  const since = new Date(Date.now() - 60_000);
  const at = since.toISOString();
  // Over for none of a slow machine's tests, and less than two leases ahead: beyond that the clock counts as set back.
  const ofTheEarlier = () => ({
    claimed_by: 'the process "before" ü',
    lease_until: new Date(Date.now() + 55_000).toISOString(),
  });

  async function outcomeOf(backupId: string): Promise<string | null> {
    const { outcome } = await site.services.db
      .selectFrom('backups')
      .select('outcome')
      .where('id', '=', backupId)
      .executeTakeFirstOrThrow();
    return outcome;
  }

  const insert = (
    values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow> & Partial<Pick<RunRow, 'lease_until'>>,
  ) => insertBackup(site.services.db, since, { ...ofTheEarlier(), ...values });

  test('are repaired at once by a start that is alone, long before their leases are over', async () => {
    const ran = await insert({ status: 'in_progress', outcome: null });
    const wasRepaired = await insert({ status: 'failed', outcome: 'uncertain', completed_at: at });
    const worker = workerOf({ limits, isAlone: true });
    worker.start();
    for (const { id } of [ran, wasRepaired]) {
      await until('the repair', 20_000, async () => (await outcomeOf(id)) === 'interrupted');
    }
    await worker.stop(5_000);
  });

  test('are left some seconds of it where they stored on a host, whose shell may still be at work', async () => {
    const now = new Date();
    const onHost = await insert({ status: 'in_progress', outcome: null, storage_type: 'local' });
    const nearlyOver = new Date(now.getTime() + 1_000).toISOString();
    const other = await insert({
      ...{ status: 'in_progress', outcome: null, storage_type: 'local' },
      lease_until: nearlyOver,
    });
    const { db } = site.services;
    const kinds = { backup: createBackupKind(site.services) };
    await endEarlierLeases({ db, kinds, claimedBy: 'me', leaseMs: 30_000, now: () => now });
    const leases = await db
      .selectFrom('runs')
      .select(['id', 'lease_until'])
      .where('id', 'in', [onHost.id, other.id])
      .execute();
    expect(new Map(leases.map((row) => [row.id, row.lease_until]))).toEqual(
      new Map([
        [onHost.id, new Date(now.getTime() + 5_000).toISOString()],
        [other.id, nearlyOver],
      ]),
    );
  });

  test('are left to their leases where another process may still have them', async () => {
    const running = await insert({ status: 'in_progress', outcome: null });
    const repaired = await insert({ status: 'failed', outcome: 'uncertain', completed_at: at });
    const over = { lease_until: at };
    const ended = await insert({ status: 'in_progress', outcome: null, ...over });
    const worker = workerOf({ limits });
    worker.start();
    await until('a repair', 20_000, async () => (await outcomeOf(ended.id)) === 'interrupted');
    await worker.stop(5_000);
    expect([await outcomeOf(running.id), await outcomeOf(repaired.id)]).toEqual([null, 'uncertain']);
  });

  test('are all whose leases a start ends: not those of its own runs, nor of what is claimed later', async () => {
    const { db } = site.services;
    await noteEndedLeases(db);
    const own = await pendingBackup();
    const earlier = await insert({ status: 'in_progress', outcome: null });
    const worker = workerOf({ limits, isAlone: true, tickMs: 20 });
    worker.start();
    await until('the repair', 20_000, async () => (await outcomeOf(earlier.id)) === 'interrupted');
    await until('its own run to end', 20_000, async () => (await statusOf(own)) === 'failed');
    const claimedLater = await insert({ status: 'in_progress', outcome: null });
    const lapsed = await insert({ status: 'in_progress', outcome: null, lease_until: at });
    await until('a later repair', 20_000, async () => (await outcomeOf(lapsed.id)) === 'interrupted');
    await worker.stop(5_000);
    expect(await outcomeOf(claimedLater.id)).toBeNull();
    expect((await sql`SELECT id FROM ended`.execute(db)).rows).toEqual([{ id: earlier.id }]);
  });
});
