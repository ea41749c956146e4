import { sql } from 'kysely';
import * as z from 'zod';
import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Db, EnvironmentRow, Trx } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { line } from '../fields.ts';
import { newId } from '../ids.ts';
import {
  giveUpFilesOf,
  refuseWhileRestoredInto,
  refuseWhileRestoring,
  refuseWhileRunning,
  releaseTombstones,
} from '../leftovers/tombstones.ts';
import type { Page } from '../page.ts';
import { isNamed } from '../turned-text.ts';

export interface Environment {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface EnvironmentCounts {
  readonly servers: number;
  readonly databases: number;
}

export const newEnvironment = z.object({
  name: line(50).refine((text) => text.trim() !== '', { error: 'Must not be empty' }),
});

/** By name, all or a page of them. */
export async function listEnvironments(
  db: Db,
  page?: Page,
): Promise<readonly (Environment & { readonly counts: EnvironmentCounts })[]> {
  const rows = await withCounts(db)
    .orderBy('name', byBytes(db))
    .$if(page !== undefined, (query) => query.limit(page?.limit ?? 0).offset(page?.offset ?? 0))
    .execute();
  return rows.map(toCounted);
}

/** Throws `not_found`. */
export async function getEnvironment(
  db: Db,
  id: string,
): Promise<Environment & { readonly counts: EnvironmentCounts }> {
  const row = await withCounts(db).where('environments.id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Environment not found');
  return toCounted(row);
}

/** Ids and names alone, by name: for a choice. */
export async function listEnvironmentNames(db: Db): Promise<readonly Pick<Environment, 'id' | 'name'>[]> {
  return db.selectFrom('environments').select(['id', 'name']).orderBy('name', byBytes(db)).execute();
}

/** Ids of those whose backups people may download. */
export async function environmentsWithDownloads(db: Db): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('environments')
    .select('id')
    .where('allow_backup_download', '=', 1)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** The row, for what needs more than the wire shows. Throws `not_found`. */
export async function getEnvironmentRow(db: Db, id: string): Promise<EnvironmentRow> {
  const row = await db.selectFrom('environments').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Environment not found');
  return row;
}

/** Throws `conflict` for a name that is taken. */
export async function createEnvironment(
  context: Context,
  actor: Actor,
  input: z.infer<typeof newEnvironment>,
): Promise<Environment> {
  try {
    return await write(context.db, (trx) => insertEnvironment(trx, actor, input, context.now()));
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('conflict', 'Environment already exists');
    throw error;
  }
}

/** The one that an installation begins with, in the write that makes its first admin; nothing where there is one already. */
export async function insertFirstEnvironment(trx: Trx, actor: Actor, now: Date): Promise<void> {
  const any = await trx.selectFrom('environments').select('id').limit(1).executeTakeFirst();
  if (any === undefined) await insertEnvironment(trx, actor, { name: 'production' }, now);
}

async function insertEnvironment(
  trx: Trx,
  actor: Actor,
  { name }: z.infer<typeof newEnvironment>,
  now: Date,
): Promise<Environment> {
  const row = await trx
    .insertInto('environments')
    .values({
      id: newId(),
      name,
      ssh_user: 'root',
      allow_backup_download: 0,
      default_monitoring_enabled: 0,
      default_collection_interval_sec: 300,
      created_at: now.toISOString(),
      updated_at: now.toISOString(),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await recordAudit(trx, actor, auditedEnvironment('create', row), now);
  return toEnvironment(row);
}

/** Where backups of a deleted environment still lie. */
export interface KeptObjects {
  readonly endpoint: string;
  readonly bucket: string;
  readonly count: number;
}

/**
 * Removes the environment with its servers, databases and the records of their backups. The backups' objects stay
 * where they are; the answer and the audit say where. `typedName`: what somebody typed who was asked for its name, which counts where
 * anything is in it. Throws `not_found`, `conflict` while a backup runs, `invalid` for another name.
 */
export async function deleteEnvironment(
  context: Context,
  actor: Actor,
  id: string,
  { typedName }: { readonly typedName?: string } = {},
): Promise<{ readonly keptObjects: readonly KeptObjects[] }> {
  const now = context.now();
  return write(context.db, async (trx) => {
    const row = await getEnvironmentRow(trx, id);
    if (typedName !== undefined && !isNamed(typedName.trim(), row.name.trim()))
      await refuseUnlessEmpty(trx, id);
    const databases = await trx
      .selectFrom('databases')
      .select('id')
      .where('environment_id', '=', id)
      .execute();
    const databaseIds = databases.map((database) => database.id);
    await refuseWhileRunning(trx, databaseIds);
    await refuseWhileRestoring(trx, databaseIds);
    await refuseWhileRestoredInto(trx, 'restores.environment_id', id);
    const keptObjects = await objectsOf(trx, id);
    await releaseTombstones(trx, databaseIds, now);
    // In this order: a server that has databases can't go.
    await trx.deleteFrom('databases').where('environment_id', '=', id).execute();
    const servers = await trx
      .deleteFrom('servers')
      .where('environment_id', '=', id)
      .returning('id')
      .execute();
    const filesGivenUp = await giveUpFilesOf(
      trx,
      servers.map((server) => server.id),
    );
    await trx.deleteFrom('environments').where('id', '=', id).execute();
    await recordAudit(
      trx,
      actor,
      auditedEnvironment('delete', row, { details: { keptObjects, filesGivenUp } }),
      now,
    );
    return { keptObjects };
  });
}

async function refuseUnlessEmpty(trx: Trx, id: string): Promise<void> {
  const { counts } = await withCounts(trx)
    .where('environments.id', '=', id)
    .executeTakeFirstOrThrow()
    .then(toCounted);
  if (counts.servers + counts.databases === 0) return;
  throw new AppError('invalid', 'That is not the name of the environment. Type it as it stands above.', {
    details: { field: 'name' },
  });
}

/** The entry of something done to this environment. */
export function auditedEnvironment(
  action: AuditedActions['environment'],
  { id, name }: Pick<EnvironmentRow, 'id' | 'name'>,
  more: Pick<AuditEntry, 'details'> = {},
): AuditEntry {
  // The environment may be gone when the row is read; its id stays readable.
  return auditEntry('environment', action, { id, name, environmentId: id }, more);
}

async function objectsOf(trx: Trx, environmentId: string): Promise<readonly KeptObjects[]> {
  const rows = await trx
    .selectFrom('stored_totals')
    .innerJoin('databases', 'databases.id', 'stored_totals.database_id')
    .select(['stored_totals.endpoint', 'stored_totals.bucket'])
    .select(sql<number>`sum(stored_totals.backups)`.as('count'))
    .where('databases.environment_id', '=', environmentId)
    .groupBy(['stored_totals.endpoint', 'stored_totals.bucket'])
    .execute();
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

function withCounts(db: Db | Trx) {
  return db
    .selectFrom('environments')
    .selectAll('environments')
    .select((eb) => [
      eb
        .selectFrom('servers')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('servers.environment_id', '=', 'environments.id')
        .as('servers'),
      eb
        .selectFrom('databases')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('databases.environment_id', '=', 'environments.id')
        .as('databases'),
    ]);
}

function toCounted(row: EnvironmentRow & { servers: number | null; databases: number | null }) {
  return {
    ...toEnvironment(row),
    counts: { servers: Number(row.servers), databases: Number(row.databases) },
  };
}

function toEnvironment(row: EnvironmentRow): Environment {
  return { id: row.id, name: row.name, createdAt: row.created_at, updatedAt: row.updated_at };
}
