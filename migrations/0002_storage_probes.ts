import { type Kysely, sql } from 'kysely';

/** What the deep tests of the storage found. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('storage_probes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('cause', 'text', (c) => c.notNull().check(sql`cause in ('asked', 'credentials', 'weekly')`))
    .addColumn('started_at', 'text', (c) => c.notNull())
    .addColumn('finished_at', 'text', (c) => c.notNull())
    .addColumn('result', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('storage_probes_finished').on('storage_probes').column('finished_at').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('storage_probes').execute();
}
