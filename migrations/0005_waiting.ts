import type { Kysely } from 'kysely';

/** Why a deleted backup could not be removed from its storage yet, and when that is tried again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('backups').addColumn('removal_tries', 'integer').execute();
  await db.schema.alterTable('backups').addColumn('removal_error', 'text').execute();
  await db.schema.alterTable('backups').addColumn('removal_next_try_at', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of ['removal_tries', 'removal_error', 'removal_next_try_at']) {
    await db.schema.alterTable('backups').dropColumn(column).execute();
  }
}
