import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Stored } from '../../src/backups/stored.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordRestored, saveRestoreState } from '../../src/restores/record-restored.ts';
import { recordProof } from '../../src/verifications/record-proof.ts';
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

it('takes a restore of an older backup for no news of the database, and notes it of that backup', async () => {
  const other = await openTestDatabase();
  const insert = (day: string) =>
    insertBackup(other, new Date(`2026-11-${day}T12:00:00.000Z`), {
      status: 'completed',
      outcome: 'completed',
    });
  const old = await insert('01');
  const young = await insert('20');
  await other
    .updateTable('backups')
    .set({ database_id: old.database_id })
    .where('id', '=', young.id)
    .execute();
  const { database_id } = old;
  const prove = async (backup_id: string, minute: string) => {
    const stored = { backupId: backup_id, databaseId: database_id, sha256: null } as Stored;
    const proof = {
      restore: { backup_id, database_id },
      stored,
      at: new Date(`2026-11-29T12:${minute}:00.000Z`),
    };
    await write(other, (trx) => recordRestored(trx, { restoreMs: 1, dumpBytes: 1 }, proof));
    const state = await other.selectFrom('drill_states').selectAll().executeTakeFirstOrThrow();
    return [state.proven_backup_id, state.proven_at?.slice(14, 16)];
  };
  expect(await prove(old.id, '01')).toEqual([old.id, '01']);
  expect(await prove(young.id, '02')).toEqual([young.id, '02']);
  expect(await prove(old.id, '03')).toEqual([young.id, '02']);
  expect(await prove(young.id, '04')).toEqual([young.id, '04']);
  const row = await other
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', old.id)
    .executeTakeFirstOrThrow();
  expect(row.restored_proven_at).toBe('2026-11-29T12:03:00.000Z');
  await other.destroy();
});

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

it('takes back what a drill said of a damaged backup once that was read in full and is whole, and nothing else', async () => {
  const other = await insertBackup(db, AT, { status: 'completed', outcome: 'completed' });
  const { database_id: databaseId } = backup;
  const stored = { databaseId, sha256: null, dumpSha256: null, contents: null };
  const read = async (backupId: string, damage: string | null) => {
    const found = { damage, dumpBytes: 0, dumpSha256: null, contents: null };
    await write(db, (trx) => recordProof(trx, { ...stored, backupId }, found, AT));
    const state = await db
      .selectFrom('drill_states')
      .select('failure')
      .where('database_id', '=', databaseId)
      .executeTakeFirstOrThrow();
    return state.failure;
  };
  await db.deleteFrom('drills').execute();
  await failDrill('damaged', backup.id);
  expect(await read(backup.id, 'still')).toBe('damaged');
  expect(await read(other.id, null)).toBe('damaged');
  expect(await read(backup.id, null)).toBeNull();
  await failDrill('role', backup.id);
  expect(await read(backup.id, null)).toBe('role');
});
