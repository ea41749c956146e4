import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { OperationName } from '../../dev/bucket/server.ts';
import type { BackupRow, RunRow } from '../../src/db/schema.ts';
import { runOf } from '../support/backup-row.ts';
import { until } from '../support/until.ts';
import {
  type Bed,
  BUCKET,
  expectHostQuiet,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TO_BUCKET,
  untilMet,
} from './bed.ts';

/** Another process takes a backup over while its run still goes on here, as after a pause of the whole machine. */
let bed: Bed;
let large: string;
let small: string;

beforeAll(async () => {
  bed = await startBed({ timing: { leaseMs: 30_000 }, tuning: { cancelGraceMs: 10_000 } });
  const file = await bed.makeSqlite('large ü.sqlite', 12);
  const smallFile = await bed.makeSqlite('small ü.sqlite', 1);
  large = await bed.addDatabase({ name: 'large', type: 'sqlite', filePath: file, ...TO_BUCKET });
  small = await bed.addDatabase({ name: 'small', type: 'sqlite', filePath: smallFile, ...TO_BUCKET });
});
afterEach(async () => {
  bed.bucket.faults.clear();
  await expectHostQuiet(bed);
});
afterAll(() => bed.close());

test('a run whose backup another process took over ends, and writes nothing over it', async () => {
  const { backupId, release } = await held(large, 'UploadPart');
  // Less than two leases ahead: beyond that the clock counts as set back.
  const leaseUntil = new Date(Date.now() + 55_000).toISOString();
  await changeRun(backupId, { claimed_by: 'another process', lease_until: leaseUntil });
  await until('the run to be given up', 20_000, () => hasLogged(backupId, 'no longer'));
  release();
  await until('the run to end', 20_000, () => hasLogged(backupId, 'backup failed'));
  expect(await row(backupId)).toMatchObject({ status: 'in_progress' });
  expect(await runOf(bed.app.services.db, { id: backupId })).toMatchObject({ claimed_by: 'another process' });
  // The other one says nothing more, and its claim is over.
  await changeRun(backupId, { lease_until: new Date(0).toISOString() });
  const backup = await bed.app.untilEnded(backupId, 20_000);
  expect(backup).toMatchObject({ status: 'failed', outcome: 'interrupted' });
  await expectSealedOrAbsent(bed, backup);
});

test('what another process found to be stored and completed is not taken away by the run that stored it', async () => {
  const { backupId, release } = await held(small, 'GetObject');
  await complete(backupId);
  await until('the run to be given up', 20_000, () => hasLogged(backupId, 'no longer'));
  release();
  await until('the run to end', 20_000, () => hasLogged(backupId, 'backup failed'));
  const backup = await bed.app.untilEnded(backupId);
  expect(backup).toMatchObject({ status: 'completed', outcome: 'completed' });
  await expectSealedOrAbsent(bed, backup);
});

test('what it can not remove is listed, though its backup is settled already', async () => {
  const { backupId, release } = await held(large, 'UploadPart');
  bed.bucket.faults.add({
    match: { operation: 'AbortMultipartUpload' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'status', status: 403, code: 'AccessDenied' },
  });
  await settle(backupId);
  release();
  await until('the run to end', 20_000, () => hasLogged(backupId, 'backup failed'));
  const [upload] = bed.bucket.uploads(BUCKET);
  expect(upload).toBeDefined();
  await until('what is left to be listed', 20_000, async () => {
    const found = await leftovers();
    return found.some(({ kind, upload_id: id }) => kind === 'upload' && id === upload?.uploadId);
  });
  bed.bucket.faults.clear();
  await expectLeftoversGone(bed);
  expect(bed.bucket.uploads(BUCKET)).toEqual([]);
  expect(await row(backupId)).toMatchObject({ status: 'failed', outcome: 'interrupted' });
});

