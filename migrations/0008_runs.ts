import { type Kysely, sql } from 'kysely';

const STATES = ['pending', 'running', 'uncertain', 'completed', 'failed', 'cancelled', 'interrupted'];

/**
 * One table of runs for every kind of work that somebody claims, renews, cancels and repairs; and what is due every so
 * often. A backup's run has the backup's id. Its claim, step and progress move here.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text', (c) => c.references('backups.id').onDelete('cascade'))
    .addColumn('server_id', 'text')
    .addColumn('lane', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) =>
      c.notNull().check(sql`state in (${sql.join(STATES.map((state) => sql.lit(state)))})`),
    )
    .addColumn('input', 'text')
    .addColumn('step', 'text')
    .addColumn('progress', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('detail', 'text')
    .addColumn('error', 'text')
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('in_repair', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('started_at', 'text')
    .addColumn('ended_at', 'text')
    .addColumn('cancel_requested_at', 'text')
    .addColumn('claimed_by', 'text')
    .addColumn('lease_until', 'text')
    .execute();
  await sql`
    insert into runs (id, kind, subject_id, server_id, lane, state, step, progress, error, attempts, in_repair,
      created_at, started_at, ended_at, cancel_requested_at, claimed_by, lease_until)
    select backups.id, 'backup', backups.id, databases.server_id, 'database:' || backups.database_id,
      case
        when backups.status = 'pending' then 'pending'
        when backups.status = 'in_progress' then 'running'
        when backups.status = 'completed' then 'completed'
        when backups.outcome in ('uncertain', 'cancelled', 'interrupted') then backups.outcome
        else 'failed'
      end,
      backups.step, backups.progress, case when backups.status = 'failed' then backups.error end,
      case when backups.started_at is null then 0 else 1 end, 0,
      backups.created_at, backups.started_at, backups.completed_at, backups.cancel_requested_at,
      backups.claimed_by, backups.lease_until
    from backups
    join databases on databases.id = backups.database_id`.execute(db);

  await db.schema.dropIndex('backups_uncertain').execute();
  for (const column of MOVED) await db.schema.alterTable('backups').dropColumn(column).execute();

  await sql`create index runs_waiting on runs (created_at) where state = 'pending'`.execute(db);
  await sql`create unique index runs_one_waiting on runs (kind, lane) where state = 'pending'`.execute(db);
  await sql`create unique index runs_one_running on runs (lane) where state = 'running'`.execute(db);
  await sql`create index runs_uncertain on runs (lease_until) where state = 'uncertain'`.execute(db);
  await db.schema.createIndex('runs_subject').on('runs').column('subject_id').execute();
  await db.schema.createIndex('runs_newest').on('runs').columns(['created_at', 'id']).execute();
  await db.schema.createIndex('runs_by_kind').on('runs').columns(['kind', 'created_at', 'id']).execute();
  await db.schema.createIndex('runs_by_state').on('runs').columns(['state', 'created_at', 'id']).execute();

  await db.schema
    .createTable('periodic_tasks')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('due_at', 'text', (c) => c.notNull())
    .addColumn('claimed_by', 'text')
    .addColumn('lease_until', 'text')
    .execute();
}

const MOVED = ['step', 'progress', 'claimed_by', 'lease_until', 'cancel_requested_at'] as const;

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('backups').addColumn('step', 'text').execute();
  await db.schema
    .alterTable('backups')
    .addColumn('progress', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  for (const column of MOVED.slice(2)) {
    await db.schema.alterTable('backups').addColumn(column, 'text').execute();
  }
  for (const column of MOVED) {
    await sql`update backups set ${sql.ref(column)} = (select ${sql.ref(column)} from runs where runs.id = backups.id)
      where id in (select id from runs)`.execute(db);
  }
  await sql`create index backups_uncertain on backups (lease_until) where outcome = 'uncertain'`.execute(db);
  await db.schema.dropTable('periodic_tasks').execute();
  await db.schema.dropTable('runs').execute();
}
