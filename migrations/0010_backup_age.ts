import type { Kysely } from 'kysely';

/** How old the last good backup of a database may become before that is said. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('databases')
    .addColumn('max_backup_age_hours', 'integer', (c) => c.notNull().defaultTo(26))
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('databases').dropColumn('max_backup_age_hours').execute();
}
