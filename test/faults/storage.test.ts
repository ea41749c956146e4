import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fault, FaultRule, OperationName } from '../../dev/bucket/server.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { beside } from '../support/beside.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import {
  type Bed,
  BUCKET,
  expectLeftoversGone,
  expectSealedOrAbsent,
  startBed,
  TINY_PARTS,
  TO_BUCKET,
} from './bed.ts';

/** A bed of the suite that calls this, with a database whose dump is in several parts and one whose dump is in one. */
function openGround() {
  let bed: Bed;
  let large: string;
  let small: string;
  let hitsBefore = 0;
  beforeAll(async () => {
    bed = await startBed(TINY_PARTS);
    const largeFile = await bed.makeSqlite('large.sqlite', 2.5);
    const smallFile = await bed.makeSqlite('small.sqlite', 0.1);
    large = await bed.addDatabase({ name: 'large', type: 'sqlite', filePath: largeFile, ...TO_BUCKET });
    small = await bed.addDatabase({ name: 'small', type: 'sqlite', filePath: smallFile, ...TO_BUCKET });
  });
  beforeEach(() => {
    hitsBefore = bed.bucket.faults.hits().length;
  });
  afterEach(() => bed.bucket.faults.clear());
  afterAll(() => bed.close());
  return {
    /** Once the tests run. */
    get: () => ({ bed, large, small }),
    add: (rule: FaultRule) => bed.bucket.faults.add(rule),
    /** What this test's requests have met. */
    hits: () => bed.bucket.faults.hits().slice(hitsBefore),
    async statusOf(backupId: string): Promise<string> {
      const { backup } = (await bed.app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
      return String(backup['status']);
    },
  };
}

/** Requests of a backup in several parts, and of one that fits into a single PUT. */
const MULTIPART: readonly OperationName[] = [
  'HeadObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'GetObject',
];
const SINGLE: readonly OperationName[] = ['HeadObject', 'PutObject', 'GetObject'];

const PASSING: readonly Fault[] = [
  { kind: 'status', status: 500, code: 'InternalError' },
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'status', status: 503, code: 'ServiceUnavailable', message: 'no tomes available' },
  { kind: 'status', status: 408, code: 'RequestCanceled' },
  { kind: 'status', status: 400, code: 'RequestTimeout' },
  { kind: 'reset' },
  { kind: 'reset-after' },
  { kind: 'status-after', status: 500, code: 'InternalError' },
];

beside('a request that fails', () => {
  const ground = openGround();

  describe('a fault that happens once is got over', () => {
    for (const [database, operations] of [
      ['large', MULTIPART],
      ['small', SINGLE],
    ] as const) {
      for (const operation of operations) {
        for (const fault of PASSING) {
          test(`${describeFault(fault)} once at ${operation} of the ${database} dump`, async () => {
            const { bed, large, small } = ground.get();
            ground.add({ match: { operation }, fault });
            const backup = await bed.app.backUp(database === 'large' ? large : small);
            expect(ground.hits()).not.toEqual([]);
            expect(backup.error).toBeNull();
            await expectSealedOrAbsent(bed, backup);
          });
        }
      }
    }
  });
});

const LASTING: readonly Fault[] = [
  { kind: 'status', status: 403, code: 'AccessDenied' },
  { kind: 'status', status: 501, code: 'NotImplemented' },
  { kind: 'garbage' },
];

