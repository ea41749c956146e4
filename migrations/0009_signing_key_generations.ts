import { type Kysely, sql } from 'kysely';

/** Keys of a purpose are counted, so that two processes never each make the first, or the next. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('signing_keys')
    .addColumn('generation', 'integer', (c) => c.notNull().defaultTo(1))
    .execute();
  await sql`
    update signing_keys set generation = (
      select count(*) from signing_keys as older
      where older.purpose = signing_keys.purpose and (older.created_at < signing_keys.created_at
        or (older.created_at = signing_keys.created_at and older.id <= signing_keys.id)))`.execute(db);
  await db.schema
    .createIndex('signing_keys_generation')
    .unique()
    .on('signing_keys')
    .columns(['purpose', 'generation'])
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('signing_keys_generation').execute();
  await db.schema.alterTable('signing_keys').dropColumn('generation').execute();
}
