import { sql } from 'kysely';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { serverOfPlace } from '../object-stores/place.ts';

/** Bytes of all completed backups by where they lie, such as `backups at fra1.example.com`. */
export type BytesByPlace = Readonly<Record<string, number>>;

export async function bytesByPlace(db: Db): Promise<BytesByPlace> {
  const rows = await db
    .selectFrom('stored_totals')
    .select(['endpoint', 'bucket', sql<number>`sum(stored_totals.bytes)`.as('bytes')])
    .groupBy(['endpoint', 'bucket'])
    .execute();
  const servers = await db.selectFrom('servers').select(['id', 'name']).execute();
  const names = new Map(servers.map(({ id, name }) => [id, name]));
  const byName = new Map<string, number>();
  for (const { endpoint, bucket, bytes } of rows) {
    const name = placeName({ endpoint, bucket }, names);
    byName.set(name, (byName.get(name) ?? 0) + Number(bytes));
  }
  return Object.fromEntries(byName);
}

function placeName(
  { endpoint, bucket }: { readonly endpoint: string; readonly bucket: string },
  servers: ReadonlyMap<string, string>,
): string {
  const server = serverOfPlace({ endpoint });
  if (server === undefined) return `${bucket} at ${endpoint.replace(/^https?:\/\//, '')}`;
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
