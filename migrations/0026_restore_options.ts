import type { Kysely } from 'kysely';

/** Restores of some tables alone, as JSON: `[{schema, name}]`; null for all. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('restores').addColumn('only_tables', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('restores').dropColumn('only_tables').execute();
}
