import { sql } from 'kysely';
import type { Db } from '../db/schema.ts';
import { getEnvironmentRow } from './environments.ts';

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
export interface SpacesImpact {
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
  const places = await storedPlaces(db, environmentId);
  const access = await db
    .selectFrom('spaces_environments')
    .select('enabled')
    .where('environment_id', '=', environmentId)
    .executeTakeFirst();
  return {
    enabled: access?.enabled === 1,
    count: databases.length,
    names: databases.map(({ name }) => name),
    backups: sum(places, ({ count }) => count),
  };
}

export async function spacesImpact(db: Db): Promise<SpacesImpact> {
  const list = await dependentDatabases(db, null);
  const enabled = await db
    .selectFrom('spaces_environments')
    .innerJoin('environments', 'environments.id', 'spaces_environments.environment_id')
    .select('environments.name')
    .where('spaces_environments.enabled', '=', 1)
    .orderBy('environments.name')
    .execute();
  const places = await storedPlaces(db, null);
  return {
    databases: { count: list.length, list },
    environments: { count: enabled.length, names: enabled.map(({ name }) => name) },
    backups: {
      count: sum(places, ({ count }) => count),
      bytes: sum(places, ({ bytes }) => bytes),
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
    .orderBy('environments.name')
    .orderBy('databases.name')
    .execute();
}

/** Where completed backups lie in buckets, and how many. */
async function storedPlaces(db: Db, environmentId: string | null) {
  const rows = await db
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select([
      'backup_objects.endpoint',
      'backup_objects.bucket',
      sql<number>`count(distinct backups.id)`.as('count'),
      sql<number>`coalesce(sum(backup_objects.bytes), 0)`.as('bytes'),
    ])
    .where('backups.status', '=', 'completed')
    .where('backups.deleted_at', 'is', null)
    .where('backup_objects.endpoint', 'not like', 'host:%')
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .groupBy(['backup_objects.endpoint', 'backup_objects.bucket'])
    .orderBy('backup_objects.endpoint')
    .orderBy('backup_objects.bucket')
    .execute();
  return rows.map((row) => ({ ...row, count: Number(row.count), bytes: Number(row.bytes) }));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
