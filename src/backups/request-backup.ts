import { sql } from 'kysely';
import { dumpShapeOf } from '../databases/database-target.ts';
import { backupFileName } from '../databases/file-name.ts';
import type { DatabaseRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { notePerson } from '../runs/askers.ts';
import { insertRun, type NewRun } from '../runs/claim.ts';
import { databaseLane } from '../runs/lanes.ts';
import type { BackupContext } from './context.ts';
import { storagePath } from './destination.ts';

export interface BackupRequest {
  readonly databaseId: string;
  readonly type: 'manual' | 'scheduled';
  readonly triggeredById: string | null;
}

/** The backup that waits now, whether this request made it, and whether another one runs that it waits for. */
export interface Requested {
  readonly backupId: string;
  readonly isNew: boolean;
  readonly isRunning: boolean;
}

/**
 * Asks for a backup: a `pending` row that the worker claims. While one waits already, its id is given back; while one
 * runs, the new one waits. `also` belongs to the same transaction. Throws `not_found` for an unknown database. What else is
 * wrong with it fails the run, not the request, so that it is seen in the list.
 */
export async function requestBackup(
  context: BackupContext,
  request: BackupRequest,
  { also }: { readonly also?: (trx: Trx, backupId: string) => Promise<void> } = {},
): Promise<Requested> {
  const { db, now, runs } = context;
  const at = now();
  const requested = await write(db, async (trx) => {
    // As it is now: it may have moved, or gone, while others wrote.
    const database = await trx
      .selectFrom('databases')
      .selectAll()
      .where('id', '=', request.databaseId)
      .executeTakeFirst();
    if (!database) throw new AppError('not_found', 'Database not found');
    const { id, isNew } = await insertBackup(trx, database, request, at);
    await also?.(trx, id);
    const running = await trx
      .selectFrom('backups')
      .select('id')
      .where('database_id', '=', database.id)
      .where('status', '=', sql.lit('in_progress'))
      .executeTakeFirst();
    return { backupId: id, isNew, isRunning: running !== undefined };
  });
  runs.wake();
  return requested;
}

/**
 * The rows of a backup that waits, as part of the caller's transaction; the worker is to be woken after it. Where one of that
 * database waits already, its id is given; one that a schedule has asked for becomes a manual one where a person asks now.
 */
export async function insertBackup(
  trx: Trx,
  database: DatabaseRow,
  { type, triggeredById }: Pick<BackupRequest, 'type' | 'triggeredById'>,
  now: Date,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const createdAt = now.toISOString();
  const askedBy = { isScheduled: type === 'scheduled', personId: triggeredById };
  // Settings that can't be dumped: the run says so with its step, and the name only needs no extension yet.
  const fileName = backupFileName(database.name, createdAt, dumpShapeOf(database)?.fileExtension ?? '');
  const inserted = await trx
    .insertInto('backups')
    .values({
      id: newId(),
      database_id: database.id,
      filename: fileName,
      size: 0,
      type,
      status: 'pending',
      storage_type: database.backup_storage_type,
      storage_path: storagePath(database, fileName),
      bytes_read: 0,
      bytes_stored: 0,
      created_at: createdAt,
      is_pinned: 0,
      triggered_by_id: triggeredById,
      token: newId(),
    })
    .onConflict((conflict) =>
      // A literal, not a parameter: only so does SQLite see that the partial unique index is meant.
      conflict.column('database_id').where(sql.ref('status'), '=', sql.lit('pending')).doNothing(),
    )
    .returning('id')
    .executeTakeFirst();
  if (inserted === undefined) {
    const id = await waitingBackup(trx, database.id);
    if (type === 'manual') await makeManual(trx, id, triggeredById);
    return { id, isNew: false };
  }
  // There is no run that waits without its backup: nothing may wait for ever for one that never comes.
  if (!(await insertRun(trx, { ...runOf(database, inserted.id), askedBy }, now))) {
    throw new AppError('internal', 'Another run of this database waits already, without its backup.');
  }
  return { id: inserted.id, isNew: true };
}

function runOf({ id: databaseId, server_id: serverId }: DatabaseRow, id: string): NewRun {
  return { id, kind: 'backup', subjectId: id, serverId, lane: databaseLane(databaseId) };
}

/** The one that was in the way: nobody claims it within this transaction. */
async function waitingBackup(trx: Trx, databaseId: string): Promise<string> {
  const waiting = await trx
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', databaseId)
    .where('status', '=', 'pending')
    .executeTakeFirstOrThrow();
  return waiting.id;
}

/** Nothing prunes what a person has asked for, such as what a restore replaces, also where it would have been made anyway. */
async function makeManual(trx: Trx, id: string, personId: string | null): Promise<void> {
  const made = await trx
    .updateTable('backups')
    .set({ type: 'manual', triggered_by_id: personId })
    .where('id', '=', id)
    .where('type', '=', 'scheduled')
    .returning(['id', 'created_at'])
    .executeTakeFirst();
  if (made !== undefined) await notePerson(trx, made, personId);
}
