import { sql } from 'kysely';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';

/** The first of many, by name, and how many there are. */
export interface FirstOf {
  readonly first: readonly { readonly id: string; readonly name: string }[];
  readonly count: number;
}

/** What goes with an environment, and what its databases have stored. */
export interface EnvironmentContents {
  readonly servers: FirstOf;
  readonly databases: FirstOf;
  /** Completed ones, whose records go and whose files stay. */
  readonly backups: number;
  readonly bytes: number;
}

/** More names make no dialog. */
const MOST_NAMES = 15;

/** To be told before it is deleted. */
export async function contentsOf(db: Db, environmentId: string): Promise<EnvironmentContents> {
  const stored = await db
    .selectFrom('stored_totals')
    .innerJoin('databases', 'databases.id', 'stored_totals.database_id')
    .select([
      sql<number>`coalesce(sum(stored_totals.backups), 0)`.as('backups'),
      sql<number>`coalesce(sum(stored_totals.bytes), 0)`.as('bytes'),
    ])
    .where('databases.environment_id', '=', environmentId)
    .executeTakeFirstOrThrow();
  return {
    servers: await firstOf(db, 'servers', { environment_id: environmentId }),
    databases: await firstOf(db, 'databases', { environment_id: environmentId }),
    backups: Number(stored.backups),
    bytes: Number(stored.bytes),
  };
}

/** The databases of a server. */
export function databasesOn(db: Db, serverId: string): Promise<FirstOf> {
  return firstOf(db, 'databases', { server_id: serverId });
}

async function firstOf(
  db: Db,
  table: 'servers' | 'databases',
  of: { readonly environment_id: string } | { readonly server_id: string },
): Promise<FirstOf> {
  const [column, id] =
    'server_id' in of ? ['server_id', of.server_id] : ['environment_id', of.environment_id];
  const rows = db.selectFrom(table).where(sql.ref(column), '=', id);
  const { count } = await rows
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const first = await rows
    .select(['id', 'name'])
    .orderBy('name', byBytes(db))
    .orderBy('id')
    .limit(MOST_NAMES)
    .execute();
  return { first, count: Number(count) };
}
