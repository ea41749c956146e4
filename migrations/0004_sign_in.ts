import { type Kysely, sql } from 'kysely';

/** What bounds guessing at accounts, from where each account signed in, and when a session was last used. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_in_failures')
    .addColumn('bucket', 'integer', (c) => c.primaryKey())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('last_at', 'text', (c) => c.notNull())
    .addColumn('paused_until', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('sign_in_places')
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('address', 'browser')`))
    .addColumn('place', 'text', (c) => c.notNull())
    .addColumn('last_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('sign_in_places_key', ['user_id', 'kind', 'place'])
    .execute();

  await db.schema.alterTable('sessions').addColumn('last_used_at', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('sessions').dropColumn('last_used_at').execute();
  await db.schema.dropTable('sign_in_places').execute();
  await db.schema.dropTable('sign_in_failures').execute();
}
