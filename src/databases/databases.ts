import { type Insertable, sql } from 'kysely';
import * as z from 'zod';
import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Config } from '../config.ts';
import type { Context } from '../db/context.ts';
import type { DatabaseRow, Db, EnvironmentRow, Trx } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { AppError } from '../errors.ts';
import {
  absolutePath,
  bucketName,
  hostOrSocket,
  keyPrefix,
  nameField,
  port,
  secretField,
} from '../fields.ts';
import { newId } from '../ids.ts';
import { refuseWhileRestoring, refuseWhileRunning, releaseTombstones } from '../leftovers/tombstones.ts';
import { moveWaiting } from '../runs/claim.ts';
import { databaseLane } from '../runs/lanes.ts';
import type { VaultContext } from '../secrets/context.ts';
import { type SealedCredentials, sealCredentials } from './credentials.ts';
import { safeSegment } from './file-name.ts';
import { foldOptions, mergeOptions, optionFields, shownOptions, wireOptions } from './options.ts';
import { refuseOtherType } from './other-type.ts';
import { changesOfTarget } from './password-target.ts';
import {
  addressOfServer,
  type HeldPassword,
  heldPassword,
  targetAfter,
  targetOf,
} from './password-targets.ts';
import { checkPlace, foreignServer } from './place.ts';

/** A nightly backup, and two hours of grace. */
export const DEFAULT_MAX_AGE_HOURS = 26;

const commonFields = z.object({
  name: nameField,
  type: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, { error: 'Must be a database type' }),
  host: hostOrSocket.or(z.literal('')).nullish(),
  port: port.nullish(),
  databaseName: secretField(255).nullish(),
  username: secretField(255).nullish(),
  password: secretField(4096).nullish(),
  serverId: z.string().max(64).nullish(),
  backupStorageType: z.enum(['local', 'spaces']).optional(),
  backupLocalPath: absolutePath.or(z.literal('')).nullish(),
  backupSpacesBucket: bucketName.or(z.literal('')).nullish(),
  backupSpacesPrefix: keyPrefix.nullish(),
  pgDumpTimeoutMs: z.number().int().min(30_000).max(3_600_000).optional(),
  /** How old the last good backup may become; a year at most. */
  maxBackupAgeHours: z.number().int().min(1).max(8784).optional(),
  databaseTypeId: z.string().max(64).nullish(),
});

export const newDatabase = commonFields.extend(optionFields.shape);
export const databaseChange = newDatabase.partial();

export type NewDatabase = z.infer<typeof newDatabase>;
export type DatabaseChange = z.infer<typeof databaseChange>;

/** Paths of this machine are judged by the installation's settings. */
export interface DatabaseContext extends VaultContext {
  readonly config: Pick<Config, 'dataDir' | 'localPaths' | 'databaseUrl'>;
}

/** A database, with why its stored password is not sent, if it is not. */
export interface WholeDatabase extends Database {
  readonly passwordHeld: HeldPassword | null;
}

/** Throws `not_found`. */
export async function getDatabase(db: Db, id: string): Promise<WholeDatabase> {
  return toWhole(db, await getDatabaseRow(db, id), await countBackups(db, id));
}

/** Throws `not_found`. */
export async function getDatabaseRow(db: Db, id: string): Promise<DatabaseRow> {
  const row = await db.selectFrom('databases').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Database not found');
  return row;
}

/** What is done in the write that registers a database: what it throws keeps the database from being registered. */
export interface Alongside {
  readonly refuse?: ((trx: Trx) => Promise<void>) | undefined;
  readonly after?: ((trx: Trx, databaseId: string) => Promise<void>) | undefined;
}

/**
 * Throws `not_found` (environment), `invalid`, `conflict` (details.field: name), and what is thrown alongside. Storage needs no
 * prefix: it gets `{env}/{db}/`.
 */
