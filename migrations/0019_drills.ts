import { type Kysely, sql } from 'kysely';

const OUTCOMES = ['proven', 'failed', 'cancelled', 'interrupted', 'skipped', 'missed'];
const FAILURES = ['damaged', 'extension', 'role', 'version', 'other'];

const TEXTS = {
  schedules: ['drill_cron', 'drill_server_id', 'drill_folder'],
  backups: ['restored_proven_at'],
} as const;

/**
 * As whom restores are made on a server; drills, in which a backup is restored, compared, measured and dropped again; and what the
 * last of them said of a database. `drills` has a line for each, also for a time at which none was begun; it has the id of its run.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('restore_logins')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('server_id', 'text', (c) => c.notNull().references('servers.id').onDelete('cascade'))
    .addColumn('engine', 'text', (c) => c.notNull())
    .addColumn('username', 'text', (c) => c.notNull())
    .addColumn('credentials', 'text', (c) => c.notNull())
    .addColumn('password_target', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addUniqueConstraint('restore_logins_one_each', ['server_id', 'engine'])
    .execute();

  await db.schema
    .createTable('drills')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('backup_id', 'text')
    .addColumn('due_at', 'text')
    .addColumn('outcome', 'text', (c) => c.check(oneOf('outcome', OUTCOMES)))
    .addColumn('failure', 'text', (c) => c.check(oneOf('failure', FAILURES)))
    .addColumn('says', 'text')
    .addColumn('restore_ms', 'bigint')
    .addColumn('bytes', 'bigint')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('ended_at', 'text')
    .execute();
  await db.schema
    .createIndex('drills_newest')
    .on('drills')
    .columns(['database_id', 'created_at', 'id'])
    .execute();

  await db.schema
    .createTable('drill_states')
    .addColumn('database_id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    .addColumn('settled_as', 'text')
    .addColumn('due_at', 'text')
    .addColumn('run_at', 'text')
    .addColumn('proven_at', 'text')
    .addColumn('proven_backup_id', 'text')
    .addColumn('restore_ms', 'bigint')
    .addColumn('bytes', 'bigint')
    .addColumn('failed_at', 'text')
    .addColumn('failed_drill_id', 'text')
    .addColumn('failure', 'text', (c) => c.check(oneOf('failure', FAILURES)))
    .addColumn('says', 'text')
    .execute();
  await sql`create index drill_states_due on drill_states (run_at, database_id) where run_at is not null`.execute(
    db,
  );
  await sql`create index drill_states_failed on drill_states (failed_at) where failed_at is not null`.execute(
    db,
  );

  for (const [table, columns] of Object.entries(TEXTS)) {
    for (const column of columns) await db.schema.alterTable(table).addColumn(column, 'text').execute();
  }
  await db.schema.alterTable('backups').addColumn('restored_ms', 'bigint').execute();
  await db.schema.alterTable('schedules').addColumn('verify_every_days', 'integer').execute();
  for (const [table, column] of FLAGS) {
    await db.schema.alterTable(table).addColumn(column, 'integer').execute();
  }
}

/** Of a restore: it is a drill's. Of a run: nobody waits for it, so that it holds up nothing that somebody waits for. */
const FLAGS = [
  ['restores', 'is_drill'],
  ['runs', 'is_background'],
] as const;

function oneOf(column: string, values: readonly string[]) {
  return sql`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`;
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`delete from restores where is_drill = 1`.execute(db);
  await sql`delete from runs where kind = 'drill'`.execute(db);
  await sql`update backups set verification = 'full' where verification = 'drill'`.execute(db);
  for (const [table, column] of FLAGS) await db.schema.alterTable(table).dropColumn(column).execute();
  await db.schema.alterTable('schedules').dropColumn('verify_every_days').execute();
  await db.schema.alterTable('backups').dropColumn('restored_ms').execute();
  for (const [table, columns] of Object.entries(TEXTS)) {
    for (const column of columns) await db.schema.alterTable(table).dropColumn(column).execute();
  }
  for (const table of ['drill_states', 'drills', 'restore_logins'])
    await db.schema.dropTable(table).execute();
}
