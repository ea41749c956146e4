import type { Kysely } from 'kysely';

/**
 * The weekly reports: which there were, and how much lay in each place then, so that the next one tells of its growth. And what was noted
 * of the installation itself, so that people are told once of it and of its end: a disk that is nearly full, what the storage can do no
 * more, tokens and certificates that are about to end.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('weekly_reports')
    .addColumn('week', 'text', (c) => c.primaryKey())
    .addColumn('places', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('noted_troubles')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('stage', 'text', (c) => c.notNull())
    .addColumn('since', 'text', (c) => c.notNull())
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('noted_troubles').execute();
  await db.schema.dropTable('weekly_reports').execute();
}
