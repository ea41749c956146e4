import { type Kysely, sql } from 'kysely';

const STATES = ['none', 'making', 'loading', 'finishing', 'done', 'removed', 'left'];

/**
 * Restores: what each was asked to make and where, how far that came, and what is there now. A row stays when its backup and its run
 * are gone, since what it made may still be there; it has the id of its run.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('restores')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('backup_id', 'text', (c) => c.notNull())
    .addColumn('database_id', 'text', (c) => c.notNull())
    .addColumn('environment_id', 'text', (c) => c.notNull())
    .addColumn('server_id', 'text')
    .addColumn('engine', 'text', (c) => c.notNull())
    .addColumn('host', 'text')
    .addColumn('port', 'integer')
    .addColumn('database_name', 'text')
    .addColumn('options', 'text', (c) => c.notNull())
    .addColumn('new_name', 'text', (c) => c.notNull())
    .addColumn('is_name_ours', 'integer', (c) => c.notNull())
    .addColumn('token', 'text', (c) => c.notNull())
    .addColumn('credentials', 'text')
    .addColumn('state', 'text', (c) =>
      c.notNull().check(sql`state in (${sql.join(STATES.map((state) => sql.lit(state)))})`),
    )
    .addColumn('checks', 'text')
    .addColumn('counts', 'text')
    .addColumn('loaded_ms', 'bigint')
    .addColumn('removal_tries', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('removal_error', 'text')
    .addColumn('asked_by_id', 'text', (c) => c.references('users.id').onDelete('set null'))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('ended_at', 'text')
    .execute();
  await db.schema.createIndex('restores_newest').on('restores').columns(['created_at', 'id']).execute();
  await db.schema.createIndex('restores_backup').on('restores').column('backup_id').execute();
  await db.schema.createIndex('restores_asked_by').on('restores').column('asked_by_id').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`delete from runs where kind = 'restore'`.execute(db);
  await db.schema.dropTable('restores').execute();
}
