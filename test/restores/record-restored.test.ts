import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Stored } from '../../src/backups/stored.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordRestored, saveRestoreState } from '../../src/restores/record-restored.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

const AT = new Date('2026-11-29T12:00:00.000Z');
const at = AT.toISOString();
let db: Db;
let backup: BackupRow;
beforeAll(async () => {
  db = await openTestDatabase();
  backup = await insertBackup(db, AT, { status: 'completed', outcome: 'completed', verification: 'failed' });
});
afterAll(() => db.destroy());

/** As a drill of that backup leaves it. */
async function failDrill(failure: 'damaged' | 'role', backupId: string): Promise<void> {
  const id = `drill ${failure} ${backupId}`;
  const of = { id, database_id: backup.database_id, backup_id: backupId, created_at: at };
  await db
    .insertInto('drills')
    .values({ ...of, outcome: 'failed', failure })
    .execute();
  const failed = { failed_at: at, failed_drill_id: id, failure, says: `it’s ${failure}` };
  await write(db, (trx) => saveRestoreState(trx, backup.database_id, failed));
}

async function restored(sha256: string | null): Promise<{ readonly failure: string | null }> {
  const { id: backup_id, database_id } = backup;
  const stored = { backupId: backup_id, databaseId: database_id, sha256 } as Stored;
  const restore = { backup_id, database_id };
  await write(db, (trx) =>
    recordRestored(trx, { restoreMs: 7_000, dumpBytes: 9 }, { restore, stored, at: AT }),
  );
  const state = await db.selectFrom('drill_states').selectAll().executeTakeFirstOrThrow();
  expect(state).toMatchObject({ proven_at: at, proven_backup_id: backup_id });
  expect([Number(state.restore_ms), Number(state.bytes)]).toEqual([7_000, 9]);
  return state;
}

it('makes a restored backup a good one that was restored, and takes back what a drill said of its bytes alone', async () => {
  await failDrill('damaged', backup.id);
  expect((await restored(null)).failure).toBeNull();
  const row = () => db.selectFrom('backups').selectAll().executeTakeFirstOrThrow();
  expect(await row()).toMatchObject({
    ...{ verification: 'drill', restored_proven_at: at, bytes_proven_at: null, verification_error: null },
  });
  await failDrill('role', backup.id);
  expect((await restored('00')).failure).toBe('role');
  expect(await row()).toMatchObject({ bytes_proven_at: at });
  await failDrill('damaged', 'another backup');
  expect((await restored('00')).failure).toBe('damaged');
});
