import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDatabases } from '../../src/backups/known-databases.ts';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import {
  failuresSinceGood,
  lastFailures,
  protectionOf,
  protectionOfOne,
} from '../../src/backups/protection-of.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);
const error = JSON.stringify({ message: 'Größe „x“ 🐘 <b>', step: 'dump', code: 'dump_failed' });

afterAll(dropStates);

describe.each(STATES)('what is known of the safety of databases, on %s', (state) => {
  let db: Db;
  beforeAll(async () => {
    db = await openState(state);
  });
  afterAll(() => db.destroy());
  const context = () => ({ db, now: () => NOW });
  const failures = async (id: string) =>
    failuresSinceGood(context(), id, await protectionOfOne(context(), id));

  /** A database with these backups, each so many hours old. */
  async function withBackups(
    backups: readonly (readonly [number, BackupRow['outcome'], Partial<BackupRow>?])[],
  ): Promise<string> {
    let databaseId: string | undefined;
    for (const [hours, outcome, more] of backups) {
      const at = ago(hours);
      const status = outcome === null ? 'in_progress' : outcome === 'completed' ? 'completed' : 'failed';
      const failed = status === 'failed' ? { error } : {};
      const row = await insertBackup(db, at, {
        ...{ status, outcome, started_at: at.toISOString(), token: newId() },
        ...failed,
        ...more,
        ...(databaseId === undefined ? {} : { database_id: databaseId }),
      });
      databaseId = row.database_id;
    }
    return databaseId ?? '';
  }

  it('is told by what came after the clock was set back, and by a backup from the future where there is no other', async () => {
    const id = await withBackups([[-200, 'completed']]);
    const add = async (hours: number, outcome: BackupRow['outcome']) => {
      const status = outcome === 'completed' ? 'completed' : 'failed';
      await insertBackup(db, ago(hours), { status, outcome, token: newId(), database_id: id });
      return stateAt(NOW);
    };
    const stateAt = async (now: Date) => {
      await write(db, (trx) => recordNewest(trx, id, now));
      const { state, lastGood } = await protectionOfOne({ db, now: () => now }, id);
      return [state, lastGood?.at];
    };
    expect(await stateAt(NOW)).toEqual(['late', ago(-200).toISOString()]);
    expect(await add(4, 'failed')).toEqual(['late', ago(-200).toISOString()]);
    expect(await add(3, 'completed')).toEqual(['protected', ago(3).toISOString()]);
    expect(await add(1, 'failed')).toEqual(['failing', ago(3).toISOString()]);
    expect(await stateAt(ago(-201))).toEqual(['protected', ago(-200).toISOString()]);
  });

  it('tells of what failed although its only good backup is from the future', async () => {
    const id = await withBackups([
      [-20, 'completed'],
      [3, 'failed'],
      [2, 'failed'],
    ]);
    await write(db, (trx) => recordNewest(trx, id, NOW));
    expect((await protectionOfOne(context(), id)).state).toBe('failing');
    expect(await failures(id)).toMatchObject({ count: 2, since: ago(3).toISOString() });
  });

  it('is told by the newest good backup and the newest run that ended by itself', async () => {
    const failing = await withBackups([
      [20, 'completed'],
      [9, 'failed'],
      [8, 'interrupted'],
      [7, 'cancelled'],
      [6, 'uncertain'],
      [1, null],
    ]);
    const deleted = await withBackups([[2, 'completed', { deleted_at: NOW.toISOString() }]]);
    const unverified = await withBackups([
      [30, 'completed', { verification: 'stored' }],
      [2, 'completed', { verification: 'failed' }],
    ]);
    const cancelled = await withBackups([
      [3, 'completed'],
      [1, 'cancelled'],
    ]);
    const known = await protectionOf(context(), [failing, deleted, unverified, cancelled, 'nothing']);
    const found = [failing, deleted, unverified, cancelled].map((id) => known.get(id)?.state);
    expect(found).toEqual(['failing', 'never', 'late', 'protected']);
    expect(known.size).toBe(4);
    expect(known.get(failing)?.lastGood?.at).toBe(ago(20).toISOString());
    expect(await failures(failing)).toEqual({
      ...{ count: 2, since: ago(9).toISOString(), cause: 'Größe „x“ 🐘 <b>' },
      lastAt: ago(8).toISOString(),
      error: expect.objectContaining({ step: 'dump', code: 'dump_failed' }),
    });
    expect(await failures(cancelled)).toBeNull();
    expect(await failures(deleted)).toBeNull();
  });

  it('counts failures also where there never was a good one', async () => {
    const never = await withBackups([
      [5, 'failed'],
      [4, 'failed', { error: null }],
    ]);
    expect((await protectionOfOne(context(), never)).state).toBe('never');
    expect(await failures(never)).toEqual({
      count: 2,
      since: ago(5).toISOString(),
      lastAt: ago(4).toISOString(),
      cause: null,
      error: null,
    });
  });

  it('tells of several why their last one failed, as each by itself would', async () => {
    const other = JSON.stringify({ message: 'another "cause"', step: 'upload', code: 'storage_full' });
    const ids = [
      await withBackups([
        [20, 'completed'],
        [9, 'failed'],
        [8, 'interrupted', { error: other }],
        [7, 'cancelled'],
      ]),
      await withBackups([[5, 'failed']]),
      await withBackups([
        [9, 'failed'],
        [2, 'completed'],
      ]),
      await withBackups([
        [30, 'completed'],
        [9, 'failed', { error: other }],
        [2, 'completed', { verification: 'failed' }],
      ]),
      await withBackups([[4, 'failed', { error: null }]]),
      await withBackups([[3, 'cancelled']]),
    ];
    const databases = await knownDatabases(
      context(),
      ids.map((id) => ({ id })),
    );
    expect(databases).toHaveLength(ids.length);
    const causes = await lastFailures(context(), databases);
    const alone = await Promise.all(ids.map(async (id) => (await failures(id))?.cause ?? null));
    expect(ids.map((id) => causes.get(id) ?? null)).toEqual(alone);
    expect(alone).toEqual(['another "cause"', 'Größe „x“ 🐘 <b>', null, 'another "cause"', null, null]);
  });

  it('tells of one that was found to be damaged what is wrong with it, where none has failed since the last good one', async () => {
    const damage = 'Its SHA-256 is another "größe" <b>';
    const damaged = { verification: 'failed', verification_error: damage } as const;
    const id = await withBackups([
      [20, 'completed'],
      [2, 'completed', damaged],
    ]);
    const databases = await knownDatabases(context(), [{ id }]);
    expect(databases).toMatchObject([{ protection: { state: 'failing' } }]);
    expect(await lastFailures(context(), databases)).toEqual(new Map([[id, damage]]));
  });

  it('follows the age that the database may have', async () => {
    const id = await withBackups([[40, 'completed']]);
    expect((await protectionOfOne(context(), id)).state).toBe('late');
    await db.updateTable('databases').set({ max_backup_age_hours: 48 }).where('id', '=', id).execute();
    expect((await protectionOfOne(context(), id)).state).toBe('protected');
  });

  it('is nothing for no database', async () => {
    expect(await protectionOf(context(), [])).toEqual(new Map());
    expect((await protectionOfOne(context(), 'x')).state).toBe('never');
  });
});
