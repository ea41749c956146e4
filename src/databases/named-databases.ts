import type { Db } from '../db/schema.ts';

export interface NamedDatabase {
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
}

/** What people call these databases, by id. */
export async function namedDatabases(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NamedDatabase>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.id', 'databases.name', 'environments.name as environmentName'])
    .where('databases.id', 'in', [...ids])
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}
