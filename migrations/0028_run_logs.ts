import type { Kysely } from 'kysely';

/** What a run has said while it went on: lines of JSON, with which it goes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('run_logs')
    .addColumn('run_id', 'text', (c) => c.primaryKey().references('runs.id').onDelete('cascade'))
    .addColumn('lines', 'text', (c) => c.notNull())
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('run_logs').execute();
}
