import type { Kysely } from 'kysely';

const OF_BACKUPS = ['bytes_proven_at', 'parsed_proven_at', 'verification_error'] as const;
const OF_DATABASES = ['read_in_full_at', 'full_read_tried_at'] as const;

/** What was proven of a backup by reading it in full, and when that was last done for its database. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of OF_BACKUPS) {
    await db.schema.alterTable('backups').addColumn(column, 'text').execute();
  }
  for (const column of OF_DATABASES) {
    await db.schema.alterTable('databases').addColumn(column, 'text').execute();
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of OF_BACKUPS) await db.schema.alterTable('backups').dropColumn(column).execute();
  for (const column of OF_DATABASES) await db.schema.alterTable('databases').dropColumn(column).execute();
}
