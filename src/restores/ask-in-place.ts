import { auditEntry, recordAudit } from '../audit/audit.ts';
import type { UserActor } from '../auth/users.ts';
import { findBackup } from '../backups/backups.ts';
import { insertBackup } from '../backups/request-backup.ts';
import { auditedDatabase } from '../databases/databases.ts';
import { wireOptions } from '../databases/options.ts';
import type { DatabaseRow, Db, RestoreRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { insertRun } from '../runs/claim.ts';
import { databaseLane } from '../runs/lanes.ts';
import type { VaultContext } from '../secrets/context.ts';
import { isNamed } from '../turned-text.ts';
import { alreadyAsked, isAlike } from './already-asked.ts';
import { type AskedRestore, restorable } from './ask-restore.ts';
import type { RestoreContext } from './context.ts';
import { factsOf } from './dump-facts.ts';
import { NOTHING_REPLACED, noteOf } from './in-place.ts';
import { type LoadOptions, loadOptionsText } from './load-options.ts';
import { keptName } from './new-name.ts';
import { sealForPlace } from './typed-login.ts';

export interface InPlaceInput {
  /** The name of the database, as it is registered. */
  readonly confirm?: string | undefined;
  /** Whether the database is backed up before; only false declines it. */
  readonly safetyBackup?: boolean | undefined;
  /** Whether who is connected may be thrown out for the swap; nobody can be thrown out of a file. */
  readonly endSessions?: boolean | undefined;
  /** Into the database that is there, in one transaction, and not beside it: for who may create no database. */
  readonly intoLive?: boolean | undefined;
  /** As of `RestoreInput`. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What another restore has made, and stands beside the database. */
export type Adopting = NonNullable<LoadOptions['adopts']>;

/**
 * Asks for a backup to take the place of the database that it is of. The restore waits in the lane of that database's backups, behind
 * the one that is made for its safety: so neither runs beside the other. Throws `not_found`; `invalid` where the name is not
 * confirmed, or the engine can't swap; `conflict` for a backup that is not completed, and where one replaces that database already; as
 * `alreadyAsked` where that is the very same.
 */
export async function askInPlace(
  context: RestoreContext,
  actor: UserActor,
  backupId: string,
  input: InPlaceInput,
  adopts?: Adopting,
): Promise<AskedRestore> {
  const { db, now, runs } = context;
  const { backup, database } = await restorable(db, backupId);
  const newName = replacedName(database);
  if (input.intoLive === true) await refuseUnlessLive(db, backupId, database);
  if (!isNamed(input.confirm, database.name)) {
    throw new AppError(
      'invalid',
      `This replaces what is in the database now. To restore in place, confirm by its name: ${database.name}.`,
      { details: { field: 'confirm' } },
    );
  }
  if (input.endSessions === true && isFile(database)) {
    throw new AppError(
      'invalid',
      'Nobody can be thrown out of a file: leave out endSessions, and stop what has it open.',
      { details: { field: 'endSessions' } },
    );
  }
  const runId = newId();
  const wanted = { id: runId, backupId, database, newName, input, adopts, actor, at: now() };
  const row = await inPlaceRow(context, wanted);
  await write(db, async (trx) => {
    const { at } = wanted;
    const present = await findBackup(trx, backupId);
    if (present?.status !== 'completed') throw new AppError('not_found', 'Backup not found');
    const open = await replacing(trx, database, newName);
    if (open?.backup_id === backupId && open.in_place === 1 && isAlike(open, row)) {
      throw alreadyAsked(open.id, newName);
    }
    if (open !== undefined) throw beingReplaced(newName);
    const safetyBackupId = input.safetyBackup === false ? null : await backUpFirst(trx, actor, database, at);
    const lane = databaseLane(database.id);
    const run = {
      id: runId,
      kind: 'restore',
      subjectId: backupId,
      serverId: database.server_id,
      lane,
      askedBy: { isScheduled: false, personId: actor.userId },
    } as const;
    // Behind the backup, whose instant is `at`.
    if (!(await insertRun(trx, run, new Date(at.getTime() + 1)))) throw beingReplaced(newName);
    await trx
      .insertInto('restores')
      .values({ ...row, safety_backup_id: safetyBackupId })
      .execute();
    if (adopts !== undefined) await noteOf(trx, adopts.restoreId, { renamedBy: runId });
    const details = {
      ...(adopts === undefined ? {} : { adopts: adopts.name }),
      ...{ runId, inPlace: true, newName, keptName: row.kept_name, safetyBackupId },
      ...{ username: input.username ?? null, endSessions: input.endSessions === true },
      ...(input.intoLive === true ? { intoLive: true } : {}),
    };
    const of = { id: backupId, name: backup.filename, environmentId: database.environment_id };
    await recordAudit(trx, actor, auditEntry('backup', 'restore', of, { details }), at);
  });
  runs.wake();
  return { runId, newName };
}

/** As it is before anything is made, without its safety backup. */
export async function inPlaceRow(
  context: Pick<VaultContext, 'db' | 'vault'>,
  wanted: {
    readonly id: string;
    readonly backupId: string;
    readonly database: DatabaseRow;
    readonly newName: string;
    readonly input: InPlaceInput;
    readonly adopts?: Adopting | undefined;
    readonly actor: UserActor;
    readonly at: Date;
  },
): Promise<RestoreRow> {
  const { id, database, newName, input, at } = wanted;
  return {
    ...NOTHING_REPLACED,
    id,
    backup_id: wanted.backupId,
    database_id: database.id,
    environment_id: database.environment_id,
    server_id: database.server_id,
    engine: database.type,
    host: database.host,
    port: database.port,
    database_name: database.database_name,
    options: database.options,
    new_name: newName,
    is_name_ours: 0,
    token: newId(),
    credentials: await sealForPlace(context, id, input, { ...database, engine: database.type }),
    state: 'none',
    checks: null,
    counts: null,
    loaded_ms: null,
    removal_tries: 0,
    removal_error: null,
    asked_by_id: wanted.actor.userId,
    created_at: at.toISOString(),
    ended_at: null,
    load_options: loadOptionsText({
      live: input.intoLive === true ? true : undefined,
      adopts: wanted.adopts,
    }),
    is_drill: null,
    in_place: 1,
    end_sessions: input.endSessions === true ? 1 : 0,
    kept_name: input.intoLive === true ? null : keptName({ isFile: isFile(database), name: newName }, at),
  };
}

/** Throws `invalid` where a backup can’t be restored into a database that is in use. */
export async function refuseUnlessLive(db: Db, backupId: string, { type }: DatabaseRow): Promise<void> {
  const { format } = await factsOf(db, backupId);
  if (mayGoLive(type, format)) return;
  throw new AppError(
    'invalid',
    'Only custom archives of PostgreSQL can be restored into the database that is there: they name what they replace, and one that breaks off commits nothing. Leave out intoLive, or restore beside it.',
    { details: { field: 'intoLive' } },
  );
}

/** Whether dumps of that format can be restored into the database that is there. */
export function mayGoLive(engine: string, format: string | null): boolean {
  return format !== null && (engineFor(engine)?.liveOf ?? []).includes(format);
}

/** The name of what a restore in place replaces. Throws `invalid` where the engine can't, or nobody has said it. */
export function replacedName(database: DatabaseRow): string {
  const engine = engineFor(database.type);
  if (engine?.swaps !== true) {
    throw new AppError('invalid', isNotSwapped(database), { details: { field: 'inPlace' } });
  }
  const name = engine.isFile ? wireOptions(database.options).filePath : database.database_name;
  if (name) return name;
  throw new AppError(
    'invalid',
    'What is to be replaced has no name. Set it in the settings of the database.',
  );
}

function isFile({ type }: DatabaseRow): boolean {
  return engineFor(type)?.isFile === true;
}

function isNotSwapped({ type }: DatabaseRow): string {
  return `Databases of ${engineFor(type)?.displayName ?? type} can't be swapped in one go. Restore beside it; the finished restore says how a person swaps the two.`;
}

async function backUpFirst(trx: Trx, actor: UserActor, database: DatabaseRow, at: Date): Promise<string> {
  const { id, isNew } = await insertBackup(
    trx,
    database,
    { type: 'manual', triggeredById: actor.userId },
    at,
  );
  // One that waits already has not begun: it will hold all that is there now.
  if (isNew) {
    await recordAudit(trx, actor, auditedDatabase('backup', database, { details: { backupId: id } }), at);
  }
  return id;
}

/** What goes into that name there, and is not over: of whichever of the databases that are registered, since two of them may be one. */
async function replacing(trx: Trx, { server_id, host, port }: DatabaseRow, name: string) {
  // Few, whereas restores are as many as drills: a planner may begin with either where it is asked for both at once.
  const runs = await trx
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', 'restore')
    .where('state', 'in', ['pending', 'running', 'uncertain'])
    .execute();
  if (runs.length === 0) return undefined;
  const ids = runs.map(({ id }) => id);
  const open = await trx
    .selectFrom('restores')
    .select(['id', 'backup_id', 'in_place', 'load_options', 'server_id', 'host', 'port'])
    .where('id', 'in', ids)
    .where('new_name', '=', name)
    .execute();
  return open.find((one) => one.server_id === server_id && one.host === host && one.port === port);
}

function beingReplaced(name: string): AppError {
  return new AppError(
    'conflict',
    `Something is being restored into “${name}” already. Wait for its end, or cancel it.`,
  );
}
