import { sql } from 'kysely';
import type { BackupRow, DatabaseRow, Db } from '../db/schema.ts';
import { databaseType } from './database-types.ts';
import { type Database, toDatabase } from './databases.ts';
import { getEnvironmentRow } from './environments.ts';
import type { Page } from './page.ts';

export interface ListedDatabase extends Database {
  /** The newest backup, whatever its state. */
  readonly lastBackup: {
    readonly id: string;
    readonly status: BackupRow['status'];
    readonly outcome: BackupRow['outcome'];
    readonly type: string;
    readonly createdAt: string;
    readonly completedAt: string | null;
    readonly error: string | null;
  } | null;
  /** No schedules yet. */
  readonly schedule: null;
}

/** By name. Throws `not_found` for an unknown environment. */
export async function listDatabases(
  db: Db,
  environmentId: string,
  page: Page,
): Promise<{ readonly databases: readonly ListedDatabase[]; readonly total: number }> {
  await getEnvironmentRow(db, environmentId);
  const rows = await rowsOf(db, environmentId, page);
  const ids = rows.map((row) => row.id);
  const [last, counts, total] = [
    await newestBackups(db, ids, { onlyCompleted: false }),
    await countsOf(db, ids),
    await totalOf(db, environmentId),
  ];
  const databases = rows.map((row) => {
    const backup = last.get(row.id);
    return {
      ...toDatabase(row, counts.get(row.id) ?? 0),
      lastBackup:
        backup === undefined
          ? null
          : {
              id: backup.id,
              status: backup.status,
              outcome: backup.outcome,
              type: backup.type,
              createdAt: backup.created_at,
              completedAt: backup.completed_at,
              error: backup.error,
            },
      schedule: null,
    };
  });
  return { databases, total };
}

/** The latest completed backup of each database, by name. Throws `not_found`. */
export async function summariseBackups(db: Db, environmentId: string) {
  await getEnvironmentRow(db, environmentId);
  const rows = await rowsOf(db, environmentId, null);
  const ids = rows.map((row) => row.id);
  const last = await newestBackups(db, ids, { onlyCompleted: true });
  return rows.map((row) => {
    const backup = last.get(row.id);
    return {
      databaseId: row.id,
      name: row.name,
      supportsBackup: databaseType(row.type)?.hasBackupCommand ?? false,
      lastBackup:
        backup === undefined
          ? null
          : {
              id: backup.id,
              completedAt: backup.completed_at,
              createdAt: backup.created_at,
              status: backup.status,
            },
      schedule: null,
    };
  });
}

async function rowsOf(db: Db, environmentId: string, page: Page | null): Promise<readonly DatabaseRow[]> {
  const query = db
    .selectFrom('databases')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .orderBy('name');
  return page === null ? query.execute() : query.limit(page.limit).offset(page.offset).execute();
}

type LastBackup = Pick<
  BackupRow,
  'id' | 'database_id' | 'status' | 'outcome' | 'type' | 'created_at' | 'completed_at' | 'error'
>;

async function newestBackups(
  db: Db,
  databaseIds: readonly string[],
  options: { readonly onlyCompleted: boolean },
): Promise<ReadonlyMap<string, LastBackup>> {
  if (databaseIds.length === 0) return new Map();
  const ranked = db
    .selectFrom('backups')
    .select(['id', 'database_id', 'status', 'outcome', 'type', 'created_at', 'completed_at', 'error'])
    .select(
      sql<number>`row_number() over (partition by database_id order by created_at desc, id desc)`.as('rank'),
    )
    .where('database_id', 'in', databaseIds)
    .where('deleted_at', 'is', null)
    .$if(options.onlyCompleted, (query) => query.where('status', '=', 'completed'));
  const rows = await db.selectFrom(ranked.as('ranked')).selectAll().where('rank', '=', 1).execute();
  return new Map(rows.map((row) => [row.database_id, row]));
}

async function countsOf(db: Db, databaseIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (databaseIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('backups')
    .select(['database_id', sql<number>`count(*)`.as('count')])
    .where('database_id', 'in', databaseIds)
    .where('deleted_at', 'is', null)
    .groupBy('database_id')
    .execute();
  return new Map(rows.map((row) => [row.database_id, Number(row.count)]));
}

async function totalOf(db: Db, environmentId: string): Promise<number> {
  const { total } = await db
    .selectFrom('databases')
    .select(sql<number>`count(*)`.as('total'))
    .where('environment_id', '=', environmentId)
    .executeTakeFirstOrThrow();
  return Number(total);
}
