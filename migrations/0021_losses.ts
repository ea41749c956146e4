import type { Kysely } from 'kysely';

/**
 * What tells that data may be lost. The tables that a backup no longer held though each of those before it did: a table of its own,
 * since there are few, and what a backup holds (`contents`, the last column of its row) may be long. And what size is usual, for
 * lists of all databases; null until the next backup ends.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('vanished_tables')
    .addColumn('backup_id', 'text', (c) => c.primaryKey().references('backups.id').onDelete('cascade'))
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('count', 'integer', (c) => c.notNull())
    .addColumn('first_names', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('vanished_tables_of')
    .on('vanished_tables')
    .columns(['database_id', 'backup_id'])
    .execute();
  await db.schema.alterTable('newest_backups').addColumn('usual_size', 'bigint').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('newest_backups').dropColumn('usual_size').execute();
  await db.schema.dropTable('vanished_tables').execute();
}
