import type { Kysely } from 'kysely';

/**
 * Where a database's dead man's switch is told of its backups, and what became of the last message; what is still to be sent.
 * The id of a target is its database's: sealed columns are found by ids.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('ping_targets')
    .addColumn('id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    .addColumn('url', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('protocol', 'text', (c) => c.notNull())
    .addColumn('last_kind', 'text')
    .addColumn('last_at', 'text')
    .addColumn('last_ok', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('pings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) => c.notNull().references('ping_targets.id').onDelete('cascade'))
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('tries', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('next_try_at', 'text', (c) => c.notNull())
    .addColumn('claimed_by', 'text')
    .addColumn('lease_until', 'text')
    .execute();
  await db.schema
    .createIndex('pings_in_order')
    .unique()
    .on('pings')
    .columns(['database_id', 'number'])
    .execute();
  await db.schema.createIndex('pings_due').on('pings').column('next_try_at').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('pings').execute();
  await db.schema.dropTable('ping_targets').execute();
}
