import { type Kysely, sql } from 'kysely';

/**
 * What each database has stored where, so that nobody adds up all objects, and indexes for what is asked at every page
 * and in every round of the worker: partial ones, as they hold the few rows that are asked for.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('stored_totals')
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('bucket', 'text', (c) => c.notNull())
    .addColumn('backups', 'bigint', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('stored_totals_place', ['database_id', 'endpoint', 'bucket'])
    .execute();
  await sql`
    insert into stored_totals (database_id, endpoint, bucket, backups, bytes)
    select backups.database_id, backup_objects.endpoint, backup_objects.bucket,
      count(distinct backups.id), coalesce(sum(backup_objects.bytes), 0)
    from backup_objects
    join backups on backups.id = backup_objects.backup_id
    where backups.status = 'completed' and backups.deleted_at is null
    group by backups.database_id, backup_objects.endpoint, backup_objects.bucket`.execute(db);

  // Three values in all: whoever chose this index read a third of the table. What waits and runs has small ones.
  await db.schema.dropIndex('backups_status').execute();
  await sql`create index backups_waiting on backups (created_at) where status = 'pending'`.execute(db);
  await sql`create index backups_visible on backups (database_id, created_at, id) where deleted_at is null`.execute(
    db,
  );
  await sql`create index backups_completed on backups (database_id, created_at, id)
    where status = 'completed' and deleted_at is null`.execute(db);
  await sql`create index backups_deleted on backups (deleted_at, removal_next_try_at) where deleted_at is not null`.execute(
    db,
  );
  await sql`create index backups_uncertain on backups (lease_until) where outcome = 'uncertain'`.execute(db);
  // For the users that go: their backups stay, and are looked for.
  await sql`create index backups_triggered_by on backups (triggered_by_id) where triggered_by_id is not null`.execute(
    db,
  );
  await sql`create index backups_pinned_by on backups (pinned_by_id) where pinned_by_id is not null`.execute(
    db,
  );
  await db.schema.createIndex('sessions_over').on('sessions').column('expires_at').execute();
  await db.schema.createIndex('leftovers_due').on('leftovers').column('next_try_at').execute();
  await db.schema.createIndex('leftovers_oldest').on('leftovers').column('created_at').execute();
  await db.schema.createIndex('leftovers_of_backup').on('leftovers').column('backup_id').execute();
  await db.schema
    .createIndex('leftovers_place')
    .on('leftovers')
    .columns(['endpoint', 'bucket', 'key'])
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const indexes = [
    ...['leftovers_place', 'leftovers_of_backup', 'leftovers_oldest', 'leftovers_due', 'sessions_over'],
    ...['backups_pinned_by', 'backups_triggered_by', 'backups_uncertain', 'backups_deleted'],
    ...['backups_completed', 'backups_visible', 'backups_waiting'],
  ];
  for (const index of indexes) await db.schema.dropIndex(index).execute();
  await db.schema.createIndex('backups_status').on('backups').columns(['status', 'created_at']).execute();
  await db.schema.dropTable('stored_totals').execute();
}