beside('requests that fail, and answers that are wrong', () => {
  const ground = openGround();

  describe('a fault that stays fails the backup and leaves nothing', () => {
    for (const [database, operations] of [
      ['large', MULTIPART],
      ['small', SINGLE],
    ] as const) {
      for (const operation of operations) {
        for (const fault of LASTING) {
          test(`${describeFault(fault)} at every ${operation} of the ${database} dump`, async () => {
            const { bed, large, small } = ground.get();
            ground.add({ match: { operation }, times: Number.POSITIVE_INFINITY, fault });
            const backup = await bed.app.backUp(database === 'large' ? large : small);
            expect(ground.hits()).not.toEqual([]);
            bed.bucket.faults.clear();
            expect(backup.status).toBe('failed');
            expect(['upload', 'verify']).toContain(backup.error?.step);
            await expectSealedOrAbsent(bed, backup);
          });
        }
      }
    }
  });

  describe('what a store can get wrong while it says that all is well', () => {
    const lies: readonly [string, FaultRule][] = [
      [
        'a Complete that answers 200 with an error inside',
        {
          match: { operation: 'CompleteMultipartUpload' },
          times: 9,
          fault: { kind: 'error-in-200', code: 'InternalError' },
        },
      ],
      [
        'an object that lists and HEADs but can not be read',
        { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'ghost' } },
      ],
      [
        'a Complete that loses the last part',
        { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'lose-part' } },
      ],
      [
        'an upload purged by the store half-way',
        { match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'lose-upload' } },
      ],
      [
        'a part stored with a flipped byte',
        { match: { operation: 'UploadPart', partNumber: 1 }, fault: { kind: 'corrupt' } },
      ],
      [
        'a bucket that vanishes half-way',
        { match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'vanish' } },
      ],
      [
        'a bucket that vanishes before the Complete',
        { match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'vanish' } },
      ],
    ];
    for (const [name, rule] of lies) {
      test(name, async () => {
        const { bed, large } = ground.get();
        ground.add(rule);
        const backupId = await bed.app.startBackup(large);
        await until('the run to end', 20_000, async () => {
          const { status } = (await bed.app.ask('GET', `/api/backups/${backupId}`))['backup'] as Json;
          return status === 'completed' || status === 'failed';
        });
        expect(ground.hits()).not.toEqual([]);
        bed.bucket.faults.clear();
        const backup = await bed.app.untilEnded(backupId);
        if (rule.fault.kind === 'vanish') await expectLeftoversGone(bed);
        await expectSealedOrAbsent(bed, backup);
      });
    }

    test('answers that come slowly are waited for', async () => {
      const { bed, large } = ground.get();
      ground.add({ match: {}, times: Number.POSITIVE_INFINITY, fault: { kind: 'slow', delayMs: 150 } });
      const backup = await bed.app.backUp(large);
      expect(backup.status).toBe('completed');
      await expectSealedOrAbsent(bed, backup);
    });

    test('a clock that is off by an hour is corrected for', async () => {
      const { bed, large } = ground.get();
      ground.add({ match: {}, times: Number.POSITIVE_INFINITY, fault: { kind: 'skew', ms: 3_600_000 } });
      const backup = await bed.app.backUp(large);
      expect(backup.error).toBeNull();
      await expectSealedOrAbsent(bed, backup);
    });

    test('blanks before the answer to Complete are waited for', async () => {
      const { bed, large } = ground.get();
      ground.add({
        match: { operation: 'CompleteMultipartUpload' },
        fault: { kind: 'keep-alive-blanks', delayMs: 1500 },
      });
      const backup = await bed.app.backUp(large);
      expect(backup.error).toBeNull();
      await expectSealedOrAbsent(bed, backup);
    });
  });
});

