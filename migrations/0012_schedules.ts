import { type Kysely, sql } from 'kysely';

const OUTCOMES = ['ran', 'caught_up', 'skipped', 'missed'];

/**
 * When databases are backed up by themselves, what became of each time, and what is to be told of it. A schedule is one
 * database's or a rule for many; `database_schedules` has for each database the one that counts and when it is due next.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('schedules')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) => c.unique().references('databases.id').onDelete('cascade'))
    .addColumn('rule_name', 'text', (c) => c.unique())
    .addColumn('environment_id', 'text', (c) => c.references('environments.id').onDelete('cascade'))
    .addColumn('tag', 'text')
    .addColumn('engine', 'text')
    .addColumn('cron_expression', 'text', (c) => c.notNull())
    .addColumn('time_zone', 'text')
    .addColumn('retention_days', 'integer', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('jitter_minutes', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('catch_up_hours', 'integer')
    .addColumn('retries', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('retry_minutes', 'integer', (c) => c.notNull().defaultTo(10))
    .addColumn('paused_reason', 'text')
    .addColumn('paused_at', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addCheckConstraint('schedules_of_one_or_many', sql`(database_id is null) <> (rule_name is null)`)
    .execute();
  await db.schema.createIndex('schedules_environment').on('schedules').column('environment_id').execute();

  await db.schema
    .createTable('database_schedules')
    .addColumn('database_id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    // No reference: what is said of a database outlives the schedule that counted, until another one does.
    .addColumn('schedule_id', 'text', (c) => c.notNull())
    .addColumn('settled_as', 'text', (c) => c.notNull())
    .addColumn('time_zone', 'text', (c) => c.notNull())
    .addColumn('interval_minutes', 'integer', (c) => c.notNull())
    .addColumn('is_paused', 'integer', (c) => c.notNull())
    .addColumn('due_at', 'text')
    .addColumn('run_at', 'text')
    .addColumn('anchored_at', 'text', (c) => c.notNull())
    .addColumn('last_run_at', 'text')
    .execute();
  await sql`create index database_schedules_due on database_schedules (run_at, database_id)
    where run_at is not null`.execute(db);
  await db.schema
    .createIndex('database_schedules_anchored')
    .on('database_schedules')
    .column('anchored_at')
    .execute();
  await db.schema
    .createIndex('database_schedules_schedule')
    .on('database_schedules')
    .column('schedule_id')
    .execute();

  await db.schema
    .createTable('schedule_slots')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('due_at', 'text', (c) => c.notNull())
    .addColumn('last_due_at', 'text', (c) => c.notNull())
    .addColumn('slots', 'integer', (c) => c.notNull())
    .addColumn('outcome', 'text', (c) =>
      c.notNull().check(sql`outcome in (${sql.join(OUTCOMES.map((outcome) => sql.lit(outcome)))})`),
    )
    .addColumn('reason', 'text')
    .addColumn('detail', 'text')
    .addColumn('backup_id', 'text')
    .addColumn('decided_at', 'text', (c) => c.notNull())
    .addColumn('tries', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('retry_at', 'text')
    .addColumn('is_watched', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex('schedule_slots_due')
    .unique()
    .on('schedule_slots')
    .columns(['database_id', 'due_at'])
    .execute();
  await sql`create index schedule_slots_watched on schedule_slots (decided_at) where is_watched = 1`.execute(
    db,
  );
  await db.schema.createIndex('schedule_slots_age').on('schedule_slots').column('due_at').execute();

  await db.schema
    .createTable('server_blackouts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('server_id', 'text', (c) => c.notNull().references('servers.id').onDelete('cascade'))
    .addColumn('weekdays', 'text', (c) => c.notNull())
    .addColumn('from_minute', 'integer', (c) => c.notNull())
    .addColumn('until_minute', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text')
    .execute();
  await db.schema.createIndex('server_blackouts_server').on('server_blackouts').column('server_id').execute();

  await db.schema
    .createTable('protection_spells')
    .addColumn('database_id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    .addColumn('since', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('events')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('database_id', 'text')
    .addColumn('environment_id', 'text')
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('events_newest').on('events').columns(['created_at', 'id']).execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    ...['events', 'protection_spells', 'server_blackouts', 'schedule_slots', 'database_schedules'],
    'schedules',
  ]) {
    await db.schema.dropTable(table).execute();
  }
}
