import { type Kysely, sql } from 'kysely';

/**
 * What each bucket of the storage said of itself when it was last tested: a page tells it without asking the storage. And the time zone that
 * somebody has chosen for their pages.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bucket_traits')
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('bucket', 'text', (c) => c.notNull())
    .addColumn('versioning', 'text', (c) =>
      c.notNull().check(sql`versioning in ('on', 'suspended', 'off', 'unknown')`),
    )
    .addColumn('lock', 'text', (c) => c.notNull().check(sql`lock in ('on', 'none', 'unknown')`))
    .addColumn('lock_mode', 'text')
    .addColumn('lock_retention', 'text')
    .addColumn('seen_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('bucket_traits_place', ['endpoint', 'bucket'])
    .execute();
  await db.schema.alterTable('users').addColumn('time_zone', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('users').dropColumn('time_zone').execute();
  await db.schema.dropTable('bucket_traits').execute();
}
