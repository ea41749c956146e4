import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { keptOf } from '../../src/retention/kept.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

let db: Db;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.destroy());

it('With a cap on its size, none of too many backups is read to tell how long one is kept', async () => {
  const now = new Date('2026-03-04T05:06:07.890Z');
  const backup = await insertBackup(db, now, { status: 'completed', outcome: 'completed' });
  const place = { database_id: backup.database_id, endpoint: 'host:local', bucket: '', bytes: 1 };
  await db
    .insertInto('stored_totals')
    .values({ ...place, backups: 5_000 })
    .execute();
  const keptWith = async (maxTotalBytes: number | null) => {
    const tiers = { keepLast: 3, daily: 7, weekly: 4, monthly: 6, yearly: 0, minFloor: 2 };
    const is = { preset: 'balanced', source: 'inherited', maxShrinkPercent: 50 } as const;
    const standing = { policy: { ...tiers, ...is, maxTotalBytes }, zone: 'UTC', freeze: null };
    const kept = await keptOf({ db, now: () => now }, backup.database_id, { shown: [backup], standing });
    return [...kept.keys()];
  };
  expect(await keptWith(1_000)).toEqual([backup.id]);
  await db.updateTable('stored_totals').set({ backups: 5_001 }).execute();
  expect(await keptWith(1_000)).toEqual([]);
  // Without one only what is newer counts.
  expect(await keptWith(null)).toEqual([backup.id]);
});
