import type { BackupRow, Db } from '../../src/db/schema.ts';
import { newId } from '../../src/ids.ts';

/** Inserts a backup with an environment and a database of its own; gives its row. */
export async function insertBackup(
  db: Db,
  at: Date,
  values: Pick<BackupRow, 'status' | 'outcome'> & Partial<BackupRow>,
): Promise<BackupRow> {
  const now = at.toISOString();
  const [environment, database, id] = [newId(), newId(), newId()];
  await db
    .insertInto('environments')
    .values({ id: environment, name: environment, created_at: now, updated_at: now } as never)
    .execute();
  await db
    .insertInto('databases')
    .values({
      id: database,
      environment_id: environment,
      name: 'app',
      type: 'sqlite',
      created_at: now,
      updated_at: now,
    } as never)
    .execute();
  return db
    .insertInto('backups')
    .values({
      ...{ id, database_id: database, filename: 'x', size: 0, type: 'manual' },
      ...{ storage_type: 'spaces', storage_path: 'app.dump', progress: 0, bytes_read: 0, bytes_stored: 0 },
      ...{ created_at: now, is_pinned: 0, token: newId() },
      ...values,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}
