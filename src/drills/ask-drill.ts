import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { findBackup } from '../backups/backups.ts';
import type { DatabaseRow, Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { restorable } from '../restores/ask-restore.ts';
import type { RestoreContext } from '../restores/context.ts';
import { NOTHING_REPLACED } from '../restores/in-place.ts';
import { sealForPlace, type TypedLogin } from '../restores/typed-login.ts';
import { insertRun } from '../runs/claim.ts';
import { drillLane } from '../runs/lanes.ts';
import { type DrillPlaceSettings, drillPlace } from './place.ts';

/**
 * Asks for a backup to be restored, compared, measured and dropped again, on the server that is set for its database; gives the id
 * of the run. Throws `not_found`, `invalid` where there is no such place, `conflict` for a backup that is not completed and where a
 * drill of the database waits already.
 */
export async function askDrill(
  context: RestoreContext,
  actor: Actor,
  backupId: string,
  login: TypedLogin = {},
): Promise<string> {
  const { db, now, runs } = context;
  const { backup, database } = await restorable(db, backupId);
  const runId = newId();
  const settings = await drillSettingsOf(db, database.id);
  const { serverId: server_id, host, port } = await drillPlace(db, database, settings, runId);
  const there = { server_id, host, port, engine: database.type, options: database.options };
  const credentials = await sealForPlace(context, runId, login, there);
  await write(db, async (trx) => {
    const present = await findBackup(trx, backupId);
    if (present?.status !== 'completed') throw new AppError('not_found', 'Backup not found');
    const drill = { runId, backupId, database, settings, credentials, askedById: actor.userId };
    const place = await insertDrill(trx, drill, now());
    if (place === null) {
      throw new AppError('conflict', 'A drill of this database waits already. Wait for its turn.');
    }
    const { serverId, host, port, newName } = place;
    const of = { id: backupId, name: backup.filename, environmentId: database.environment_id };
    const details = { runId, newName, serverId, host, port, username: login.username ?? null };
    await recordAudit(trx, actor, auditEntry('backup', 'drill', of, { details }), now());
  });
  runs.wake();
  return runId;
}

export interface NewDrill {
  readonly runId: string;
  readonly backupId: string;
  readonly database: DatabaseRow;
  readonly settings: DrillPlaceSettings;
  /** Sealed for the restore of that id; null: those of the place. */
  readonly credentials: string | null;
  readonly askedById: string | null;
  /** The time that it was due at; absent: somebody asked for it, and waits. */
  readonly dueAt?: Date;
}

/** The run, and what it is to do: its name is written before anything is made. Null where one of the database waits already. */
export async function insertDrill(trx: Trx, drill: NewDrill, now: Date) {
  const { runId, backupId, database, dueAt } = drill;
  const token = newId();
  const place = await drillPlace(trx, database, drill.settings, token);
  const { serverId } = place;
  const run = {
    id: runId,
    kind: 'drill',
    subjectId: backupId,
    serverId,
    lane: drillLane(database.id),
    askedBy: { isScheduled: dueAt !== undefined, personId: drill.askedById },
  } as const;
  if (!(await insertRun(trx, { ...run, isBackground: dueAt !== undefined }, now))) return null;
  const at = now.toISOString();
  await trx
    .insertInto('restores')
    .values({
      ...NOTHING_REPLACED,
      ...{ id: runId, backup_id: backupId, database_id: database.id, environment_id: place.environmentId },
      ...{ server_id: serverId, host: place.host, port: place.port, engine: database.type },
      ...{ database_name: database.database_name, options: database.options },
      ...{ new_name: place.newName, is_name_ours: 0, is_drill: 1, token, credentials: drill.credentials },
      ...{ state: 'none', removal_tries: 0, asked_by_id: drill.askedById, created_at: at },
    })
    .execute();
  await trx
    .insertInto('drills')
    .values({
      ...{ id: runId, database_id: database.id, backup_id: backupId },
      ...{ due_at: dueAt?.toISOString() ?? null, created_at: at },
    })
    .execute();
  return place;
}

/** Where the schedule that counts for the database has its drills made. */
export async function drillSettingsOf(db: Db | Trx, databaseId: string): Promise<DrillPlaceSettings> {
  const row = await db
    .selectFrom('database_schedules')
    .innerJoin('schedules', 'schedules.id', 'database_schedules.schedule_id')
    .select(['drill_server_id', 'drill_folder'])
    .where('database_schedules.database_id', '=', databaseId)
    .executeTakeFirst();
  return { serverId: row?.drill_server_id ?? null, folder: row?.drill_folder ?? null };
}
