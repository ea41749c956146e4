import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  monthUntil,
  storedByDay,
  talliesOfEach,
  talliesSince,
  usualOf,
} from '../../src/backups/day-tallies.ts';
import { deleteBackup } from '../../src/backups/delete-backup.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import type { Db } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const error = { code: 'dump_failed', message: 'Größe „x“ 🐘 <b>', step: 'dump' } as const;
const at = (day: string, time = '02:00:00.000Z') => new Date(`${day}T${time}`);

afterAll(dropStates);

describe.each(STATES)('what is told of days, on %s', (state) => {
  let db: Db;
  beforeAll(async () => {
    db = await openState(state);
  });
  afterAll(() => db.destroy());

  /** A backup of that day which ended well with so many bytes, or failed. */
  async function ended(day: string, bytes: number | null, databaseId?: string) {
    const backup = await insertBackup(db, at(day), {
      ...{ status: 'in_progress', outcome: null, claimed_by: 'w', token: newId() },
      ...(databaseId === undefined ? {} : { database_id: databaseId }),
    });
    await db
      .insertInto('backup_objects')
      .values({
        ...{ id: newId(), backup_id: backup.id, kind: 'dump', number: 0, endpoint: 'https://s3.example.com' },
        ...{ region: 'x', bucket: 'b', key: newId(), bytes },
      })
      .execute();
    const claim = { runId: backup.id, claimedBy: 'w' };
    const now = at(day, '03:00:00.000Z');
    if (bytes === null) await settleFailed(db, claim, { error, outcome: 'failed' }, now);
    else
      await settleCompleted(db, claim, { bytes, sha256: 'ab', versionId: null, seconds: bytes % 100 }, now);
    return backup;
  }

  async function remove(id: string, day: string) {
    const openPlace = async () => {
      throw new Error('unreachable');
    };
    const runs = { wake: () => {}, cancel: () => true };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    await deleteBackup({ db, now: () => at(day), runs, openPlace, log } as never, id);
  }

  it('is how many were good and failed, and what lay there, also of what was deleted since', async () => {
    const first = await ended('2026-02-25', 1000);
    const { database_id: databaseId } = first;
    const failed = await ended('2026-02-26', null, databaseId);
    await ended('2026-02-26', 300, databaseId);
    await remove(first.id, '2026-02-28');
    await remove(failed.id, '2026-02-28');
    const expected = [
      { day: '2026-02-25', good: 1, failed: 0 },
      { day: '2026-02-26', good: 1, failed: 1 },
    ];
    const scope = { databaseId };
    expect(await talliesSince(db, scope, '2026-01-01')).toEqual(expected);
    expect(await talliesSince(db, scope, '2026-02-26')).toEqual(expected.slice(1));
    const { environment_id: environmentId } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', databaseId)
      .executeTakeFirstOrThrow();
    expect(await talliesSince(db, { environmentId }, '2026-01-01')).toEqual(expected);
    expect(await talliesSince(db, {}, '2026-01-01')).toEqual(expected);
    expect(await talliesSince(db, { environmentId: 'ü + "x"' }, '2026-01-01')).toEqual([]);
    const range = { last: '2026-03-01', days: 6, now: 300 };
    const bytes = [0, 1000, 1300, 1300, 300, 300];
    for (const one of [scope, { environmentId }, {}]) {
      const stored = await storedByDay(db, one, range);
      expect(stored.map((row) => row.bytes)).toEqual(bytes);
      expect(stored.map((row) => row.day).at(-1)).toBe('2026-03-01');
    }
    // The clock was set back: what is told of later days has not happened.
    expect(await storedByDay(db, scope, { last: '2026-02-25', days: 2, now: 300 })).toEqual([
      { day: '2026-02-24', bytes: 0 },
      { day: '2026-02-25', bytes: 1000 },
    ]);
  });

  it('is told of several databases at once, also of those that have none', async () => {
    const one = await ended('2026-02-25', 77);
    const other = await ended('2026-02-25', null);
    const found = await talliesOfEach(db, [one.database_id, other.database_id, 'none'], '2026-02-25');
    expect([...found.values()]).toEqual([
      [{ day: '2026-02-25', good: 1, failed: 0 }],
      [{ day: '2026-02-25', good: 0, failed: 1 }],
      [],
    ]);
    expect(await talliesOfEach(db, [], '2026-02-25')).toEqual(new Map());
  });

  it('tells what is usual of a database: the share of good ones in 30 days, the time, the last sizes', async () => {
    const { database_id: id } = await ended('2026-01-01', 107);
    await ended('2026-02-24', 203, id);
    // Two have gone well, and are no habit yet.
    expect((await usualOf(db, id, { sizes: 2 })).seconds).toBeNull();
    await ended('2026-02-25', 105, id);
    await ended('2026-02-25', null, id);
    const tallies = await talliesSince(db, { databaseId: id }, '2026-01-01');
    expect(monthUntil('2026-02-26', tallies)).toEqual({ good: 2, failed: 1 });
    const usual = await usualOf(db, id, { sizes: 2 });
    expect(usual.seconds).toBe(5);
    expect(usual.sizes.map(({ bytes }) => bytes)).toEqual([203, 105]);
    expect(await usualOf(db, 'none', { sizes: 5 })).toEqual({ seconds: null, sizes: [] });
  });
});
