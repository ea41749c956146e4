import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { changesOfTarget, givenTarget, presentTarget } from '../databases/password-target.ts';
import { addressOfServer } from '../databases/password-targets.ts';
import type { Db, RestoreLoginRow, RestoreRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { TLS_MODES, tlsColumns } from '../engines/tls-options.ts';
import { AppError } from '../errors.ts';
import { hostOrSocket, line, port, secretField } from '../fields.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { ServerAddress } from '../servers/server-access.ts';
import { getServerRow } from '../servers/servers.ts';

/** As whom restores are made on a server where nobody types a user: the user that backs up may rightly only read. */
export interface RestoreLogin {
  /** The wire's type of the engine. */
  readonly engine: string;
  readonly username: string;
  /** Of the database server, as seen from the server. */
  readonly host: string | null;
  readonly port: number | null;
  readonly tlsMode: (typeof TLS_MODES)[number];
  /** Why it is not sent, one line each, until it is typed again; empty where nothing holds it back. */
  readonly held: readonly string[];
  readonly updatedAt: string;
}

export const restoreLoginInput = z.object({
  username: line(255).refine((text) => text.trim() !== '', { error: 'Must not be empty' }),
  password: secretField(1024).min(1),
  /** Absent or null: the server itself. */
  host: hostOrSocket.nullish(),
  port: port.nullish(),
  /** How the way must be protected at least. */
  tlsMode: z.enum(TLS_MODES).default('off'),
  tlsCa: tlsColumns.tlsCa,
});
export type RestoreLoginInput = z.infer<typeof restoreLoginInput>;

/** By engine, without passwords. Throws `not_found`. */
export async function listRestoreLogins(db: Db, serverId: string): Promise<readonly RestoreLogin[]> {
  await getServerRow(db, serverId);
  const rows = await db
    .selectFrom('restore_logins')
    .selectAll()
    .where('server_id', '=', serverId)
    .orderBy('engine')
    .execute();
  const address = await addressOfServer(db, serverId);
  return rows.map((row) => toLogin(row, address));
}

/** Stores it, in place of the one before, for where the server is now. Throws `not_found`, `invalid`. */
export async function putRestoreLogin(
  { db, now, vault }: VaultContext,
  actor: Actor,
  { serverId, engine }: { readonly serverId: string; readonly engine: string },
  input: RestoreLoginInput,
): Promise<RestoreLogin> {
  checkEngine(engine);
  const { username, password, tlsMode } = input;
  const options = JSON.stringify({ tlsMode, tlsCa: input.tlsCa?.trim() || null });
  const place = { type: engine, host: input.host || null, port: input.port ?? null, options };
  // The id is what it is sealed for: one that is replaced keeps its own.
  const id = (await findLogin(db, serverId, engine))?.id ?? newId();
  const credentials = await vault.seal(
    JSON.stringify({ username, password }),
    SEALED.restoreLogin.identity(id),
  );
  return write(db, async (trx) => {
    const server = await getServerRow(trx, serverId);
    if (((await findLogin(trx, serverId, engine))?.id ?? id) !== id) throw changedMeanwhile();
    const address = await addressOfServer(trx, serverId);
    const target = presentTarget({ ...place, name: server.name, password_target: null }, address);
    const at = now().toISOString();
    const values = { username, credentials, password_target: JSON.stringify(target), updated_at: at };
    const row = await trx
      .insertInto('restore_logins')
      .values({ id, server_id: serverId, engine, created_at: at, ...values })
      .onConflict((conflict) => conflict.columns(['server_id', 'engine']).doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
    const of = { id: serverId, name: server.name, environmentId: server.environment_id };
    const details = { engine, username, host: place.host, port: place.port, tlsMode };
    await recordAudit(trx, actor, auditEntry('restore_login', 'update', of, { details }), now());
    return toLogin(row, address);
  });
}

/** Nothing where there is none. Throws `not_found` for a server that is not there. */
export async function removeRestoreLogin(
  { db, now }: Pick<VaultContext, 'db' | 'now'>,
  actor: Actor,
  { serverId, engine }: { readonly serverId: string; readonly engine: string },
): Promise<void> {
  await write(db, async (trx) => {
    const server = await getServerRow(trx, serverId);
    const row = await findLogin(trx, serverId, engine);
    if (row === undefined) return;
    await trx.deleteFrom('restore_logins').where('id', '=', row.id).execute();
    const of = { id: serverId, name: server.name, environmentId: server.environment_id };
    const details = { engine, username: row.username };
    await recordAudit(trx, actor, auditEntry('restore_login', 'delete', of, { details }), now());
  });
}

/** Where a restore goes. */
export type RestorePlace = Pick<RestoreRow, 'server_id' | 'engine' | 'host' | 'port'>;

/** The stored login of that very database server; undefined where there is none. */
export async function loginFor(db: Db | Trx, place: RestorePlace): Promise<RestoreLoginRow | undefined> {
  const row = place.server_id === null ? undefined : await findLogin(db, place.server_id, place.engine);
  const given = row && givenTarget({ ...NOWHERE, password_target: row.password_target });
  if (row === undefined || !given) return undefined;
  const isThere =
    isSameHost(given.host, place.host) && portOf(given) === portOf({ ...place, type: row.engine });
  return isThere ? row : undefined;
}

/** Where the login of a server leads, as a restore names it; undefined where it has none. */
export async function placeOfLogin(
  db: Db | Trx,
  serverId: string,
  engine: string,
): Promise<{ readonly host: string | null; readonly port: number | null } | undefined> {
  const row = await findLogin(db, serverId, engine);
  const given = row && givenTarget({ ...NOWHERE, password_target: row.password_target });
  return given ? { host: given.host, port: given.port } : undefined;
}

/**
 * Throws `password_held` where the login was given for another machine than the one that was connected to, or for a better protected
 * way than `options` (of the database) ask for.
 */
export async function refuseOtherPlace(
  db: Db,
  login: RestoreLoginRow,
  { options, address }: { readonly options: string; readonly address: ServerAddress | null },
): Promise<void> {
  const changes = changesOf(login, address, options);
  if (changes.length === 0) return;
  const { name } = await getServerRow(db, login.server_id);
  throw new AppError(
    'password_held',
    `The login for restores on server "${name}" is not sent: it was given for another target (${changes.join('; ')}). ` +
      'Have an admin type it again on the page of the server (in the API: PUT /api/servers/:id/restore-logins/:engine), ' +
      'or type a user and a password for this restore.',
    { details: { changes } },
  );
}

const NOWHERE = { name: '', type: '', host: null, port: null, options: '{}' };

/** Host and port are those that it was given for: `loginFor` has compared them. */
function changesOf(
  { engine, password_target }: RestoreLoginRow,
  address: ServerAddress | null,
  options?: string,
): readonly string[] {
  const given = givenTarget({ ...NOWHERE, password_target });
  const { host = null, port = null, tls = 'off', ca = null } = given ?? {};
  const way = options ?? JSON.stringify({ tlsMode: tls, tlsCa: ca });
  return changesOfTarget({ name: '', type: engine, host, port, options: way, password_target }, address);
}

function toLogin(row: RestoreLoginRow, address: ServerAddress | null): RestoreLogin {
  const given = givenTarget({ ...NOWHERE, password_target: row.password_target });
  return {
    engine: row.engine,
    username: row.username,
    host: given?.host ?? null,
    port: given?.port ?? null,
    tlsMode: given?.tls ?? 'off',
    held: changesOf(row, address),
    updatedAt: row.updated_at,
  };
}

function findLogin(db: Db | Trx, serverId: string, engine: string): Promise<RestoreLoginRow | undefined> {
  return db
    .selectFrom('restore_logins')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('engine', '=', engine)
    .executeTakeFirst();
}

function checkEngine(type: string): void {
  const engine = engineFor(type);
  if (engine !== undefined && !engine.isFile) return;
  const why = engine === undefined ? 'is no engine whose backups are restored' : 'has no users';
  throw new AppError('invalid', `${JSON.stringify(type)} ${why}.`, { details: { field: 'engine' } });
}

function changedMeanwhile(): AppError {
  return new AppError('conflict', 'The login was changed by somebody else meanwhile. Try again.');
}

/** A machine's names for itself lead to the same server. */
const LOCAL = new Set(['', 'localhost', '127.0.0.1', '::1', '[::1]']);

function isSameHost(one: string | null, other: string | null): boolean {
  const [a, b] = [one ?? '', other ?? ''].map((host) => host.toLowerCase());
  return a === b || (LOCAL.has(a ?? '') && LOCAL.has(b ?? ''));
}

function portOf({ type, port }: { readonly type: string; readonly port: number | null }): number | null {
  return port ?? engineFor(type)?.defaultPort ?? null;
}
