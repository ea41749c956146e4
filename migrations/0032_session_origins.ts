import type { Kysely } from 'kysely';

/** Where a session was begun: so that people tell theirs apart. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['address', 'agent']) {
    await db.schema.alterTable('sessions').addColumn(column, 'text').execute();
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of ['address', 'agent']) {
    await db.schema.alterTable('sessions').dropColumn(column).execute();
  }
}
