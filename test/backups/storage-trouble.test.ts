import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storageTrouble } from '../../src/backups/storage-trouble.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { nextDrills } from '../../src/drills/next-drills.ts';
import { isNearlyFull } from '../../src/installation/free-space.ts';
import { nextRuns } from '../../src/schedules/next-runs.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const at = (hour: number) => new Date(Date.UTC(2026, 2, 4) + hour * 3_600_000);
const MESSAGE = 'Could not reach "größe.example" 🐘 <b>: connect ECONNREFUSED';
const error = (code: string) => JSON.stringify({ message: MESSAGE, step: 'upload', code });
const FAILED = { status: 'failed', outcome: 'failed' } as const;

afterAll(dropStates);

const NOW = at(24);

describe.each(STATES)('what concerns every database at once, on %s', (state) => {
  let db: Db;
  beforeAll(async () => {
    db = await openState(state);
  });
  afterAll(() => db.destroy());

  const context = () => ({ db, now: () => NOW });

  async function inBucket(hour: number, values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow>) {
    const row = await insertBackup(db, at(hour), values);
    await db
      .updateTable('databases')
      .set({ backup_storage_type: 'spaces' })
      .where('id', '=', row.database_id)
      .execute();
    return row;
  }

  it('is a storage that the last backup did not reach, until one does or fails for another reason', async () => {
    expect(await storageTrouble(context())).toBeNull();
    const lost = await inBucket(1, { ...FAILED, error: error('storage_unreachable') });
    const trouble = {
      ...{ backupId: lost.id, at: at(1).toISOString(), message: MESSAGE },
      ...{ isOutOfReach: true, isBeforeChange: false, isSeenByTest: false },
    };
    expect(await storageTrouble(context())).toEqual(trouble);
    // One that was kept on its host tells nothing of the storage.
    await insertBackup(db, at(2), { status: 'completed', outcome: 'completed' });
    expect(await storageTrouble(context())).toEqual(trouble);
    const refused = await inBucket(3, { ...FAILED, error: error('storage_full') });
    expect(await storageTrouble(context())).toMatchObject({ backupId: refused.id, isOutOfReach: false });
    await inBucket(4, { ...FAILED, error: error('storage_no_bucket') });
    expect(await storageTrouble(context())).toBeNull();
    await inBucket(5, { ...FAILED, error: error('storage_tls') });
    expect(await storageTrouble(context())).toMatchObject({ isOutOfReach: true });
    await inBucket(6, { ...FAILED, error: '{"of":"another version"}' });
    expect(await storageTrouble(context())).toBeNull();
  });

  it('is told by what came last, whatever another database holds from the future', async () => {
    const ahead = await inBucket(24 * 7, { status: 'completed', outcome: 'completed' });
    const failed = await inBucket(6.5, { ...FAILED, error: error('storage_bad_credentials') });
    expect(await storageTrouble(context())).toMatchObject({ backupId: failed.id });
    const later = { db, now: () => at(24 * 7) };
    expect(await storageTrouble(later)).toBeNull();
    // Where there is no other it tells all the same.
    const whileOld = { db, now: () => at(-24) };
    expect(await storageTrouble(whileOld)).toBeNull();
    await db.deleteFrom('newest_backups').where('database_id', '=', ahead.database_id).execute();
    expect(await storageTrouble(whileOld)).toMatchObject({ backupId: failed.id });
  });

  it('is mended where the settings were tested since and found good, and may be where they were changed', async () => {
    const write = (key: string, hour: number) =>
      sql`insert into system_settings (key, value, updated_at)
        values (${key}, ${JSON.stringify(at(hour))}, ${at(hour).toISOString()})
        on conflict (key) do update set value = excluded.value`.execute(db);
    const trouble = async () => {
      const found = await storageTrouble(context());
      return found === null ? 'none' : found.isBeforeChange ? 'before' : 'now';
    };
    const config = { access_key: 'x', secret_key: 'x', region: 'eu', endpoint: 'https://größe.example' };
    const changedAt = (hour: number) => ({
      created_at: at(0).toISOString(),
      updated_at: at(hour).toISOString(),
    });
    await db
      .insertInto('spaces_config')
      .values({ id: 'c', ...config, buckets: '[]', encryption: 'none', ...changedAt(6) })
      .execute();
    await inBucket(7, { ...FAILED, error: error('storage_bad_credentials') });
    expect(await trouble()).toBe('now');
    const tested = async (hour: number, savedAt: number) => {
      await write('storageTestedAt', hour);
      await write('storageTestedSettings', savedAt);
    };
    await tested(6, 6);
    expect(await trouble()).toBe('now');
    await db.updateTable('spaces_config').set(changedAt(8)).execute();
    expect(await trouble()).toBe('before');
    // What was tested is another configuration's, or began before the backup ended.
    await tested(9, 6);
    expect(await trouble()).toBe('before');
    await tested(6, 8);
    expect(await trouble()).toBe('before');
    await tested(7.5, 8);
    expect(await trouble()).toBe('none');
    // It ended later than that test began.
    const completed_at = at(7.6).toISOString();
    await inBucket(7.1, { ...FAILED, error: error('storage_bad_credentials'), completed_at });
    expect(await trouble()).toBe('before');
    await tested(7.7, 8);
    expect(await trouble()).toBe('none');
    // Changed once more, and not tested.
    await db.updateTable('spaces_config').set(changedAt(9)).execute();
    expect(await trouble()).toBe('before');
    // A test that stores nothing does not tell that there is room again; a deep test does.
    for (const [index, code] of ['storage_proxy', 'storage_unreachable', 'storage_full'].entries()) {
      await inBucket(10 + index / 10, { ...FAILED, error: error(code) });
      await tested(11, 9);
      expect([code, await trouble()]).toEqual([code, 'now']);
    }
    const check = (outcome: string) => ({ id: 'put', outcome, message: '', requestId: null });
    const deepTest = (hour: number, outcome: string, endpoint = config.endpoint) => ({
      ...{ id: `${hour}`, endpoint, cause: 'asked' as const },
      ...{ started_at: at(hour).toISOString(), finished_at: at(hour).toISOString() },
      result: JSON.stringify({
        ...{ endpoint, provider: 'x', source: 'configured', problems: [], lost: [] },
        buckets: [
          {
            ...{
              bucket: 'b',
              prefix: '',
              durationMs: 1,
              checks: [check(outcome)],
              versioning: 'off',
              left: [],
            },
            ...{
              objectLock: null,
              storageClass: null,
              clockOffsetMs: null,
              writtenBytes: 1,
              removedFromEarlier: 0,
            },
            ...{ uploadBytesPerSecond: null, downloadBytesPerSecond: null },
          },
        ],
      }),
    });
    for (const [hour, outcome, endpoint] of [
      [9, 'ok', config.endpoint],
      [12, 'failed', config.endpoint],
      [13, 'ok', 'https://other.example'],
    ] as const) {
      await db
        .insertInto('storage_probes')
        .values(deepTest(hour, outcome, endpoint))
        .execute();
      expect([hour, await trouble()]).toEqual([hour, 'now']);
    }
    await db.insertInto('storage_probes').values(deepTest(14, 'ok')).execute();
    expect(await trouble()).toBe('none');
    await db.deleteFrom('storage_probes').execute();
    await db.deleteFrom('spaces_config').execute();
  });

  it('is what begins by itself, the soonest first, but for what is paused or never due', async () => {
    const rows = await db.selectFrom('databases').select(['id', 'environment_id']).orderBy('id').execute();
    const ids = rows.slice(0, 4).map(({ id }) => id);
    await db.updateTable('databases').set({ backup_storage_type: 'local' }).execute();
    // Where nothing may use the storage.
    const ofLast = db.updateTable('databases').where('id', '=', ids[3] ?? '');
    await ofLast.set({ backup_storage_type: 'spaces' }).execute();
    for (const [index, id] of ids.entries()) {
      const is = { is_paused: index === 1 ? (1 as const) : (0 as const) };
      const due = index === 2 ? null : at(9 - index).toISOString();
      await db
        .insertInto('database_schedules')
        .values({
          ...{ database_id: id, schedule_id: 's', settled_as: 's', time_zone: 'UTC', interval_minutes: 60 },
          ...{ ...is, due_at: due, run_at: due, anchored_at: at(0).toISOString() },
        })
        .execute();
    }
    const alone = { count: 1, rule: null };
    expect(await nextRuns(db, null, 9)).toEqual([
      { ...alone, runAt: at(6).toISOString(), databaseId: ids[3], heldBack: 'storage_off' },
      { ...alone, runAt: at(9).toISOString(), databaseId: ids[0], heldBack: null },
    ]);
    expect((await nextRuns(db, null, 1)).map(({ runAt }) => runAt)).toEqual([at(6).toISOString()]);
    const [own] = rows;
    expect(await nextRuns(db, own?.environment_id ?? '', 9)).toMatchObject([{ databaseId: ids[0] }]);
    expect(await nextDrills(db, null, 9)).toEqual([]);
  });

  it('begins together what is due at one time by one rule, however it is spread; so do drills', async () => {
    const states = await db.selectFrom('database_schedules').select('database_id').execute();
    const ids = states.map(({ database_id: id }) => id).sort();
    const rule = { id: 'rule', name: 'nightly "ü" 🐘' };
    await db
      .insertInto('schedules')
      .values({
        ...{ id: rule.id, rule_name: rule.name, cron_expression: '0 2 * * *', enabled: 1, retention_days: 7 },
        ...{ jitter_minutes: 30, retries: 0, retry_minutes: 10 },
        ...{ created_at: at(0).toISOString(), updated_at: at(0).toISOString() },
      })
      .execute();
    for (const [index, id] of ids.entries()) {
      // The second is paused. The last has a schedule of its own for the same time.
      const schedule_id = index === 3 ? 'own' : rule.id;
      const times = { due_at: at(20).toISOString(), run_at: at(20.4 - index / 10).toISOString() };
      await db
        .updateTable('database_schedules')
        .set({ ...times, schedule_id })
        .where('database_id', '=', id)
        .execute();
      const drill = { due_at: at(21).toISOString(), run_at: at(21.5 - index / 10).toISOString() };
      await db
        .insertInto('drill_states')
        .values({ database_id: id, settled_as: 's', ...drill } as never)
        .execute();
    }
    const alone = { count: 1, databaseId: ids[3], rule: null, heldBack: null };
    const together = { count: 2, databaseId: ids[0], rule, heldBack: null };
    const toTold = (found: Awaited<ReturnType<typeof nextRuns>>) =>
      found.map(({ runAt, ...next }) => [(Date.parse(runAt) - at(0).getTime()) / 3_600_000, next]);
    expect(toTold(await nextRuns(db, null, 9))).toEqual([
      [20.1, { ...alone, heldBack: 'storage_off' }],
      [20.2, together],
    ]);
    expect(toTold(await nextDrills(db, null, 9))).toEqual([
      [21.2, alone],
      [21.3, together],
    ]);
    expect(await nextDrills(db, 'nowhere', 9)).toEqual([]);
    expect(await nextDrills(db, null, 1)).toHaveLength(1);
  });
});

describe('the disk of the app', () => {
  it('is nearly full where less than 256 MiB are left, or less than a twentieth and 5 GiB', () => {
    const [MIB, GIB] = [1024 ** 2, 1024 ** 3];
    for (const [free, total, expected] of [
      [0, 0, true],
      [255 * MIB, GIB, true],
      [256 * MIB, GIB, false],
      [4 * GIB, 100 * GIB, true],
      [5 * GIB, 100 * GIB, false],
      [5 * GIB, 10_000 * GIB, false],
      [49 * GIB, 50 * GIB, false],
    ] as const) {
      expect([free, total, isNearlyFull({ free, total })]).toEqual([free, total, expected]);
    }
  });
});
