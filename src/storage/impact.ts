import { sql } from 'kysely';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { HOST_PLACES } from '../object-stores/place.ts';
import { isStorageEnabled } from './enabled.ts';

export interface DependentDatabase {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
}

/** What taking the storage away from an environment does: backups of these databases fail from then on. */
export interface EnvironmentImpact {
  readonly enabled: boolean;
  readonly count: number;
  readonly names: readonly string[];
  /** Completed backups of the environment in buckets: kept there, but not to be downloaded while it is disabled. */
  readonly backups: number;
}

/** What depends on the configuration. What is stored stays in its buckets; without it, nobody here reaches it. */
export interface StorageImpact {
  readonly databases: { readonly count: number; readonly list: readonly DependentDatabase[] };
  readonly environments: { readonly count: number; readonly names: readonly string[] };
  readonly backups: {
    readonly count: number;
    readonly bytes: number;
    readonly places: readonly {
      readonly endpoint: string;
      readonly bucket: string;
      readonly count: number;
      readonly bytes: number;
    }[];
  };
}

/** Throws `not_found`. */
export async function environmentImpact(db: Db, environmentId: string): Promise<EnvironmentImpact> {
  await getEnvironmentRow(db, environmentId);
  const databases = await dependentDatabases(db, environmentId);
  const { backups } = await ofEnvironments(db)
    .select(sum('stored_totals.backups').as('backups'))
    .where('databases.environment_id', '=', environmentId)
    .executeTakeFirstOrThrow();
  return {
    enabled: await isStorageEnabled(db, environmentId),
    count: databases.length,
    names: databases.map(({ name }) => name),
    backups: Number(backups),
  };
}

/** By the id of the environment: databases that back up to buckets, and completed backups that lie there. Without the names. */
export async function dependentsByEnvironment(db: Db): Promise<{
  readonly databases: ReadonlyMap<string, number>;
  readonly backups: ReadonlyMap<string, number>;
}> {
  const databases = await db
    .selectFrom('databases')
    .select(({ fn }) => ['environment_id', fn.countAll<number>().as('count')])
    .where('backup_storage_type', '=', 'spaces')
    .groupBy('environment_id')
    .execute();
  const backups = await ofEnvironments(db)
    .select(['databases.environment_id', sum('stored_totals.backups').as('count')])
    .groupBy('databases.environment_id')
    .execute();
  return { databases: byEnvironment(databases), backups: byEnvironment(backups) };
}

const byEnvironment = (rows: readonly { readonly environment_id: string; readonly count: number }[]) =>
  new Map(rows.map(({ environment_id: id, count }) => [id, Number(count)]));

export async function storageImpact(db: Db): Promise<StorageImpact> {
  const list = await dependentDatabases(db, null);
  const enabled = await db
    .selectFrom('spaces_environments')
    .innerJoin('environments', 'environments.id', 'spaces_environments.environment_id')
    .select('environments.name')
    .where('spaces_environments.enabled', '=', 1)
    .orderBy('environments.name', byBytes(db))
    .execute();
  const rows = await storedPlaces(db)
    .select(['stored_totals.endpoint', 'stored_totals.bucket'])
    .select([sum('stored_totals.backups').as('count'), sum('stored_totals.bytes').as('bytes')])
    .groupBy(['stored_totals.endpoint', 'stored_totals.bucket'])
    .orderBy('stored_totals.endpoint', byBytes(db))
    .orderBy('stored_totals.bucket', byBytes(db))
    .execute();
  const places = rows.map((row) => ({ ...row, count: Number(row.count), bytes: Number(row.bytes) }));
  return {
    databases: { count: list.length, list },
    environments: { count: enabled.length, names: enabled.map(({ name }) => name) },
    backups: {
      count: places.reduce((total, { count }) => total + count, 0),
      bytes: places.reduce((total, { bytes }) => total + bytes, 0),
      places,
    },
  };
}

/** Databases whose backups go to a bucket, by environment and name. */
async function dependentDatabases(
  db: Db,
  environmentId: string | null,
): Promise<readonly DependentDatabase[]> {
  return db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'environments.name as environment'])
    .where('databases.backup_storage_type', '=', 'spaces')
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .orderBy('environments.name', byBytes(db))
    .orderBy('databases.name', byBytes(db))
    .execute();
}

/** What lies in buckets, by database and place. */
function storedPlaces(db: Db) {
  return db.selectFrom('stored_totals').where('stored_totals.endpoint', 'not like', HOST_PLACES);
}

function ofEnvironments(db: Db) {
  return storedPlaces(db).innerJoin('databases', 'databases.id', 'stored_totals.database_id');
}

const sum = (column: 'stored_totals.backups' | 'stored_totals.bytes') =>
  sql<number>`coalesce(sum(${sql.ref(column)}), 0)`;
