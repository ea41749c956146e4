import { sql } from 'kysely';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import type { BackupRow, Db, RunRow, RunState, Trx } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { noteAskers } from '../../src/runs/askers.ts';
import { databaseLane } from '../../src/runs/lanes.ts';

type RunValues = Partial<
  Pick<RunRow, 'claimed_by' | 'lease_until' | 'cancel_requested_at' | 'step' | 'progress'>
>;

/** Inserts a backup with an environment, a database and a run of its own; gives its row. */
export async function insertBackup(
  db: Db,
  at: Date,
  { status, outcome, ...values }: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow> & RunValues,
): Promise<BackupRow> {
  const now = at.toISOString();
  const [environment, database, id] = [newId(), newId(), newId()];
  const { claimed_by, lease_until, cancel_requested_at, step, progress, ...columns } = values;
  await db
    .insertInto('environments')
    .values({ id: environment, name: environment, created_at: now, updated_at: now } as never)
    .execute();
  await db
    .insertInto('databases')
    .values({
      id: database,
      environment_id: environment,
      name: 'app',
      type: 'sqlite',
      created_at: now,
      updated_at: now,
    } as never)
    .execute();
  const backup = await db
    .insertInto('backups')
    .values({
      ...{ id, database_id: database, filename: 'x', size: 0, type: 'manual', status, outcome },
      ...{ storage_type: 'spaces', storage_path: 'app.dump', bytes_read: 0, bytes_stored: 0 },
      ...{ created_at: now, is_pinned: 0, token: newId() },
      ...columns,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await addRun(db, backup, { claimed_by, lease_until, cancel_requested_at, step, progress });
  await write(db, (trx) => recordNewest(trx, backup.database_id, new Date()));
  return backup;
}

/** The run of a backup that was inserted by hand. */
export async function addRun(db: Db | Trx, backup: BackupRow, values: RunValues = {}): Promise<void> {
  const { id, database_id, created_at, started_at, completed_at, type, triggered_by_id: personId } = backup;
  await db
    .insertInto('runs')
    .values({
      ...{ id, kind: 'backup', subject_id: id, lane: databaseLane(database_id), state: stateOf(backup) },
      ...{ server_id: null, progress: 0, attempts: 1, in_repair: 0, created_at, started_at },
      ended_at: completed_at,
      ...values,
    })
    .execute();
  const askedBy = { isScheduled: type === 'scheduled', personId };
  const note = (trx: Trx) => noteAskers(trx, id, askedBy, new Date(created_at));
  await (isTransaction(db) ? note(db) : write(db, note));
}

const isTransaction = (db: Db | Trx): db is Trx => db.isTransaction;

/** Lets the runs say what a test has written into their backups by hand. */
export async function letRunsFollow(db: Db): Promise<void> {
  await sql`update runs set state = (
    select case backups.status
      when 'pending' then 'pending' when 'in_progress' then 'running' when 'completed' then 'completed'
      else coalesce(backups.outcome, 'failed') end
    from backups where backups.id = runs.id) where kind = 'backup'`.execute(db);
}

export async function runOf(db: Db, { id }: { readonly id: string }): Promise<RunRow> {
  return db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

function stateOf({ status, outcome }: BackupRow): RunState {
  if (status === 'pending') return 'pending';
  if (status === 'in_progress') return 'running';
  return outcome ?? 'failed';
}
