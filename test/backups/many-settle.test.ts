import { afterAll, describe, expect, it } from 'vitest';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-04T02:00:09.000Z');
const DATABASES = 50;

afterAll(dropStates);

describe.each(STATES)('backups of one environment that end at the same instant, on %s', (state) => {
  it('are all written and counted, however many', async () => {
    const db = await openState(state);
    const backups = [];
    for (let index = 0; index < DATABASES; index += 1) {
      backups.push(
        await insertBackup(db, NOW, {
          status: 'in_progress',
          outcome: null,
          claimed_by: 'w',
          filename: `ü ${index}`,
        }),
      );
    }
    const environment = await db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
    await db
      .updateTable('databases')
      .set((eb) => ({ environment_id: environment.id, name: eb.ref('id') }))
      .execute();
    const object = { endpoint: 'x', region: 'r', bucket: 'ü', kind: 'dump', number: 0 } as const;
    for (const { id } of backups) {
      const values = { ...object, id: newId(), backup_id: id, key: id, bytes: 7 };
      await db.insertInto('backup_objects').values(values).execute();
    }
    const t0 = performance.now();
    const ended = await Promise.all(
      backups.map(({ id }, index) => {
        const claim = { runId: id, claimedBy: 'w' };
        const error = { code: 'dump_failed', message: 'no', step: 'dump' } as const;
        return index % 5 === 0
          ? settleFailed(db, claim, { error, outcome: 'failed' }, NOW)
          : settleCompleted(db, claim, { bytes: 7, sha256: null, versionId: null }, NOW);
      }),
    );
    console.log('settled in', state, performance.now() - t0);
    expect(ended.every((isWritten) => isWritten)).toBe(true);
    const days = await db.selectFrom('environment_days').selectAll().execute();
    expect(days.map(({ good, failed, added }) => [good, failed, added].map(Number))).toEqual([[40, 10, 280]]);
    const log = createLog(
      'warn',
      () => {},
      () => NOW,
    );
    expect(await repairCounts({ db, log })).toBe(0);
    await db.destroy();
  });
});
