import { type Kysely, sql } from 'kysely';

/**
 * Who asked for which runs, in the order in which they are listed: `schedule`, `token` and `person`, and for the last two also that very
 * one (`token:ID`). It was found out from four tables for each run, and so among the newest alone.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('run_askers')
    .addColumn('asker', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('run_askers_pk', ['asker', 'created_at', 'run_id'])
    .execute();
  await db.schema.createIndex('run_askers_run').on('run_askers').column('run_id').execute();

  const person = sql`coalesce(backups.triggered_by_id, restores.asked_by_id)`;
  const asked = sql`runs left join backups on backups.id = runs.id left join restores on restores.id = runs.id`;
  const isByToken = sql`exists (select 1 from token_backups where token_backups.backup_id = runs.id)`;
  for (const [asker, found] of [
    [sql`'schedule'`, sql`runs join backups on backups.id = runs.id where backups.type = 'scheduled'`],
    [sql`'schedule'`, sql`runs join drills on drills.id = runs.id where drills.due_at is not null`],
    [sql`'token'`, sql`runs where ${isByToken}`],
    [sql`'token:' || token_id`, sql`runs join token_backups on token_backups.backup_id = runs.id`],
    [sql`'person'`, sql`${asked} where ${person} is not null and not ${isByToken}`],
    [sql`'person:' || ${person}`, sql`${asked} where ${person} is not null`],
  ]) {
    await sql`insert into run_askers (asker, created_at, run_id) select ${asker}, runs.created_at, runs.id from ${found}`.execute(
      db,
    );
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('run_askers').execute();
}
