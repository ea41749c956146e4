import { type Kysely, sql } from 'kysely';

/**
 * Indexes in the orders in which the overview asks: the oldest of the newest good backups, the latest that ended, what became of
 * all environments on a day, and what lies in each place. Each was a look at a row of every database, or of every day of each
 * environment, and a sorting of them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index newest_backups_good on newest_backups (good_at, database_id)`.execute(db);
  await sql`create index newest_backups_ended on newest_backups (ended_at desc, database_id)`.execute(db);
  await db.schema
    .createIndex('environment_days_all')
    .on('environment_days')
    .columns(['day', 'good', 'failed', 'added', 'freed'])
    .execute();
  await db.schema
    .createIndex('stored_totals_places')
    .on('stored_totals')
    .columns(['endpoint', 'bucket', 'bytes', 'backups'])
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const indexes = [
    'stored_totals_places',
    'environment_days_all',
    'newest_backups_ended',
    'newest_backups_good',
  ];
  for (const index of indexes) await db.schema.dropIndex(index).execute();
}
