import type { Kysely } from 'kysely';

/** How a dump is loaded where that was said, as JSON: such as `{tables: [{schema, name}]}` for these alone; null for all of it, as ever. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('restores').addColumn('load_options', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('restores').dropColumn('load_options').execute();
}
