import { byBytes } from '../db/kind.ts';
import type { DatabaseRow, Db, Trx } from '../db/schema.ts';
import { addressOf, type ServerAddress } from '../servers/server-access.ts';
import type { SealedCredentials } from './credentials.ts';
import {
  changesOfTarget,
  givenTarget,
  type PasswordTarget,
  presentTarget,
  type TargetColumns,
} from './password-target.ts';

/** Why a stored password is not sent, until it is typed again or an admin confirms where the settings lead. */
export interface HeldPassword {
  /** Names where the settings lead now; a confirmation that gives it is for this target alone. */
  readonly target: string;
  /** What differs from whom it was given for, one line each. */
  readonly changes: readonly string[];
}

type Placed = TargetColumns & Pick<DatabaseRow, 'server_id'>;

/** Null where nothing holds it back, or none is stored. */
export async function heldPassword(db: Db, database: Placed): Promise<HeldPassword | null> {
  if (database.password_target === null) return null;
  const address = await addressOfServer(db, database.server_id);
  const changes = changesOfTarget(database, address);
  if (changes.length === 0) return null;
  return { target: await nameOfTarget(presentTarget(database, address)), changes };
}

/** The machine of a server as it is stored now; null without a server. */
export async function addressOfServer(db: Db, serverId: string | null): Promise<ServerAddress | null> {
  if (serverId === null) return null;
  const server = await db
    .selectFrom('servers')
    .innerJoin('environments', 'environments.id', 'servers.environment_id')
    .select(['servers.id', 'servers.hostname', 'servers.ssh_port', 'servers.ssh_user'])
    .select('environments.ssh_user as environment_user')
    .where('servers.id', '=', serverId)
    .executeTakeFirst();
  return server === undefined ? null : addressOf(server, server.environment_user);
}

/** Where the settings of the row lead now, as the column would have it. */
export async function targetOf(db: Db, database: Placed): Promise<string> {
  return JSON.stringify(presentTarget(database, await addressOfServer(db, database.server_id)));
}

/** Short, and another one for every other target. */
export async function nameOfTarget(target: PasswordTarget): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(target));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The column after credentials were stored: a password that was typed is for where the settings lead now. */
export async function targetAfter(
  trx: Trx,
  database: Placed,
  password: SealedCredentials['password'],
): Promise<string | null> {
  if (password === 'none') return null;
  if (password === 'typed') return targetOf(trx, database);
  const given = givenTarget(database);
  if (given === null || password === 'kept') return database.password_target;
  return JSON.stringify({ ...given, isForAnotherUser: true });
}

/** The databases on a server that keep their passwords back, by name. */
export async function databasesThatHold(
  db: Db,
  serverId: string,
): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const address = await addressOfServer(db, serverId);
  const rows = await db
    .selectFrom('databases')
    .select(['id', 'name', 'type', 'host', 'port', 'options', 'password_target'])
    .where('server_id', '=', serverId)
    .where('password_target', 'is not', null)
    .orderBy('name', byBytes(db))
    .execute();
  return rows.filter((row) => changesOfTarget(row, address).length > 0).map(({ id, name }) => ({ id, name }));
}

/**
 * Passwords that were given for the environment's SSH user, those for restores too, go on to the next one: only an admin sets it, for all of its
 * servers, and everything else about a target counts as before.
 */
export async function followSshUser(
  trx: Trx,
  environmentId: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  if (from === to) return;
  const rows = await trx
    .selectFrom('databases')
    .innerJoin('servers', 'servers.id', 'databases.server_id')
    .select(['databases.id', 'databases.server_id', 'databases.password_target'])
    .select(['databases.name', 'databases.type', 'databases.host', 'databases.port', 'databases.options'])
    .where('servers.environment_id', '=', environmentId)
    .where('servers.ssh_user', 'is', null)
    .where('databases.password_target', 'is not', null)
    .execute();
  for (const row of rows) {
    const given = givenTarget(row);
    const password_target = followed(given, row.server_id, { from, to });
    if (password_target === null) continue;
    await trx.updateTable('databases').set({ password_target }).where('id', '=', row.id).execute();
  }
  const logins = await trx
    .selectFrom('restore_logins')
    .innerJoin('servers', 'servers.id', 'restore_logins.server_id')
    .select(['restore_logins.id', 'restore_logins.server_id', 'restore_logins.password_target'])
    .where('servers.environment_id', '=', environmentId)
    .where('servers.ssh_user', 'is', null)
    .execute();
  for (const row of logins) {
    const given = givenTarget({ ...OF_LOGIN, password_target: row.password_target });
    const password_target = followed(given, row.server_id, { from, to });
    if (password_target === null) continue;
    await trx.updateTable('restore_logins').set({ password_target }).where('id', '=', row.id).execute();
  }
}

const OF_LOGIN = { name: '', type: '', host: null, port: null, options: '{}' };

/** The column afterwards; null where it was given for somebody else. */
function followed(
  given: PasswordTarget | null,
  serverId: string | null,
  { from, to }: { readonly from: string; readonly to: string },
): string | null {
  if (given === null || given.server === null) return null;
  if (given.server.id !== serverId || given.server.user !== from) return null;
  return JSON.stringify({ ...given, server: { ...given.server, user: to } });
}
