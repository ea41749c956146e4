import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '../../dev/bucket/server.ts';
import { until } from '../support/until.ts';
import {
  type Bed,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TINY_PARTS,
  TO_BUCKET,
} from './bed.ts';

/** That the dump may be silent for: more than a busy machine takes for any of its steps. */
const SILENT_MS = 3_000;

let bed: Bed;
let database: string;

beforeAll(async () => {
  bed = await startBed({
    ...TINY_PARTS,
    tuning: { ...TINY_PARTS.tuning, patienceMs: 600_000, retryCapMs: 100 },
    env: { PART_MEMORY_MIB: '16' },
  });
  // Larger than all parts at once and what is on its way to them, so that the dump has to wait on its host.
  const file = await bed.makeSqlite('grü+n 🐘.sqlite', 20);
  const name = "grü+n 'q' 🐘";
  database = await bed.addDatabase({ name, type: 'sqlite', filePath: file, ...TO_BUCKET });
  const { db } = bed.app.services;
  // Shorter than the storage's trouble: what the dump waits for us is none of its silence.
  await db
    .updateTable('databases')
    .set({ pg_dump_timeout_ms: SILENT_MS })
    .where('id', '=', database)
    .execute();
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' },
  { kind: 'status', status: 502, code: 'BadGateway' },
  { kind: 'reset' },
];

describe('a storage that takes no part for longer than the dump may be silent', () => {
  test.each(FAULTS)('is waited for, and the dump with it: %j', async (fault) => {
    let since = Number.POSITIVE_INFINITY;
    bed.bucket.faults.add({ match: { operation: 'UploadPart' }, times: Number.POSITIVE_INFINITY, fault });
    const before = bed.bucket.faults.hits().length;
    const backupId = await bed.app.startBackup(database);
    const { db } = bed.app.services;
    await until('the dump to wait longer than its limit', 60_000, async () => {
      const { step } = await db
        .selectFrom('runs')
        .select('step')
        .where('id', '=', backupId)
        .executeTakeFirstOrThrow();
      const tries = bed.bucket.faults.hits().length - before;
      if (tries > 0) since = Math.min(since, performance.now());
      return step === 'dump' && tries > 30 && performance.now() - since > SILENT_MS + 1_000;
    });
    bed.bucket.faults.clear();
    const backup = await bed.app.untilEnded(backupId);
    expect(backup.error).toBeNull();
    await expectSealedOrAbsent(bed, backup);
  });

  test('is left at once when the backup is cancelled', async () => {
    const [fault = { kind: 'reset' }] = FAULTS;
    bed.bucket.faults.add({ match: { operation: 'UploadPart' }, times: Number.POSITIVE_INFINITY, fault });
    const before = bed.bucket.faults.hits().length;
    const backupId = await bed.app.startBackup(database);
    await until('the storage to fail', 30_000, () => bed.bucket.faults.hits().length > before + 20);
    await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
    const backup = await bed.app.untilEnded(backupId, 5_000);
    expect(backup.outcome).toBe('cancelled');
    bed.bucket.faults.clear();
    // The time to remove things after a cancellation is short here.
    await expectLeftoversGone(bed);
    await expectSealedOrAbsent(bed, backup);
  });
});
