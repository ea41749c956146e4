import { afterAll, describe, expect, it } from 'vitest';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import { createLog } from '../../src/log.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-04T02:00:09.000Z');
const DATABASES = 50;

afterAll(dropStates);

describe.each(STATES)('backups of one environment that end at the same instant, on %s', (state) => {
  it('are all written and counted, however many', async () => {
    const db = await openState(state);
    const at = NOW.toISOString();
    const made = { created_at: at, updated_at: at };
    const ids = Array.from({ length: DATABASES }, (_, index) => `ü ${index}`);
    await db
      .insertInto('environments')
      .values({ id: 'e', name: 'Größe "x" 🐘', ...made } as never)
      .execute();
    const databases = ids.map((id) => ({ id, name: id, environment_id: 'e', type: 'sqlite', ...made }));
    await db
      .insertInto('databases')
      .values(databases as never)
      .execute();
    const backups = ids.map((id) => ({
      ...({ id, database_id: id, filename: 'x', size: 0, type: 'manual', status: 'in_progress' } as const),
      ...({ storage_type: 'spaces', storage_path: id, bytes_read: 0, bytes_stored: 0 } as const),
      ...({ created_at: at, is_pinned: 0, token: id } as const),
    }));
    await db.insertInto('backups').values(backups).execute();
    const runs = ids.map((id) => ({
      ...({ id, kind: 'backup', subject_id: id, lane: id, state: 'running', claimed_by: 'w' } as const),
      ...({ server_id: null, progress: 0, attempts: 1, in_repair: 0, created_at: at } as const),
    }));
    await db.insertInto('runs').values(runs).execute();
    const place = { endpoint: 'x', region: 'r', bucket: 'ü', kind: 'dump', number: 0, bytes: 7 } as const;
    const objects = ids.map((id) => ({ ...place, id, backup_id: id, key: id }));
    await db.insertInto('backup_objects').values(objects).execute();
    const ended = await Promise.all(
      backups.map(({ id }, index) => {
        const claim = { runId: id, claimedBy: 'w' };
        const error = { code: 'dump_failed', message: 'no', step: 'dump' } as const;
        return index % 5 === 0
          ? settleFailed(db, claim, { error, outcome: 'failed' }, NOW)
          : settleCompleted(db, claim, { bytes: 7, sha256: null, versionId: null }, NOW);
      }),
    );
    expect(ended.every((isWritten) => isWritten)).toBe(true);
    const days = await db.selectFrom('environment_days').selectAll().execute();
    expect(days.map(({ good, failed, added }) => [good, failed, added].map(Number))).toEqual([[40, 10, 280]]);
    const log = createLog(
      'warn',
      () => {},
      () => NOW,
    );
    expect(await repairCounts({ db, log, now: () => NOW })).toBe(0);
    await db.destroy();
  });
});
