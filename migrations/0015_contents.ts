import { type Kysely, sql } from 'kysely';

/**
 * What a dump holds, as it was counted; and its manifest: the dump's own SHA-256 and the options that it was made with, and
 * when the manifest is to be written (again), null where it is there. `contents` is the last column, since it may be long:
 * whoever reads the others need not step over it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of TEXTS) await db.schema.alterTable('backups').addColumn(column, 'text').execute();
  await db.schema.alterTable('backups').addColumn('manifest_tries', 'integer').execute();
  await db.schema.alterTable('backups').addColumn('contents', 'text').execute();
  await sql`create index backups_manifest_due on backups (manifest_due_at) where manifest_due_at is not null`.execute(
    db,
  );
}

const TEXTS = ['dump_sha256', 'dump_options', 'manifest_due_at', 'manifest_error'] as const;

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('backups_manifest_due').execute();
  for (const column of ['contents', 'manifest_tries', ...TEXTS]) {
    await db.schema.alterTable('backups').dropColumn(column).execute();
  }
}
