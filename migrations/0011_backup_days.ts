import { type Kysely, sql } from 'kysely';

/**
 * What became of the backups of each day, per database and per environment, also of those that were deleted since; the
 * newest good and the newest ended backup of each database; and indexes for the lists of what failed and of what is pinned.
 * All of it is what pages ask for all databases at once, so that nobody adds up backups for them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index backups_failed on backups (database_id, created_at, id)
    where outcome in ('failed', 'interrupted') and deleted_at is null`.execute(db);
  await sql`create index backups_pinned on backups (database_id, created_at, id)
    where is_pinned = 1 and deleted_at is null`.execute(db);

  await db.schema
    .createTable('backup_days')
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('good', 'bigint', (c) => c.notNull())
    .addColumn('failed', 'bigint', (c) => c.notNull())
    .addColumn('kept', 'bigint', (c) => c.notNull())
    .addColumn('added', 'bigint', (c) => c.notNull())
    .addColumn('freed', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('backup_days_day', ['database_id', 'day'])
    .execute();
  await sql`
    insert into backup_days (database_id, day, good, failed, kept, added, freed)
    select database_id, substr(created_at, 1, 10),
      sum(case when status = 'completed' then 1 else 0 end),
      sum(case when outcome in ('failed', 'interrupted') then 1 else 0 end),
      sum(case when status = 'completed' then 1 else 0 end),
      sum(case when status = 'completed' then size else 0 end), 0
    from backups
    where deleted_at is null and (status = 'completed' or outcome in ('failed', 'interrupted'))
    group by database_id, substr(created_at, 1, 10)`.execute(db);

  await db.schema
    .createTable('environment_days')
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('good', 'bigint', (c) => c.notNull())
    .addColumn('failed', 'bigint', (c) => c.notNull())
    .addColumn('added', 'bigint', (c) => c.notNull())
    .addColumn('freed', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('environment_days_day', ['environment_id', 'day'])
    .execute();
  await sql`
    insert into environment_days (environment_id, day, good, failed, added, freed)
    select databases.environment_id, backup_days.day, sum(good), sum(failed), sum(added), 0
    from backup_days
    join databases on databases.id = backup_days.database_id
    group by databases.environment_id, backup_days.day`.execute(db);

  await db.schema
    .createTable('newest_backups')
    .addColumn('database_id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    .addColumn('good_id', 'text')
    .addColumn('good_at', 'text')
    .addColumn('ended_id', 'text', (c) => c.notNull())
    .addColumn('ended_at', 'text', (c) => c.notNull())
    .execute();
  await sql`
    insert into newest_backups (database_id, good_id, good_at, ended_id, ended_at)
    select databases.id, good.id, coalesce(good.started_at, good.created_at),
      ended.id, coalesce(ended.started_at, ended.created_at)
    from databases
    join backups as ended on ended.id = (
      select newest.id from backups as newest
      where newest.database_id = databases.id and newest.deleted_at is null
        and newest.outcome in ('completed', 'failed', 'interrupted')
      order by newest.created_at desc, newest.id desc limit 1)
    left join backups as good on good.id = (
      select newest.id from backups as newest
      where newest.database_id = databases.id and newest.deleted_at is null and newest.status = 'completed'
        and (newest.verification is null or newest.verification <> 'failed')
      order by newest.created_at desc, newest.id desc limit 1)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['newest_backups', 'environment_days', 'backup_days']) {
    await db.schema.dropTable(table).execute();
  }
  for (const index of ['backups_pinned', 'backups_failed']) await db.schema.dropIndex(index).execute();
}