export async function createDatabase(
  context: DatabaseContext,
  actor: Actor,
  environmentId: string,
  given: NewDatabase,
  alongside: Alongside = {},
): Promise<WholeDatabase> {
  const input = foldOptions(given.type, given);
  const environment = await getEnvironmentRow(context.db, environmentId);
  const now = context.now().toISOString();
  const id = newId();
  const credentials = await sealCredentials(context.vault, id, null, input);
  const values: Insertable<DatabaseRow> = {
    id,
    environment_id: environmentId,
    type: input.type,
    name: input.name,
    options: '{}',
    backup_storage_type: 'local',
    pg_dump_timeout_ms: 300_000,
    max_backup_age_hours: DEFAULT_MAX_AGE_HOURS,
    monitoring_enabled: environment.default_monitoring_enabled,
    collection_interval_sec: environment.default_collection_interval_sec,
    created_at: now,
    updated_at: now,
    ...toColumns(input),
    credentials: credentials.sealed,
  };
  values.options = mergeOptions(input.type, '{}', input);
  if (values.backup_storage_type === 'spaces' && !values.backup_spaces_prefix) {
    values.backup_spaces_prefix = defaultPrefix(environment, input.name);
  }
  const row = await named(() =>
    write(context.db, async (trx) => {
      await alongside.refuse?.(trx);
      const inserted = await trx
        .insertInto('databases')
        .values(values)
        .returningAll()
        .executeTakeFirstOrThrow();
      await checkPlace(trx, context.config, inserted, input);
      await recordAudit(trx, actor, auditedDatabase('create', inserted), context.now());
      await alongside.after?.(trx, id);
      return withTarget(trx, inserted, credentials.password === 'kept' ? 'none' : credentials.password);
    }),
  );
  return toWhole(context.db, row, 0);
}

/**
 * Changes what is given; what was backed up stays where it is. A stored password is not sent to where a change leads
 * before it is typed again or an admin confirms that. Throws `not_found`, `invalid`, `conflict` (name; type, while there are backups
 * of the one that it has).
 */
export async function updateDatabase(
  context: DatabaseContext,
  actor: Actor,
  id: string,
  given: DatabaseChange,
): Promise<WholeDatabase> {
  const before = await getDatabaseRow(context.db, id);
  const change = foldOptions(given.type ?? before.type, given);
  const environment = await getEnvironmentRow(context.db, before.environment_id);
  const columns = toColumns(change);
  columns.options = mergeOptions(change.type ?? before.type, before.options, change);
  const credentials = await sealCredentials(context.vault, id, before.credentials, change);
  columns.credentials = credentials.sealed;
  const seen = await targetOf(context.db, { ...before, ...columns });
  const movesToStorage = change.backupStorageType === 'spaces' && before.backup_storage_type !== 'spaces';
  if (movesToStorage && change.backupSpacesPrefix === undefined && before.backup_spaces_prefix === null) {
    columns.backup_spaces_prefix = defaultPrefix(environment, change.name ?? before.name);
  }
  const row = await named(() =>
    write(context.db, async (trx) => {
      const updated = await trx
        .updateTable('databases')
        .set({ ...columns, updated_at: context.now().toISOString() })
        .where('id', '=', id)
        // What was merged into must still be what is stored, else another change would be lost.
        .where('options', '=', before.options)
        .where('type', '=', before.type)
        .where('credentials', before.credentials === null ? 'is' : '=', before.credentials)
        .returningAll()
        .executeTakeFirst();
      if (updated === undefined) {
        await getDatabaseRow(trx, id);
        throw changedMeanwhile();
      }
      await checkPlace(trx, context.config, updated, change);
      if (updated.type !== before.type) await refuseOtherType(trx, before, updated.type);
      if (updated.server_id !== before.server_id) {
        await moveWaiting(trx, databaseLane(id), updated.server_id);
      }
      // A password that is typed is meant for what was there then, not for what another request made of it meanwhile.
      if (credentials.password === 'typed' && (await targetOf(trx, updated)) !== seen)
        throw changedMeanwhile();
      const whole = await withTarget(trx, updated, credentials.password);
      const address = await addressOfServer(trx, whole.server_id);
      const held = changesOfTarget(whole, address);
      const details = {
        changed: Object.keys(change).filter((name) => name !== 'options'),
        ...(held.length === 0 ? {} : { passwordHeld: held }),
      };
      await recordAudit(trx, actor, auditedDatabase('update', whole, { details }), context.now());
      return whole;
    }),
  );
  return toWhole(context.db, row, await countBackups(context.db, id));
}

/** Throws `not_found`, `invalid` while it has backups, `conflict` while a deleted one is still being stopped. */
export async function deleteDatabase(context: Context, actor: Actor, id: string): Promise<void> {
  await write(context.db, async (trx) => {
    const row = await getDatabaseRow(trx, id);
    if ((await countBackups(trx, id)) > 0) {
      throw new AppError('invalid', 'Cannot delete database with existing backups. Delete backups first.');
    }
    await refuseWhileRunning(trx, [id]);
    await refuseWhileRestoring(trx, [id]);
    await releaseTombstones(trx, [id], context.now());
    await trx.deleteFrom('databases').where('id', '=', id).execute();
    await recordAudit(trx, actor, auditedDatabase('delete', row), context.now());
  });
}

