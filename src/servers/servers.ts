import { type Insertable, sql } from 'kysely';
import * as z from 'zod';
import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Config } from '../config.ts';
import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Db, ServerRow } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { sshUser } from '../environments/ssh-access.ts';
import { AppError } from '../errors.ts';
import { hostName, line, nameField, port } from '../fields.ts';
import { fingerprintOf } from '../hosts/host-key.ts';
import { newId } from '../ids.ts';
import {
  giveUpFilesOf,
  refuseWhileBackupsLieThere,
  refuseWhileRestoredInto,
} from '../leftovers/tombstones.ts';
import type { Page } from '../page.ts';
import { isLocalHostname } from './open-server.ts';
import { checkOwnMachine } from './own-machine.ts';

export const newServer = z.object({
  name: nameField,
  hostname: hostName,
  publicIp: line(64).nullish(),
  tags: z.array(line(100)).max(100).optional(),
  sshPort: port.optional(),
  /** Over the environment's; null or empty: the environment's. */
  sshUser: sshUser.or(z.literal('')).nullish(),
});

export const serverChange = newServer.partial();

export type NewServer = z.infer<typeof newServer>;
export type ServerChange = z.infer<typeof serverChange>;

/** Writes servers: whether the app's own machine may be one is configured. */
type ServerContext = Context & { readonly config: Pick<Config, 'databaseUrl'> };

/** Changes where servers are. */
export type ServerMove = ServerContext & {
  /** Those that keep something back after the change, of the server's databases. */
  readonly databasesThatHold: (db: Db, serverId: string) => Promise<readonly unknown[]>;
};

/** By name. Throws `not_found` for an unknown environment. */
export async function listServers(
  db: Db,
  environmentId: string,
  page: Page,
): Promise<{ readonly servers: readonly Server[]; readonly total: number }> {
  await getEnvironmentRow(db, environmentId);
  const rows = await db
    .selectFrom('servers')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .orderBy('name', byBytes(db))
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const total = await countServersOf(db, environmentId);
  return { servers: await Promise.all(rows.map(toServer)), total };
}