test('a run whose row was removed leaves nothing, and begins nothing that nobody would know of', async () => {
  const { backupId, release } = await held(large, 'CreateMultipartUpload');
  const before = bed.bucket.objects(BUCKET).length;
  await bed.app.services.db.deleteFrom('backups').where('id', '=', backupId).execute();
  release();
  await until('the run to end', 20_000, () => hasLogged(backupId, 'backup failed'));
  await expectLeftoversGone(bed);
  expect(bed.bucket.uploads(BUCKET)).toEqual([]);
  expect(bed.bucket.objects(BUCKET)).toHaveLength(before);
});

test('an object that was sealed after its row was removed is removed as well', async () => {
  const { backupId, release } = await held(small, 'PutObject');
  const before = bed.bucket.objects(BUCKET).length;
  await bed.app.services.db.deleteFrom('backups').where('id', '=', backupId).execute();
  release();
  await until(
    'the run to end',
    20_000,
    () => hasLogged(backupId, 'backup failed') || hasLogged(backupId, 'ended well'),
  );
  await until('the object to be removed', 20_000, async () => {
    await expectLeftoversGone(bed);
    return bed.bucket.objects(BUCKET).length === before;
  });
});

test('a leftover that names what a completed backup consists of is dropped, and the object stays', async () => {
  const backup = await bed.app.backUp(small);
  const { db, now } = bed.app.services;
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backup.id)
    .executeTakeFirstOrThrow();
  const { endpoint, region, bucket, key } = object;
  await db
    .insertInto('leftovers')
    .values({
      ...{ id: 'wrong', backup_id: backup.id, kind: 'object', endpoint, region, bucket, key },
      ...{ upload_id: null, version_id: null, tries: 0, last_error: null },
      ...{ created_at: now().toISOString(), next_try_at: now().toISOString() },
    })
    .execute();
  await until('the leftover to be dropped', 20_000, async () => (await leftovers()).length === 0);
  await expectSealedOrAbsent(bed, backup);
});

/** Starts a backup whose request of that kind is held until `release`. */
async function held(database: string, operation: OperationName) {
  let release = () => {};
  const until_ = new Promise<void>((resolve) => {
    release = resolve;
  });
  bed.bucket.faults.add({
    match: { operation },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'hold', until: until_ },
  });
  const backupId = await bed.app.startBackup(database);
  await untilMet(bed, backupId, 'hold');
  return { backupId, release };
}

async function changeRun(backupId: string, values: Partial<RunRow>): Promise<void> {
  await bed.app.services.db.updateTable('runs').set(values).where('id', '=', backupId).execute();
}

async function change(backupId: string, values: Partial<BackupRow>): Promise<void> {
  await bed.app.services.db.updateTable('backups').set(values).where('id', '=', backupId).execute();
}

/** As another process would, which read the object back. */
async function complete(backupId: string): Promise<void> {
  const { db } = bed.app.services;
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .executeTakeFirstOrThrow();
  const at = new Date().toISOString();
  await change(backupId, {
    ...{ status: 'completed', outcome: 'completed' },
    ...{ size: object.bytes ?? 0, sha256: object.sha256, completed_at: at },
  });
  const nobody = { claimed_by: null, lease_until: null };
  await changeRun(backupId, { ...nobody, state: 'completed', step: null, progress: 100 });
}

/** As another process would, which found nothing stored. */
async function settle(backupId: string): Promise<void> {
  await bed.app.services.db.deleteFrom('backup_objects').where('backup_id', '=', backupId).execute();
  const at = new Date().toISOString();
  await change(backupId, {
    ...{ status: 'failed', outcome: 'interrupted', completed_at: at },
  });
  await changeRun(backupId, { claimed_by: null, lease_until: null, state: 'interrupted' });
}

function hasLogged(backupId: string, text: string): boolean {
  return bed.app.log.some((line) => line.includes(backupId) && line.includes(text));
}

function leftovers() {
  return bed.app.services.db.selectFrom('leftovers').selectAll().execute();
}

async function row(backupId: string): Promise<BackupRow> {
  return bed.app.services.db
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow();
}