beside('answers that do not come', () => {
  const ground = openGround();

  describe('a storage that answers nothing, and a cancellation', () => {
    for (const [database, operations] of [
      ['large', MULTIPART],
      ['small', SINGLE],
    ] as const) {
      for (const operation of operations) {
        for (const kind of ['hang', 'hang-after'] as const) {
          test(`${kind} at ${operation} of the ${database} dump: the run ends soon, sealed or absent`, async () => {
            const { bed, large, small } = ground.get();
            ground.add({ match: { operation }, times: Number.POSITIVE_INFINITY, fault: { kind } });
            const backupId = await bed.app.startBackup(database === 'large' ? large : small);
            await until('the request to hang', 20_000, () => ground.hits().length > 0);
            await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
            await until(
              'the run to end',
              8_000,
              async () => (await ground.statusOf(backupId)) !== 'in_progress',
            );
            bed.bucket.faults.clear();
            await expectLeftoversGone(bed);
            const backup = await bed.app.untilEnded(backupId, 20_000);
            if (backup.status === 'failed') expect(backup.outcome).toBe('cancelled');
            await expectSealedOrAbsent(bed, backup);
          });
        }
      }
    }

    test('nothing at all is answered from the first part on: the run ends soon, and what is left goes later', async () => {
      const { bed, large } = ground.get();
      ground.add({ match: { operation: 'UploadPart' }, fault: { kind: 'hang' } });
      ground.add({ match: {}, skip: 3, times: Number.POSITIVE_INFINITY, fault: { kind: 'hang' } });
      const backupId = await bed.app.startBackup(large);
      await until('a part to hang', 20_000, () => ground.hits().length > 0);
      await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
      await until('the run to end', 8_000, async () => (await ground.statusOf(backupId)) !== 'in_progress');
      bed.bucket.faults.clear();
      await expectLeftoversGone(bed);
      await expectSealedOrAbsent(bed, await bed.app.untilEnded(backupId));
    });
  });

  describe('an upload that is refused while the dump says nothing', () => {
    let begin = () => {};
    /** Gives the run, once its upload is about to begin and its dump says nothing more. */
    async function startSilent(backupCompression: string): Promise<string> {
      const { bed } = ground.get();
      const name = `silent-${crypto.randomUUID()}`;
      const filePath = await bed.makeSqlite(name, 24);
      const database = await bed.addDatabase({
        name,
        type: 'sqlite',
        filePath,
        backupCompression,
        ...TO_BUCKET,
      });
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      ground.add({ match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'hold', until: begun } });
      // What is buffered on the way is read meanwhile, so that the upload waits for the dump when it fails.
      ground.add({ match: { operation: 'UploadPart' }, times: 9, fault: { kind: 'slow', delayMs: 700 } });
      ground.add({
        match: { operation: 'UploadPart' },
        times: 9,
        fault: { kind: 'status', status: 403, code: 'AccessDenied' },
      });
      const backupId = await bed.app.startBackup(database);
      await until('the upload', 20_000, () => ground.hits().length > 0);
      await bed.sshd.insideHost('pkill -STOP -x sqlite3');
      return backupId;
    }

    test.each(['none', 'zstd'])('fails at once and as what it is (%s)', async (compression) => {
      const { bed } = ground.get();
      const backupId = await startSilent(compression);
      begin();
      const backup = await bed.app.untilEnded(backupId, 20_000);
      expect(backup.error).toMatchObject({ step: 'upload', code: 'storage_denied' });
      await expectSealedOrAbsent(bed, backup);
    });

    test.each(['none', 'zstd'])('and the dump dies before the rest is removed (%s)', async (compression) => {
      const { bed } = ground.get();
      let remove = () => {};
      const removed = new Promise<void>((resolve) => {
        remove = resolve;
      });
      ground.add({ match: { operation: 'AbortMultipartUpload' }, fault: { kind: 'hold', until: removed } });
      const backupId = await startSilent(compression);
      begin();
      const isRemoval = ({ operation }: { operation: string }) => operation === 'AbortMultipartUpload';
      await until('the removal', 20_000, () => ground.hits().some(isRemoval));
      await bed.sshd.insideHost('pkill -KILL -x sqlite3');
      // Until the app has heard of it.
      await new Promise((resolve) => setTimeout(resolve, 500));
      remove();
      const backup = await bed.app.untilEnded(backupId, 20_000);
      expect(backup.error).toMatchObject({ step: 'upload', code: 'storage_denied' });
      await expectSealedOrAbsent(bed, backup);
    });
  });

  describe('an answer that was lost for good', () => {
    test('a PUT that lands after the run was given up is removed later', async () => {
      const { bed, small } = ground.get();
      let land = () => {};
      const landing = new Promise<void>((resolve) => {
        land = resolve;
      });
      ground.add({ match: { operation: 'PutObject' }, fault: { kind: 'hold-received', until: landing } });
      const backupId = await bed.app.startBackup(small);
      await until('the PUT to be held', 20_000, () => ground.hits().length > 0);
      await bed.app.ask('POST', `/api/backups/${backupId}/cancel`);
      const backup = await bed.app.untilEnded(backupId, 20_000);
      expect(backup.outcome).toBe('cancelled');
      land();
      await until('the object to land', 20_000, () =>
        bed.bucket.objects(BUCKET).some(({ key }) => key === backup.storagePath),
      );
      await expectLeftoversGone(bed);
      await expectSealedOrAbsent(bed, backup);
    });

    test('an upload that begins after its backup was completed is removed later', async () => {
      const { bed, large } = ground.get();
      let land = () => {};
      const landing = new Promise<void>((resolve) => {
        land = resolve;
      });
      ground.add({
        match: { operation: 'CreateMultipartUpload' },
        fault: { kind: 'hold-received', until: landing },
      });
      const backup = await bed.app.backUp(large, 30_000);
      expect(backup.status).toBe('completed');
      expect(bed.bucket.uploads(BUCKET)).toEqual([]);
      land();
      await until('the upload to begin', 20_000, () => bed.bucket.uploads(BUCKET).length === 1);
      await expectSealedOrAbsent(bed, backup);
      expect((await bed.app.call('GET', `/api/backups/${backup.id}/download`)).status).toBe(200);
    });

    test('nothing of a running backup is taken for what a lost answer left', async () => {
      const { bed, large } = ground.get();
      let go = () => {};
      const going = new Promise<void>((resolve) => {
        go = resolve;
      });
      ground.add({ match: { operation: 'CreateMultipartUpload' }, fault: { kind: 'reset-after' } });
      ground.add({
        match: { operation: 'UploadPart', partNumber: 2 },
        fault: { kind: 'hold', until: going },
      });
      const backupId = await bed.app.startBackup(large);
      const isHeld = () => ground.hits().some(({ kind }) => kind === 'hold');
      await until('the second part', 20_000, isHeld);
      const { db, now } = bed.app.services;
      await db.updateTable('leftovers').set({ next_try_at: now().toISOString() }).execute();
      await sweepLeftovers(bed.app.services, new AbortController().signal);
      expect(bed.bucket.uploads(BUCKET)).toHaveLength(1);
      go();
      const backup = await bed.app.untilEnded(backupId);
      expect(backup.error).toBeNull();
      await expectSealedOrAbsent(bed, backup);
    });
  });
});

function describeFault(fault: Fault): string {
  return 'code' in fault ? `${fault.kind} ${fault.code}` : fault.kind;
}
