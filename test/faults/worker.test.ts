import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BackupRow } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { addRun } from '../support/backup-row.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import {
  type Bed,
  BUCKET,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TO_BUCKET,
  untilMet,
} from './bed.ts';

let bed: Bed;
let small: string;
let large: string;

beforeAll(async () => {
  // A Complete whose caller is gone is waited for all through these tests.
  bed = await startBed({ timing: { completeMayTakeMs: 600_000, leaseMs: 2_000 } });
  const file = await bed.makeSqlite('small.sqlite', 1);
  const largeFile = await bed.makeSqlite('large.sqlite', 12);
  small = await bed.addDatabase({ name: 'small', type: 'sqlite', filePath: file, ...TO_BUCKET });
  large = await bed.addDatabase({ name: 'large', type: 'sqlite', filePath: largeFile, ...TO_BUCKET });
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

describe('the worker', () => {
  test('claims and cancels while a repair waits for a storage that never answers', async () => {
    const key = 'orphan.sql';
    bed.bucket.faults.add({ match: { key }, times: Number.POSITIVE_INFINITY, fault: { kind: 'hang' } });
    const orphan = await insertOrphan({ key, leaseUntil: new Date(0) });
    await until('the repair to hang', 20_000, () => bed.bucket.faults.hits().some((hit) => hit.key === key));
    const backup = await bed.app.backUp(small, 8_000);
    expect(backup.status).toBe('completed');
    expect((await row(orphan)).status).toBe('in_progress');
    bed.bucket.faults.clear();
    await until('the repair to go on', 20_000, async () => (await row(orphan)).status === 'failed');
    await expectLeftoversGone(bed);
  });

  test('repairs a run whose lease lies hours ahead, because the clock was set back', async () => {
    const orphan = await insertOrphan({
      key: 'ahead.sql',
      leaseUntil: new Date(Date.now() + 3 * 3_600_000),
    });
    await until('the repair', 20_000, async () => (await row(orphan)).outcome === 'interrupted');
    await expectLeftoversGone(bed);
  });
});

describe('an outcome that could not be written', () => {
  test('a stored backup is completed later, and its object is never lost', async () => {
    await forbidStatus('completed');
    try {
      const backupId = await bed.app.startBackup(small);
      await until('the run to end unwritten', 20_000, () => hasLogged(backupId));
      expect((await row(backupId)).status).toBe('in_progress');
      await allowStatus();
      const backup = await bed.app.untilEnded(backupId, 20_000);
      expect(backup.status).toBe('completed');
      await expectSealedOrAbsent(bed, backup);
    } finally {
      await allowStatus();
    }
  });

  test('a failed backup is settled later by the same process', async () => {
    await forbidStatus('failed');
    try {
      bed.bucket.faults.add({
        match: { operation: 'UploadPart', partNumber: 2 },
        fault: { kind: 'status', status: 403, code: 'AccessDenied' },
      });
      const backupId = await bed.app.startBackup(large);
      await until('the run to end unwritten', 20_000, () => hasLogged(backupId));
      await allowStatus();
      const backup = await bed.app.untilEnded(backupId, 20_000);
      expect(backup.status).toBe('failed');
      await expectSealedOrAbsent(bed, backup);
    } finally {
      await allowStatus();
    }
  });
});

describe('a backup whose outcome is not known yet', () => {
  test('can be deleted, and so can its database; its upload is removed all the same', async () => {
    const file = await bed.makeSqlite('third.sqlite', 12);
    const database = await bed.addDatabase({ name: 'third', type: 'sqlite', filePath: file, ...TO_BUCKET });
    const backupId = await uncertainBackup(database);
    expect(bed.bucket.uploads(BUCKET)).toHaveLength(1);
    await bed.app.ask('DELETE', `/api/backups/${backupId}`);
    await bed.app.ask('DELETE', `/api/databases/${database}`);
    bed.bucket.faults.clear();
    await expectLeftoversGone(bed);
    expect(bed.bucket.uploads(BUCKET)).toEqual([]);
    expect(bed.bucket.objects(BUCKET).filter(({ key }) => key.includes('third'))).toEqual([]);
  });

  test('stays uncertain while its bucket is gone, and is settled when it is back', async () => {
    const backupId = await uncertainBackup(large);
    bed.bucket.faults.clear();
    bed.bucket.faults.add({ match: { bucket: BUCKET }, fault: { kind: 'vanish' } });
    await until('the bucket to be missed', 20_000, () =>
      bed.bucket.faults.hits().some(({ kind }) => kind === 'vanish'),
    );
    expect((await row(backupId)).outcome).toBe('uncertain');
    bed.bucket.faults.clear();
    // As if the time that a Complete may take were over.
    await bed.app.services.db
      .updateTable('backups')
      .set({ completed_at: new Date(0).toISOString() })
      .where('id', '=', backupId)
      .execute();
    await expectSealedOrAbsent(bed, await bed.app.untilEnded(backupId, 20_000));
  });
});

describe('leftovers', () => {
  test('an upload of known id is removed by a key that may not list uploads', async () => {
    bed.bucket.faults.add({
      match: { operation: 'AbortMultipartUpload' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    bed.bucket.faults.add({
      match: { operation: 'UploadPart', partNumber: 2 },
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    await bed.app.backUp(large);
    expect(bed.bucket.uploads(BUCKET)).toHaveLength(1);
    bed.bucket.faults.clear();
    bed.bucket.faults.add({
      match: { operation: 'ListMultipartUploads' },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', status: 403, code: 'AccessDenied' },
    });
    await expectLeftoversGone(bed);
    expect(bed.bucket.uploads(BUCKET)).toEqual([]);
  });

  test('nothing is written under a key of which something is still to be removed', async () => {
    const { db } = bed.app.services;
    const createdAt = '2030-01-02T03:04:05.678Z';
    const template = await row((await bed.app.backUp(small)).id);
    const key = template.storage_path.replace(/-\d{4}-[^/]*Z/, '-2030-01-02T03-04-05-678Z');
    const { endpoint } = await db.selectFrom('spaces_config').select('endpoint').executeTakeFirstOrThrow();
    const at = new Date(Date.now() + 3_000_000).toISOString();
    await db
      .insertInto('leftovers')
      .values({
        ...{ id: newId(), backup_id: null, kind: 'object', endpoint, region: null, bucket: BUCKET, key },
        ...{ upload_id: null, version_id: null, tries: 0, last_error: null, created_at: at, next_try_at: at },
      })
      .execute();
    const id = newId();
    await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: small, filename: 'x', size: 0, type: 'manual', status: 'pending' },
        ...{ storage_type: 'spaces', storage_path: key, bytes_read: 0, bytes_stored: 0 },
        ...{ created_at: createdAt, is_pinned: 0, token: newId() },
      })
      .execute();
    await addRun(db, await row(id));
    const backup = await bed.app.untilEnded(id, 20_000);
    expect(backup.error?.code).toBe('storage_exists');
    await expectLeftoversGone(bed);
  });
});

/** A run of a process that is gone, of a database of its own. */
async function insertOrphan(run: { key: string; leaseUntil: Date }): Promise<string> {
  const { db } = bed.app.services;
  const database = await bed.addDatabase({
    name: run.key,
    type: 'sqlite',
    filePath: '/var/backups/small.sqlite',
    ...TO_BUCKET,
  });
  const { endpoint, region } = await db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
  const id = newId();
  const at = new Date().toISOString();
  await write(db, async (trx) => {
    const backup = await trx
      .insertInto('backups')
      .values({
        ...{ id, database_id: database, filename: run.key, size: 0, type: 'manual', status: 'in_progress' },
        ...{ storage_type: 'spaces', storage_path: run.key, bytes_read: 0, bytes_stored: 0 },
        ...{ created_at: at, started_at: at, is_pinned: 0, token: newId() },
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await addRun(trx, backup, {
      ...{ claimed_by: 'a process that is gone', lease_until: run.leaseUntil.toISOString() },
    });
    await trx
      .insertInto('backup_objects')
      .values({
        ...{ id: newId(), backup_id: id, kind: 'dump', number: 0, endpoint, region, bucket: BUCKET },
        ...{ key: run.key, bytes: 10, sha256: '00' },
      })
      .execute();
  });
  return id;
}

/** Cancelled while nobody answered its Complete. */
async function uncertainBackup(database: string): Promise<string> {
  bed.bucket.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'hang' } });
  const backupId = await bed.app.startBackup(database);
  await untilMet(bed, backupId, 'hang');
  await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
  await until('the run to be uncertain', 20_000, async () => (await row(backupId)).outcome === 'uncertain');
  return backupId;
}

async function row(backupId: string): Promise<BackupRow> {
  return bed.app.services.db
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow();
}

/** As a full disk does: the outcome can't be written, though everything before could. */
async function forbidStatus(status: string): Promise<void> {
  await sql`create trigger forbidden before update of status on backups when new.status = ${sql.lit(status)}
    begin select raise(abort, 'database or disk is full'); end`.execute(bed.app.services.db);
}

async function allowStatus(): Promise<void> {
  await sql`drop trigger if exists forbidden`.execute(bed.app.services.db);
}

function hasLogged(backupId: string): boolean {
  return bed.app.log.some((line) => {
    const { msg, message, runId: of } = JSON.parse(line) as Json;
    return of === backupId && [msg, message].includes('a backup ended without an outcome');
  });
}
