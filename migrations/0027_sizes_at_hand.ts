import { type Kysely, sql } from 'kysely';

/**
 * The size of each database's newest good backup beside its id, so that a list by size reads a small row of each database and not one
 * of a hundred thousand backups; and an index by which a page tells who else stores under the same prefix.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('newest_backups').addColumn('good_size', 'bigint').execute();
  await sql`update newest_backups
    set good_size = (select size from backups where backups.id = newest_backups.good_id)`.execute(db);
  await db.schema
    .createIndex('databases_place')
    .on('databases')
    .columns(['backup_spaces_bucket', 'backup_spaces_prefix'])
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('databases_place').execute();
  await db.schema.alterTable('newest_backups').dropColumn('good_size').execute();
}
