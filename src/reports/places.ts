import { sql } from 'kysely';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { isOnHost, serverOfPlace } from '../object-stores/place.ts';

/** Bytes of all completed backups by where they lie, such as `backups at fra1.example.com`. */
export type BytesByPlace = Readonly<Record<string, number>>;

export async function bytesByPlace(db: Db): Promise<BytesByPlace> {
  const places = await filledPlaces(db);
  return Object.fromEntries(places.map(({ name, bytes }) => [name, bytes]));
}

/** A bucket, or the disk of a host, with the completed backups that lie there. */
export interface FilledPlace {
  /** As in `BytesByPlace`. */
  readonly name: string;
  /** Null for a host. */
  readonly bucket: { readonly name: string; readonly endpoint: string } | null;
  readonly backups: number;
  readonly bytes: number;
}

/** Buckets by endpoint and name, then hosts by theirs. */
export async function filledPlaces(db: Db): Promise<readonly FilledPlace[]> {
  const rows = await db
    .selectFrom('stored_totals')
    .select(['endpoint', 'bucket'])
    .select([
      sql<number>`sum(stored_totals.backups)`.as('backups'),
      sql<number>`sum(stored_totals.bytes)`.as('bytes'),
    ])
    .groupBy(['endpoint', 'bucket'])
    .orderBy('endpoint', byBytes(db))
    .orderBy('bucket', byBytes(db))
    .execute();
  const servers = await db.selectFrom('servers').select(['id', 'name']).execute();
  const names = new Map(servers.map(({ id, name }) => [id, name]));
  const byName = new Map<string, FilledPlace>();
  for (const { endpoint, bucket, ...row } of rows) {
    const name = placeName({ endpoint, bucket }, names);
    // Servers that are gone are one place.
    const before = byName.get(name);
    byName.set(name, {
      name,
      bucket: isOnHost({ endpoint }) ? null : { name: bucket, endpoint },
      backups: (before?.backups ?? 0) + Number(row.backups),
      bytes: (before?.bytes ?? 0) + Number(row.bytes),
    });
  }
  const places = [...byName.values()];
  return [
    ...places.filter(({ bucket }) => bucket !== null),
    ...places.filter(({ bucket }) => bucket === null).sort((one, other) => (one.name < other.name ? -1 : 1)),
  ];
}

export function bucketPlace({ name, endpoint }: NonNullable<FilledPlace['bucket']>): string {
  return `${name} at ${endpoint.replace(/^https?:\/\//, '')}`;
}

function placeName(
  { endpoint, bucket }: { readonly endpoint: string; readonly bucket: string },
  servers: ReadonlyMap<string, string>,
): string {
  const server = serverOfPlace({ endpoint });
  if (server === undefined) return bucketPlace({ name: bucket, endpoint });
  return server === null
    ? 'files on this machine'
    : `files on ${servers.get(server) ?? 'a server that is gone'}`;
}

/** Bytes of all completed backups of each environment, and by how much they have grown since that day (UTC), by name. */
export async function growthByEnvironment(db: Db, sinceDay: string) {
  const grown = db
    .selectFrom('environment_days')
    .select(['environment_id', sql<number>`sum(added) - sum(freed)`.as('growth')])
    .where('day', '>=', sinceDay)
    .groupBy('environment_id')
    .as('grown');
  const stored = db
    .selectFrom('databases')
    .leftJoin('stored_totals', 'stored_totals.database_id', 'databases.id')
    .select('databases.environment_id')
    .select(sql<number>`coalesce(sum(stored_totals.bytes), 0)`.as('bytes'))
    .groupBy('databases.environment_id')
    .as('stored');
  const rows = await db
    .selectFrom('environments')
    .leftJoin(stored, 'stored.environment_id', 'environments.id')
    .leftJoin(grown, 'grown.environment_id', 'environments.id')
    .select(['environments.id', 'environments.name', 'stored.bytes', 'grown.growth'])
    .orderBy('environments.name', byBytes(db))
    .orderBy('environments.id')
    .execute();
  return rows.map(({ id, name, bytes, growth }) => ({
    ...{ id, name, bytes: Number(bytes ?? 0), growth: Number(growth ?? 0) },
  }));
}