/** The entry of something done to this database. */
export function auditedDatabase(
  action: AuditedActions['database'],
  row: Pick<DatabaseRow, 'id' | 'name' | 'environment_id'>,
  more: Pick<AuditEntry, 'details' | 'error'> = {},
): AuditEntry {
  const { id, name, environment_id: environmentId } = row;
  return auditEntry('database', action, { id, name, environmentId }, more);
}

/** The database with the number of its backups: no user name, no password. */
export function toDatabase(row: DatabaseRow, backups: number) {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    host: row.host,
    port: row.port,
    databaseName: row.database_name,
    hasCredentials: row.credentials !== null,
    serverId: row.server_id,
    backupStorageType: row.backup_storage_type,
    backupLocalPath: row.backup_local_path,
    backupSpacesBucket: row.backup_spaces_bucket,
    backupSpacesPrefix: row.backup_spaces_prefix,
    ...wireOptions(row.options),
    options: shownOptions(row.type, row.options),
    pgDumpTimeoutMs: row.pg_dump_timeout_ms,
    maxBackupAgeHours: row.max_backup_age_hours,
    monitoringEnabled: row.monitoring_enabled === 1,
    collectionIntervalSec: row.collection_interval_sec,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    environmentId: row.environment_id,
    counts: { backups },
  };
}

export type Database = ReturnType<typeof toDatabase>;

async function toWhole(db: Db, row: DatabaseRow, backups: number): Promise<WholeDatabase> {
  return { ...toDatabase(row, backups), passwordHeld: await heldPassword(db, row) };
}

const changedMeanwhile = () =>
  new AppError('conflict', 'The database was changed at the same time. Try again.');

/** The row after it says whom its password was given for. */
async function withTarget(
  trx: Trx,
  row: DatabaseRow,
  password: SealedCredentials['password'],
): Promise<DatabaseRow> {
  const target = await targetAfter(trx, row, password);
  if (target === row.password_target) return row;
  return trx
    .updateTable('databases')
    .set({ password_target: target })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** `{environment name}/{database name}/` (storage page), each name made one safe segment. */
function defaultPrefix(environment: EnvironmentRow, databaseName: string): string {
  return `${safeSegment(environment.name)}/${safeSegment(databaseName)}/`;
}

async function countBackups(db: Db, databaseId: string): Promise<number> {
  const { count } = await db
    .selectFrom('backups')
    .select(sql<number>`count(*)`.as('count'))
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** What is given, as columns. */
export function toColumns(input: DatabaseChange): Partial<DatabaseRow> {
  return {
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(input.type === undefined ? {} : { type: input.type }),
    ...(input.host === undefined ? {} : { host: input.host || null }),
    ...(input.port === undefined ? {} : { port: input.port }),
    ...(input.databaseName === undefined ? {} : { database_name: input.databaseName || null }),
    ...(input.serverId === undefined ? {} : { server_id: input.serverId || null }),
    ...(input.backupStorageType === undefined ? {} : { backup_storage_type: input.backupStorageType }),
    ...(input.backupLocalPath === undefined ? {} : { backup_local_path: input.backupLocalPath || null }),
    ...(input.backupSpacesBucket === undefined
      ? {}
      : { backup_spaces_bucket: input.backupSpacesBucket || null }),
    ...(input.backupSpacesPrefix === undefined ? {} : { backup_spaces_prefix: input.backupSpacesPrefix }),
    ...(input.pgDumpTimeoutMs === undefined ? {} : { pg_dump_timeout_ms: input.pgDumpTimeoutMs }),
    ...(input.maxBackupAgeHours === undefined ? {} : { max_backup_age_hours: input.maxBackupAgeHours }),
  };
}

async function named<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new AppError('conflict', 'Database with this name already exists', {
        details: { field: 'name' },
      });
    }
    if (error instanceof Error && 'code' in error && FOREIGN_KEY.includes(String(error.code))) {
      throw foreignServer(error);
    }
    throw error;
  }
}

const FOREIGN_KEY: readonly string[] = ['SQLITE_CONSTRAINT_FOREIGNKEY', '23503'];
