import { describe, expect, it } from 'vitest';
import { settleCompleted } from '../../src/backups/settle.ts';
import type { Db } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';
import { changeSettingsAskingFirst } from '../../src/retention/change-defaults.ts';
import { openWorld as openSchedules } from '../support/schedules.ts';
import { openState } from '../support/states.ts';
import { DATABASE, openWorld, PLACE } from './world.ts';

const INSTALLED = new Date('2026-03-04T15:00:00.000Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NIGHTS = 21;
/** The app is down then, and up again at seven. */
const DOWN_ON = 10;

describe('an installation that is left alone for three weeks', () => {
  it('has of every database the backups that one nightly rule and the lean preset ask for', async () => {
    const db = await openState('SQLite');
    const world = await openWorld(db, INSTALLED);
    const schedules = await openSchedules(db, INSTALLED.toISOString());
    const databases = [DATABASE];
    const settings = { timezone: 'Europe/Berlin', backupRetentionPreset: 'lean' } as const;
    const actor = { userId: null, address: null };
    await changeSettingsAskingFirst({ ...world.services(), now: () => world.now }, actor, settings, {
      isConfirmed: true,
    });
    await schedules.rule({ cronExpression: '0 2 * * *', name: 'Nightly "ü" 🐘' });
    // A database that comes later is in the rule without a word.
    databases.push(await schedules.database());
    const look = schedules.worker();
    await look();
    for (let night = 1; night <= NIGHTS; night += 1) {
      const midnight = Date.parse('2026-03-04T00:00:00.000Z') + night * DAY_MS;
      // When it is due, and in the morning that follows a night in which the app was down.
      for (const hour of night === DOWN_ON ? [6] : [1]) {
        world.now = new Date(midnight + hour * HOUR_MS);
        schedules.setNow(world.now);
        await look();
        await backUp(db, world.now, world.objects);
        await world.work();
      }
    }
    const newest = Array.from({ length: 12 }, (_, index) => `2026-03-${String(25 - index).padStart(2, '0')}`);
    for (const id of databases) {
      const rows = (await world.seen()).filter(({ database_id }) => database_id === id);
      // The twelve newest, among which two Sundays are, and the Sunday of the week before these.
      expect(rows.map(({ created_at }) => created_at.slice(0, 10))).toEqual([...newest, '2026-03-08']);
      const hours = new Set(rows.map(({ created_at }) => created_at.slice(11, 16)));
      expect([...hours].sort()).toEqual(['01:00', '06:00']);
      expect(
        rows.every(({ type, storage_path: key }) => type === 'scheduled' && world.objects.has(key)),
      ).toBe(true);
      expect(await schedules.lines(id)).toHaveLength(NIGHTS);
    }
    expect(world.objects.size).toBe(databases.length * 13);
    const waiting = await db.selectFrom('runs').select('id').where('state', '=', 'pending').execute();
    expect(waiting).toEqual([]);
    await db.destroy();
  });
});

/** Lets each backup that waits run and end well. */
async function backUp(
  db: Db,
  now: Date,
  objects: Map<string, { bytes: number; token: string }>,
): Promise<void> {
  const waiting = await db.selectFrom('backups').selectAll().where('status', '=', 'pending').execute();
  for (const { id, token } of waiting) {
    const key = `ü "x"/${newId()} 🐘.dump`;
    const claim = { runId: id, claimedBy: 'w' };
    await db.updateTable('runs').set({ state: 'running', claimed_by: 'w' }).where('id', '=', id).execute();
    await db
      .updateTable('backups')
      .set({ status: 'in_progress', storage_path: key, started_at: now.toISOString() })
      .where('id', '=', id)
      .execute();
    const object = {
      id: newId(),
      backup_id: id,
      kind: 'dump',
      number: 0,
      ...PLACE,
      key,
      bytes: 100,
    } as const;
    await db.insertInto('backup_objects').values(object).execute();
    objects.set(key, { bytes: 100, token });
    expect(await settleCompleted(db, claim, { bytes: 100, sha256: 'ab', versionId: null }, now)).toBe(true);
  }
}