/** How many servers that environment has, or (null) all have. */
export async function countServersOf(db: Db, environmentId: string | null): Promise<number> {
  const { total } = await db
    .selectFrom('servers')
    .select(sql<number>`count(*)`.as('total'))
    .$if(environmentId !== null, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .executeTakeFirstOrThrow();
  return Number(total);
}

/** Servers of that environment or (null) of all, by name, each with the name of its environment. */
export async function listServersOf(
  db: Db,
  environmentId: string | null,
  page: Page,
): Promise<readonly (Server & { readonly environmentName: string })[]> {
  const rows = await db
    .selectFrom('servers')
    .innerJoin('environments', 'environments.id', 'servers.environment_id')
    .selectAll('servers')
    .select('environments.name as environment_name')
    .$if(environmentId !== null, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .orderBy('servers.name', byBytes(db))
    .orderBy('servers.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return Promise.all(
    rows.map(async ({ environment_name: environmentName, ...row }) => ({
      ...(await toServer(row)),
      environmentName,
    })),
  );
}

/** Names and addresses of an environment's servers, by name: for a choice. */
export async function listServerNames(
  db: Db,
  environmentId: string,
): Promise<readonly Pick<ServerRow, 'id' | 'name' | 'hostname'>[]> {
  return db
    .selectFrom('servers')
    .select(['id', 'name', 'hostname'])
    .where('environment_id', '=', environmentId)
    .orderBy('name', byBytes(db))
    .execute();
}

/** The names of those servers, by id. */
export async function namesOfServers(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('servers').select(['id', 'name']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Undefined where it is gone. */
export async function findServerName(db: Db, id: string): Promise<string | undefined> {
  return (await namesOfServers(db, [id])).get(id);
}

/** Throws `not_found`. */
export async function getServer(db: Db, id: string): Promise<Server> {
  return toServer(await getServerRow(db, id));
}

/** Throws `not_found`. */
export async function getServerRow(db: Db, id: string): Promise<ServerRow> {
  const row = await db.selectFrom('servers').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Server not found');
  return row;
}

/** Throws `not_found` (environment), `conflict` (name), `invalid` for the app's own machine where that is no host. */
export async function createServer(
  context: ServerContext,
  actor: Actor,
  environmentId: string,
  input: NewServer,
): Promise<Server> {
  if (isLocalHostname(input.hostname)) checkOwnMachine(context.config, 'hostname');
  const now = context.now().toISOString();
  const row = await named(() =>
    write(context.db, async (trx) => {
      await getEnvironmentRow(trx, environmentId);
      const inserted = await trx
        .insertInto('servers')
        .values({
          id: newId(),
          environment_id: environmentId,
          status: 'unknown',
          created_at: now,
          updated_at: now,
          tags: '[]',
          ssh_port: 22,
          name: input.name,
          hostname: input.hostname,
          ...toColumns(input),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      await recordAudit(trx, actor, auditedServer('create', inserted), context.now());
      return inserted;
    }),
  );
  return toServer(row);
}

/**
 * Changes what is given. A pinned host key stays, also with a new address, so that another machine there is not spoken
 * to; stored passwords of its databases do not follow by themselves. Throws `not_found`, `conflict`,
 * and `invalid` as `createServer`.
 */
export async function updateServer(
  context: ServerMove,
  actor: Actor,
  id: string,
  change: ServerChange,
): Promise<Server> {
  if (change.hostname !== undefined && isLocalHostname(change.hostname)) {
    checkOwnMachine(context.config, 'hostname');
  }
  const row = await named(() =>
    write(context.db, async (trx) => {
      await getServerRow(trx, id);
      const updated = await trx
        .updateTable('servers')
        .set({ ...toColumns(change), updated_at: context.now().toISOString() })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      const held = await context.databasesThatHold(trx, id);
      const details = {
        changed: Object.keys(change),
        ...(held.length === 0 ? {} : { passwordsHeld: held.length }),
      };
      await recordAudit(trx, actor, auditedServer('update', updated, { details }), context.now());
      return updated;
    }),
  );
  return toServer(row);
}

/** Throws `not_found`, `conflict` while databases are on it, and while something is restored into it. */
export async function deleteServer(context: Context, actor: Actor, id: string): Promise<void> {
  await write(context.db, async (trx) => {
    const row = await getServerRow(trx, id);
    const database = await trx
      .selectFrom('databases')
      .select('name')
      .where('server_id', '=', id)
      .limit(1)
      .executeTakeFirst();
    if (database !== undefined) {
      throw new AppError(
        'conflict',
        `Server has databases, such as "${database.name}". Delete them or move them to another server first.`,
      );
    }
    await refuseWhileBackupsLieThere(trx, id);
    await refuseWhileRestoredInto(trx, 'restores.server_id', id);
    const filesGivenUp = await giveUpFilesOf(trx, [id]);
    await trx.deleteFrom('servers').where('id', '=', id).execute();
    const entry = auditedServer('delete', row, { details: { filesGivenUp } });
    await recordAudit(trx, actor, entry, context.now());
  });
}

/** The entry of something done to this server. */
export function auditedServer(
  action: AuditedActions['server'],
  row: Pick<ServerRow, 'id' | 'name' | 'environment_id'>,
  more: Pick<AuditEntry, 'details'> = {},
): AuditEntry {
  const { id, name, environment_id: environmentId } = row;
  return auditEntry('server', action, { id, name, environmentId }, more);
}

export async function toServer(row: ServerRow) {
  return {
    id: row.id,
    name: row.name,
    hostname: row.hostname,
    publicIp: row.public_ip,
    tags: tagsOf(row),
    status: row.status,
    lastCheckedAt: row.last_checked_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    environmentId: row.environment_id,
    sshPort: row.ssh_port,
    sshUser: row.ssh_user,
    hostKeyFingerprint: row.host_key === null ? null : await fingerprintOf(row.host_key),
  };
}

export type Server = Awaited<ReturnType<typeof toServer>>;

function tagsOf(row: Pick<ServerRow, 'tags'>): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(row.tags));
}

function toColumns(input: ServerChange): Partial<Insertable<ServerRow>> {
  return {
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(input.hostname === undefined ? {} : { hostname: input.hostname }),
    ...(input.publicIp === undefined ? {} : { public_ip: input.publicIp }),
    ...(input.tags === undefined ? {} : { tags: JSON.stringify(input.tags) }),
    ...(input.sshPort === undefined ? {} : { ssh_port: input.sshPort }),
    ...(input.sshUser === undefined ? {} : { ssh_user: input.sshUser || null }),
  };
}

async function named<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('conflict', 'Server already exists');
    throw error;
  }
}
