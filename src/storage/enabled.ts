import { type RawBuilder, sql } from 'kysely';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { storageRow } from './storage.ts';

export interface StorageAccess {
  readonly id: string;
  readonly name: string;
  readonly isEnabled: boolean;
}

/** Every environment by name, also while no storage is configured. */
export async function listStorageAccess(db: Db): Promise<readonly StorageAccess[]> {
  const rows = await db
    .selectFrom('environments')
    .leftJoin('spaces_environments', 'spaces_environments.environment_id', 'environments.id')
    .select(['environments.id', 'environments.name', 'spaces_environments.enabled'])
    .orderBy('environments.name', byBytes(db))
    .execute();
  return rows.map((row) => ({ id: row.id, name: row.name, isEnabled: row.enabled === 1 }));
}

/** Lets an environment use the storage, or not. Throws `not_found`, `invalid` while no storage is configured. */
export async function setStorageEnabled(
  context: Context,
  actor: Actor,
  environmentId: string,
  enabled: boolean,
): Promise<void> {
  await write(context.db, async (trx) => {
    const environment = await getEnvironmentRow(trx, environmentId);
    const config = await storageRow(trx);
    if (config === undefined) throw new AppError('invalid', 'Spaces not configured');
    await trx
      .insertInto('spaces_environments')
      .values({
        id: newId(),
        spaces_config_id: config.id,
        environment_id: environmentId,
        enabled: enabled ? 1 : 0,
      })
      .onConflict((conflict) =>
        conflict.columns(['spaces_config_id', 'environment_id']).doUpdateSet({ enabled: enabled ? 1 : 0 }),
      )
      .execute();
    const of = { id: environmentId, name: environment.name, environmentId };
    const entry = auditEntry('spaces_environment', 'update', of, { details: { enabled } });
    await recordAudit(trx, actor, entry, context.now());
  });
}

/** The storage's address where it is configured and this environment may use it, else undefined. */
export async function enabledStorage(
  db: Db,
  environmentId: string,
): Promise<{ readonly endpoint: string; readonly region: string } | undefined> {
  return db
    .selectFrom('spaces_environments')
    .innerJoin('spaces_config', 'spaces_config.id', 'spaces_environments.spaces_config_id')
    .select(['spaces_config.endpoint', 'spaces_config.region'])
    .where('spaces_environments.environment_id', '=', environmentId)
    .where('spaces_environments.enabled', '=', 1)
    .executeTakeFirst();
}

/** True when the storage is configured and this environment may use it. */
export async function isStorageEnabled(db: Db, environmentId: string): Promise<boolean> {
  return (await enabledStorage(db, environmentId)) !== undefined;
}

/** As `isStorageEnabled`, in a query over many: of the environment whose id that column has. */
export function isEnabledIn(environmentId: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`(${environmentId} in (select spaces_environments.environment_id
    from spaces_environments
    inner join spaces_config on spaces_config.id = spaces_environments.spaces_config_id
    where spaces_environments.enabled = 1))`;
}
