import { auditEntry, recordAudit } from '../audit/audit.ts';
import { hasRole } from '../auth/roles.ts';
import type { UserActor } from '../auth/users.ts';
import { findBackup } from '../backups/backups.ts';
import { wireOptions } from '../databases/options.ts';
import type { DatabaseRow, Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { insertRun } from '../runs/claim.ts';
import { isNamed } from '../turned-text.ts';
import { alreadyAsked, isAlike } from './already-asked.ts';
import type { RestoreContext } from './context.ts';
import { factsOf } from './dump-facts.ts';
import { NOTHING_REPLACED } from './in-place.ts';
import { type ChosenTables, loadOptionsText } from './load-options.ts';
import { proposedName } from './new-name.ts';
import { chooseTables } from './only-tables.ts';
import { loginFor } from './restore-logins.ts';
import { sealForPlace } from './typed-login.ts';

/** Where a backup is restored to; what is absent is as of the database that was backed up. */
export interface RestoreInput {
  /** Of what is made; it must not exist. A name that is free is found where none is given. */
  readonly newName?: string | undefined;
  /** Null: the app's own machine. */
  readonly serverId?: string | null | undefined;
  readonly host?: string | null | undefined;
  readonly port?: number | null | undefined;
  /** For this restore alone; forgotten when it has ended. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The name of the environment, where it is another one than the backup's. */
  readonly confirm?: string | undefined;
  /** These alone, of a format of which that can be done. */
  readonly tables?: ChosenTables | undefined;
  /** Loaded by so many connections at once, of a format of which that can be done. */
  readonly jobs?: number | undefined;
}

export interface AskedRestore {
  readonly runId: string;
  readonly newName: string;
}

/**
 * Asks for a backup to be restored. Throws `not_found`; `invalid` for a target that can't be one; `forbidden` for another environment to
 * all but admins; `conflict` for a backup that is not completed, and where something is restored into that name already; as
 * `alreadyAsked` where that is the very same.
 */
export async function askRestore(
  context: RestoreContext,
  actor: UserActor,
  backupId: string,
  input: RestoreInput,
): Promise<AskedRestore> {
  const { db, now, runs } = context;
  const { backup, database } = await restorable(db, backupId);
  const target = await targetOf(db, actor, database, input);
  const loading = await loadingText(db, backupId, database.type, input);
  const newName = input.newName ?? proposedName(target.named, now());
  const runId = newId();
  const { serverId, host, port, environmentId } = target;
  const place = { server_id: serverId, engine: database.type, host, port, options: database.options };
  const credentials = await sealForPlace(context, runId, input, place);
  const lane = `restore:${JSON.stringify([serverId, host, port, newName])}`;
  await write(db, async (trx) => {
    const present = await findBackup(trx, backupId);
    if (present?.status !== 'completed') throw new AppError('not_found', 'Backup not found');
    const askedBy = { isScheduled: false, personId: actor.userId };
    const run = { id: runId, kind: 'restore', subjectId: backupId, serverId, lane, askedBy } as const;
    const open = await openIn(trx, lane);
    if (open?.backup_id === backupId && isAlike(open, { load_options: loading })) {
      throw alreadyAsked(open.id, open.new_name);
    }
    if (open !== undefined || !(await insertRun(trx, run, now()))) throw nameTaken(newName);
    await trx
      .insertInto('restores')
      .values({
        id: runId,
        backup_id: backupId,
        database_id: database.id,
        environment_id: environmentId,
        server_id: serverId,
        engine: database.type,
        host,
        port,
        database_name: database.database_name,
        options: database.options,
        new_name: newName,
        load_options: loading,
        is_name_ours: input.newName === undefined ? 1 : 0,
        token: newId(),
        credentials,
        state: 'none',
        removal_tries: 0,
        asked_by_id: actor.userId,
        created_at: now().toISOString(),
        ...NOTHING_REPLACED,
      })
      .execute();
    const details = {
      runId,
      newName,
      serverId,
      host,
      port,
      username: input.username ?? null,
      tables: input.tables ?? null,
      jobs: input.jobs ?? null,
    };
    const of = { id: backupId, name: backup.filename, environmentId };
    await recordAudit(trx, actor, auditEntry('backup', 'restore', of, { details }), now());
  });
  runs.wake();
  return { runId, newName };
}

/** How the dump is loaded, as the row of a restore holds it; null: all of it, as ever. Throws `invalid` as `chooseTables`. */
export async function loadingText(
  db: Db,
  backupId: string,
  engine: string,
  { tables, jobs }: Pick<RestoreInput, 'tables' | 'jobs'>,
): Promise<string | null> {
  if (tables === undefined && jobs === undefined) return null;
  const facts = await factsOf(db, backupId);
  if (jobs !== undefined && !takesJobs(engine, facts.format)) {
    throw new AppError(
      'invalid',
      'Only custom archives of PostgreSQL can be loaded by several jobs. Restore without jobs.',
      { details: { field: 'jobs' } },
    );
  }
  return loadOptionsText({
    ...(tables === undefined ? {} : { tables: chooseTables(engine, facts, tables) }),
    ...(jobs === undefined ? {} : { jobs }),
  });
}

/** Whether several jobs can load dumps of that format. */
export function takesJobs(engine: string, format: string | null): boolean {
  return format !== null && (engineFor(engine)?.jobsOf ?? []).includes(format);
}

/** The backup and its database, if it can be restored; throws as `askRestore`. */
export async function restorable(db: Db, backupId: string) {
  const backup = await findBackup(db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  if (backup.status !== 'completed') {
    throw new AppError('conflict', `Only a completed backup can be restored: it is ${backup.status}.`);
  }
  const database = await db
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  if (engineFor(database.type)?.restore === undefined) {
    throw new AppError(
      'invalid',
      `BRIDGEPORT restores no backups of ${database.type} by itself yet. The page of the backup has the commands to restore it by hand.`,
    );
  }
  return { backup, database };
}

/** Where the input leads; throws as `askRestore`. */
export async function targetOf(db: Db, actor: UserActor, database: DatabaseRow, input: RestoreInput) {
  const serverId = input.serverId === undefined ? database.server_id : input.serverId;
  const environmentId = await environmentOf(db, serverId, database);
  if (environmentId !== database.environment_id) await confirmEnvironment(db, actor, environmentId, input);
  const isFile = engineFor(database.type)?.isFile ?? false;
  const host = input.host === undefined ? database.host : input.host || null;
  const port = input.port === undefined ? database.port : input.port;
  const isElsewhere = serverId !== database.server_id || host !== database.host || port !== database.port;
  const needsLogin = isElsewhere && !isFile && database.credentials !== null && input.password === undefined;
  const place = { server_id: serverId, engine: database.type, host, port };
  if (needsLogin && (await loginFor(db, place)) === undefined) {
    throw new AppError(
      'invalid',
      'The stored password was given for another server and is not sent to this one. Enter a user and a password for the restore, or have an admin store a login for restores on the page of the server.',
      { details: { field: 'password' } },
    );
  }
  const { filePath } = wireOptions(database.options);
  const named = { isFile, databaseName: database.database_name, filePath };
  return { serverId, environmentId, host, port, named };
}

async function environmentOf(db: Db, serverId: string | null, database: DatabaseRow): Promise<string> {
  if (serverId === null || serverId === database.server_id) return database.environment_id;
  const server = await db
    .selectFrom('servers')
    .select('environment_id')
    .where('id', '=', serverId)
    .executeTakeFirst();
  if (server === undefined) {
    throw new AppError('invalid', 'There is no such server. Choose another.', {
      details: { field: 'serverId' },
    });
  }
  return server.environment_id;
}

async function confirmEnvironment(
  db: Db,
  actor: UserActor,
  environmentId: string,
  { confirm }: RestoreInput,
): Promise<void> {
  if (!hasRole(actor.role, 'admin')) {
    throw new AppError('forbidden', 'Only admins restore into another environment');
  }
  const { name } = await db
    .selectFrom('environments')
    .select('name')
    .where('id', '=', environmentId)
    .executeTakeFirstOrThrow();
  if (isNamed(confirm, name)) return;
  throw new AppError(
    'invalid',
    `That server belongs to another environment. To restore there, confirm by its name: ${name}.`,
    { details: { field: 'confirm' } },
  );
}

/** What goes to that name there, and is not over. Not joined: a planner may begin with the restores, which are as many as drills. */
async function openIn(trx: Trx, lane: string) {
  const open = await trx
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', 'restore')
    .where('lane', '=', lane)
    .where('state', 'in', ['pending', 'running', 'uncertain'])
    .executeTakeFirst();
  if (open === undefined) return undefined;
  return trx
    .selectFrom('restores')
    .select(['id', 'backup_id', 'new_name', 'load_options'])
    .where('id', '=', open.id)
    .executeTakeFirstOrThrow();
}

function nameTaken(name: string): AppError {
  return new AppError(
    'conflict',
    `Something is being restored into “${name}” there already. Wait for its end, or choose another name.`,
    { details: { field: 'newName' } },
  );
}
