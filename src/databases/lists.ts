import { type ExpressionBuilder, sql } from 'kysely';
import { byBytes } from '../db/kind.ts';
import type { BackupRow, Db, Schema } from '../db/schema.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import type { Page } from '../page.ts';
import { type Database, toDatabase } from './databases.ts';

export interface ListedDatabase extends Database {
  /** The newest backup, whatever its state. */
  readonly lastBackup: {
    readonly id: string;
    readonly status: BackupRow['status'];
    readonly outcome: BackupRow['outcome'];
    readonly type: BackupRow['type'];
    readonly createdAt: string;
    readonly completedAt: string | null;
    readonly error: string | null;
  } | null;
}

/** A database with its latest completed backup. */
export interface BackupSummary {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly lastBackup:
    | (Pick<BackupRow, 'id' | 'status'> & {
        readonly createdAt: string;
        readonly completedAt: string | null;
      })
    | null;
}

/** By name. Throws `not_found` for an unknown environment. */
export async function listDatabases(
  db: Db,
  environmentId: string,
  page: Page,
): Promise<{ readonly databases: readonly ListedDatabase[]; readonly total: number }> {
  await getEnvironmentRow(db, environmentId);
  const rows = await db
    .selectFrom('databases')
    .selectAll()
    .select((eb) => [
      newestBackup(eb, { onlyCompleted: false }).as('newest_id'),
      eb
        .selectFrom('backups')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('backups.database_id', '=', 'databases.id')
        .where('backups.deleted_at', 'is', null)
        .as('backups'),
    ])
    .where('environment_id', '=', environmentId)
    .orderBy('name', byBytes(db))
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const newest = await backupsById(
    db,
    rows.flatMap(({ newest_id: id }) => (id === null ? [] : [id])),
  );
  const databases = rows.map((row) => ({
    ...toDatabase(row, Number(row.backups)),
    lastBackup: newest.get(row.newest_id ?? '') ?? null,
  }));
  return { databases, total: await totalOf(db, environmentId) };
}

/** The latest completed backup of each database, by name. Throws `not_found`. */
export async function summariseBackups(db: Db, environmentId: string): Promise<readonly BackupSummary[]> {
  await getEnvironmentRow(db, environmentId);
  const rows = await db
    .selectFrom('databases')
    .leftJoin('backups as last', (join) =>
      join.on((eb) => eb('last.id', '=', newestBackup(eb, { onlyCompleted: true }))),
    )
    .select(['databases.id', 'databases.name', 'databases.type', 'last.id as lastId'])
    .select(['last.completed_at', 'last.created_at', 'last.status'])
    .where('databases.environment_id', '=', environmentId)
    .orderBy('databases.name', byBytes(db))
    .execute();
  return rows.map(({ id, name, type, lastId, completed_at: completedAt, created_at: createdAt, status }) => ({
    id,
    name,
    type,
    lastBackup:
      lastId === null || createdAt === null || status === null
        ? null
        : { id: lastId, completedAt, createdAt, status },
  }));
}

/** The id of the newest backup of the row of `databases` that the query is at: one step in an index. */
function newestBackup(
  eb: ExpressionBuilder<Schema, 'databases'>,
  { onlyCompleted }: { readonly onlyCompleted: boolean },
) {
  return (
    eb
      .selectFrom('backups as newest')
      .select('newest.id')
      .whereRef('newest.database_id', '=', 'databases.id')
      .where('newest.deleted_at', 'is', null)
      // A literal, as in the index: a parameter could be any status.
      .$if(onlyCompleted, (query) => query.where('newest.status', '=', sql.lit('completed')))
      .orderBy('newest.created_at', 'desc')
      .orderBy('newest.id', 'desc')
      .limit(1)
  );
}

async function backupsById(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NonNullable<ListedDatabase['lastBackup']>>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('backups')
    .select(['id', 'status', 'outcome', 'type', 'created_at as createdAt', 'completed_at as completedAt'])
    .select('error')
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

async function totalOf(db: Db, environmentId: string): Promise<number> {
  const { total } = await db
    .selectFrom('databases')
    .select(sql<number>`count(*)`.as('total'))
    .where('environment_id', '=', environmentId)
    .executeTakeFirstOrThrow();
  return Number(total);
}
