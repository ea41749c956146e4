import type { Actor } from '../audit/audit.ts';
import type { DatabaseRow } from '../db/schema.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import type { ServerContext } from '../servers/context.ts';
import { getServerRow } from '../servers/servers.ts';
import { sealCredentials } from './credentials.ts';
import { type DatabaseChange, getDatabaseRow, type NewDatabase, toColumns } from './databases.ts';
import { foldOptions, mergeOptions } from './options.ts';
import { givenTarget } from './password-target.ts';
import { targetOf } from './password-targets.ts';
import { foreignServer } from './place.ts';
import { type ConnectionTest, tryRow } from './try-database.ts';

type TryContext = VaultContext & ServerContext;

/**
 * Looks at a database that is not registered yet, as it would be once it were. Nothing is stored. Throws `not_found`, and
 * `invalid` for what could not be stored.
 */
export async function tryNewDatabase(
  context: TryContext,
  actor: Actor,
  environmentId: string,
  given: NewDatabase,
  signal: AbortSignal,
): Promise<ConnectionTest> {
  const input = foldOptions(given.type, given);
  const now = context.now().toISOString();
  const id = newId();
  const credentials = await sealCredentials(context.vault, id, null, input);
  const row: DatabaseRow = {
    ...EMPTY,
    ...{ id, environment_id: environmentId, created_at: now, updated_at: now },
    ...toColumns(input),
    ...{ name: input.name, type: input.type },
    options: mergeOptions(input.type, '{}', input),
    credentials: credentials.sealed,
  };
  await requireOwnServer(context, row);
  const password_target = credentials.password === 'typed' ? await targetOf(context.db, row) : null;
  return tryRow(context, actor, { ...row, password_target }, signal);
}

/** Looks at a registered database as it would be after the change. Throws as `tryNewDatabase`. */
export async function tryChangedDatabase(
  context: TryContext,
  actor: Actor,
  id: string,
  given: DatabaseChange,
  signal: AbortSignal,
): Promise<ConnectionTest> {
  const before = await getDatabaseRow(context.db, id);
  const type = given.type ?? before.type;
  const change = foldOptions(type, given);
  const credentials = await sealCredentials(context.vault, id, before.credentials, change);
  const row: DatabaseRow = {
    ...before,
    ...toColumns(change),
    options: mergeOptions(type, before.options, change),
    credentials: credentials.sealed,
  };
  await requireOwnServer(context, row);
  const target = await changedTarget(context, row, credentials.password);
  return tryRow(context, actor, { ...row, password_target: target }, signal);
}

/** A stored password is sent only where it was given for, here as anywhere. */
async function changedTarget(
  context: TryContext,
  row: DatabaseRow,
  password: Awaited<ReturnType<typeof sealCredentials>>['password'],
): Promise<string | null> {
  if (password === 'none') return null;
  if (password === 'typed') return targetOf(context.db, row);
  const given = givenTarget(row);
  if (given === null || password === 'kept') return row.password_target;
  return JSON.stringify({ ...given, isForAnotherUser: true });
}

async function requireOwnServer({ db }: TryContext, row: DatabaseRow): Promise<void> {
  if (row.server_id === null) return;
  const server = await getServerRow(db, row.server_id);
  if (server.environment_id !== row.environment_id) throw foreignServer();
}

const EMPTY: Omit<DatabaseRow, 'id' | 'environment_id' | 'name' | 'type' | 'created_at' | 'updated_at'> = {
  server_id: null,
  host: null,
  port: null,
  database_name: null,
  credentials: null,
  password_target: null,
  options: '{}',
  backup_storage_type: 'local',
  backup_local_path: null,
  backup_spaces_bucket: null,
  backup_spaces_prefix: null,
  pg_dump_timeout_ms: 300_000,
  max_backup_age_hours: 26,
  read_in_full_at: null,
  full_read_tried_at: null,
  monitoring_enabled: 0,
  collection_interval_sec: 300,
};
