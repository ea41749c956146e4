import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addLeftover } from '../../src/backups/settle.ts';
import { write } from '../../src/db/write.ts';
import { hostPlace } from '../../src/object-stores/place.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import {
  actHalfWay,
  type Bed,
  BUCKET,
  endHalfWay,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TINY_PARTS,
  TO_BUCKET,
} from './bed.ts';

/** A binary copy of an SQLite file lies on its host for a while: under every fault it is gone in the end, too. */
let bed: Bed;
let file: string;
let database: string;

const COPY = { type: 'sqlite', backupFormat: 'binary' } as const;

beforeAll(async () => {
  // So that much of the file is still to be read when its first part is sent.
  bed = await startBed({ ...TINY_PARTS, env: { PART_MEMORY_MIB: '16' } });
  file = await bed.makeSqlite('größe + "a" 🙂.sqlite', 20);
  database = await bed.addDatabase({ ...COPY, name: 'a copy + ü 🙂 "', filePath: file, ...TO_BUCKET });
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

test('a copy is stored whole, and nothing of it stays on the host', async () => {
  const backup = await bed.app.backUp(database);
  expect(backup.error).toBeNull();
  expect(backup.filename.endsWith('.sqlite')).toBe(true);
  expect(backup.raw['format']).toBe('binary');
  expect(backup.size).toBe(Number(await bed.sshd.insideHost(`stat -c %s '${file}'`)));
  expect(await bed.app.services.db.selectFrom('leftovers').selectAll().execute()).toEqual([]);
  await expectSealedOrAbsent(bed, backup);
});

test('while it is there it is recorded, readable by its user alone, and left alone', async () => {
  const backup = await actHalfWay(bed, database, async () => {
    const [row] = await leftovers();
    expect(row).toMatchObject({ kind: 'file', endpoint: `host:${bed.server}`, bucket: '', tries: 0 });
    const modes = await bed.sshd.insideHost(`stat -c %a '${row?.key}' "$(dirname '${row?.key}')"`);
    expect(modes).toBe('600\n700\n');
    // Another one that is due, so that a sweep is seen to have passed.
    const due = { kind: 'file', key: '/var/backups/gone 🙂', uploadId: null, versionId: null } as const;
    const { db, now } = bed.app.services;
    await write(db, (trx) => addLeftover(trx, null, hostPlace(bed.server), due, now()));
    await until('a sweep', 20_000, async () => (await leftovers()).length === 1);
    expect(await leftovers()).toEqual([row]);
  });
  expect(backup.status).toBe('completed');
});

test('a cancel while it is sent removes it', async () => {
  bed.bucket.faults.add({
    match: { operation: 'UploadPart' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'slow', bytesPerSecond: 200_000 },
  });
  const backupId = await bed.app.startBackup(database);
  await until('some of the copy', 60_000, async () => {
    const { backup } = (await bed.app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
    return bed.bucket.uploads(BUCKET).length > 0 && Number(backup['bytesRead']) > 0;
  });
  await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
  const backup = await bed.app.untilEnded(backupId);
  expect(backup.outcome).toBe('cancelled');
  await expectLeftoversGone(bed);
  await expectSealedOrAbsent(bed, backup);
});

test('a connection that drops while it is sent leaves no copy', async () => {
  const backup = await endHalfWay(bed, database, () => bed.sshd.dropConnections());
  expect(backup.error).toMatchObject({ step: 'dump' });
  await expectLeftoversGone(bed);
  await expectSealedOrAbsent(bed, backup);
});

test('a storage that refuses the end of the upload leaves no copy', async () => {
  bed.bucket.faults.add({
    match: { operation: 'CompleteMultipartUpload' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'status', status: 403, code: 'AccessDenied' },
  });
  const backup = await bed.app.backUp(database);
  expect(backup.error).toMatchObject({ step: 'upload' });
  await expectSealedOrAbsent(bed, backup);
});

test('two databases of one file are copied at once', async () => {
  const other = await bed.addDatabase({ ...COPY, name: 'the other', filePath: file, ...TO_BUCKET });
  const ids = [await bed.app.startBackup(database), await bed.app.startBackup(other)];
  for (const id of ids) {
    const backup = await bed.app.untilEnded(id);
    expect(backup.error).toBeNull();
    expect(backup.status).toBe('completed');
  }
  await expectLeftoversGone(bed);
});

test('a folder without room fails the dump before it is filled', async () => {
  const small = await bed.addDatabase({
    ...{ ...COPY, name: 'no room', filePath: file, ...TO_BUCKET },
    backupScratchPath: bed.sshd.smallFolder,
  });
  const backup = await bed.app.backUp(small);
  expect(backup.error).toMatchObject({
    step: 'dump',
    code: 'dump_failed',
    message: expect.stringContaining('no room for a copy'),
  });
  await expectSealedOrAbsent(bed, backup);
  // A df that is wrong, as quotas make it.
  const df = '/srv/shells/dash/df';
  await bed.sshd.insideHost(`printf '#!/bin/sh\\necho x 9 0 999999999 0%% /\\n' >${df}; chmod 755 ${df}`);
  const full = await bed.app.backUp(small);
  await bed.sshd.insideHost(`rm ${df}`);
  expect(full.error).toMatchObject({ step: 'dump', message: expect.stringContaining('ran full') });
  await expectSealedOrAbsent(bed, full);
});

function leftovers() {
  return bed.app.services.db.selectFrom('leftovers').selectAll().execute();
}
