import type { Kysely } from 'kysely';

/** A drop asks whether anything was restored into that name since; there is a restore for each drill, too. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.createIndex('restores_new_name').on('restores').column('new_name').execute();
}

export async function down(db: Kysely<never>): Promise<void> {
  await db.schema.dropIndex('restores_new_name').execute();
}
