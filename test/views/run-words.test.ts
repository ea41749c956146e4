import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/backups/failure-advice.ts';
import { describeRun, type LiveRun, waitWords } from '../../views/backup/run-words.ts';
import { type BackupItem, foldFailures } from '../../views/database/backup-rows.ts';

const MIB = 1024 ** 2;
const run = (change: Partial<LiveRun>): LiveRun => ({
  ...{ id: 'x', status: 'in_progress', step: 'dump', bytesRead: 0, bytesStored: 0, expectedBytes: null },
  ...{ bytesPerSecond: null, cancelRequested: false, waitingFor: null, waitingSince: null },
  ...change,
});

describe('how far a run is', () => {
  it('is told within its step by the bytes over those of the last good one, with the time that is left', () => {
    const words = describeRun(
      run({ bytesRead: 64 * MIB, expectedBytes: 100 * MIB, bytesPerSecond: 6 * MIB }),
    );
    expect(words).toMatchObject({
      share: 0.64,
      title: '64 %',
      state: 'dumping',
      numbers: '64.0 MiB of about 100 MiB · 6.0 MiB/s · 6 s left',
    });
    expect(words.steps.map(({ label, state }) => `${label} ${state}`)).toEqual([
      ...['Connect done', 'Dump current', 'Store waiting', 'Read back waiting'],
    ]);
  });

  it('is not told above what was expected, in other steps, and where nobody knows', () => {
    const more = describeRun(run({ bytesRead: 350 * MIB, expectedBytes: 316 * MIB, bytesPerSecond: MIB }));
    expect(more).toMatchObject({ share: null, title: 'dumping', numbers: '350 MiB · 1.0 MiB/s' });
    for (const step of ['connect', 'upload', 'verify', null] as const) {
      expect(describeRun(run({ step, bytesRead: 5, expectedBytes: 10 })).share).toBeNull();
    }
    expect(describeRun(run({ step: null, status: 'pending' }))).toMatchObject({
      state: 'waiting',
      numbers: '',
    });
    expect(describeRun(run({ cancelRequested: true })).state).toBe('cancelling');
  });

  it('tells of a wait once it is one, and for how long', () => {
    const now = new Date('2026-02-28T23:59:59.000Z');
    const since = (ms: number) => new Date(now.getTime() - ms).toISOString();
    const waits = (waitingFor: LiveRun['waitingFor'], waitingSince: string | null) =>
      waitWords(run({ waitingFor, waitingSince }), now);
    expect(waits('storage', since(8_000))).toBe('waiting for the storage for 8 s');
    expect(waits('host', since(65_000))).toBe("waiting for the database's host for 1 min 5 s");
    for (const short of [4_999, 0, -60_000]) expect(waits('storage', since(short))).toBeNull();
    expect([waits('storage', null), waits(null, since(8_000)), waits('host', 'x')]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('never says more than the whole, nor a number that is none', () => {
    const bytes = fc.oneof(fc.nat(), fc.constantFrom(0, 1, 5e14));
    fc.assert(
      fc.property(bytes, fc.option(bytes), fc.option(bytes), (bytesRead, expectedBytes, bytesPerSecond) => {
        const words = describeRun(run({ bytesRead, expectedBytes, bytesPerSecond }));
        expect(words.share === null || (words.share >= 0 && words.share <= 1)).toBe(true);
        expect(`${words.numbers} ${words.title}`).not.toMatch(/NaN|Infinity|undefined|-\d/);
      }),
    );
  });
});

describe('failures in a row', () => {
  const item = (id: number, message: string | null, change: Partial<BackupItem> = {}): BackupItem => ({
    ...{ id: `b${id}`, filename: 'x', type: 'scheduled', startedBy: null, size: 0, duration: null },
    sizeChange: null,
    ...{ createdAt: `2026-03-0${9 - id}T01:00:00.000Z`, storageType: 'spaces', isPinned: false, kept: null },
    ...{
      status: message === null ? 'completed' : 'failed',
      outcome: message === null ? 'completed' : 'failed',
    },
    ...{ verification: null, step: message === null ? null : 'dump' },
    failure:
      message === null ? null : { step: 'dump', message, stderr: null, exitCode: null, storageProblem: null },
    ...change,
  });

  it('with the same words are one line, which is that of the newest; nothing else is folded', () => {
    const rows = foldFailures([
      ...[item(0, 'ü <b>'), item(1, 'ü <b>'), item(2, 'ü <b>'), item(3, 'other'), item(4, null)],
      ...[item(5, 'ü <b>'), item(6, 'ü <b>', { outcome: 'cancelled' }), item(7, 'ü <b>', { isPinned: true })],
    ]);
    expect(rows.map(({ backup, ids, since }) => [backup.id, ids.length, since.slice(0, 10)])).toEqual([
      ...[
        ['b0', 3, '2026-03-07'],
        ['b3', 1, '2026-03-06'],
        ['b4', 1, '2026-03-05'],
      ],
      ...[
        ['b5', 1, '2026-03-04'],
        ['b6', 1, '2026-03-03'],
        ['b7', 1, '2026-03-02'],
      ],
    ]);
    expect(foldFailures([])).toEqual([]);
  });
});

describe('the advice for a failure', () => {
  const of = (code: string, message = 'x', isFile = false) =>
    adviceFor({ code, message, step: 'dump' }, { isFile })?.mend;

  it('leads to the field or the page where it is mended', () => {
    expect(of('dump_refused')).toEqual({ on: 'database-form', field: 'username' });
    expect(of('dump_source_missing')).toEqual({ on: 'database-form', field: 'databaseName' });
    for (const code of ['dump_source_missing', 'dump_refused', 'host_path_refused']) {
      expect(of(code, 'x', true)).toEqual({ on: 'database-form', field: 'filePath' });
    }
    expect(of('host_auth')).toEqual({ on: 'environment' });
    expect(of('storage_denied')).toEqual({ on: 'storage' });
    expect(of('invalid', 'No Spaces bucket configured for this database')).toEqual({
      ...{ on: 'database-form', field: 'backupSpacesBucket' },
    });
  });

  it('is not made up for what nobody knows', () => {
    for (const code of ['internal', '', 'constructor', '__proto__', 'cancelled'])
      expect(of(code)).toBeUndefined();
  });
});
