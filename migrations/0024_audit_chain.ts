import { type Kysely, sql } from 'kysely';

/**
 * The audit as a chain: each row gets its number and the hash of itself and of the row before it, and two signed marks say where
 * the chain begins and ends. Indexes in the order in which it is read, newest first, also of one thing, person, environment,
 * action or kind. And the request that did it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('audit_logs').addColumn('request_id', 'text').execute();
  // Of the two, SQLite needs the second: it keeps a text or a fraction in such a column too.
  await db.schema
    .alterTable('audit_logs')
    .addColumn('number', 'bigint', (c) => c.check(sql`number >= 1 and cast(number as bigint) = number`))
    .execute();
  await db.schema.alterTable('audit_logs').addColumn('hash', 'text').execute();

  await db.schema
    .createTable('audit_marks')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('key_id', 'text', (c) => c.notNull())
    .addColumn('signature', 'text', (c) => c.notNull())
    .execute();

  await db.schema.dropIndex('audit_logs_created').execute();
  await db.schema.createIndex('audit_logs_newest').on('audit_logs').columns(['created_at', 'id']).execute();
  for (const [name, column] of Object.entries(LED)) {
    await db.schema.createIndex(name).on('audit_logs').columns([column, 'created_at', 'id']).execute();
  }
  // Both hold but their own rows: by an index of all numbers, SQLite would look for those without one.
  await sql`create unique index audit_logs_number on audit_logs (number) where number is not null`.execute(
    db,
  );
  await sql`create index audit_logs_unchained on audit_logs (created_at, id) where number is null`.execute(
    db,
  );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const indexes = ['audit_logs_unchained', 'audit_logs_number', ...Object.keys(LED), 'audit_logs_newest'];
  for (const index of indexes) await db.schema.dropIndex(index).execute();
  await db.schema.createIndex('audit_logs_created').on('audit_logs').column('created_at').execute();
  await db.schema.dropTable('audit_marks').execute();
  for (const column of ['request_id', 'number', 'hash']) {
    await db.schema.alterTable('audit_logs').dropColumn(column).execute();
  }
}

const LED = {
  audit_logs_resource: 'resource_id',
  audit_logs_user: 'user_id',
  audit_logs_environment: 'environment_id',
  audit_logs_action: 'action',
  audit_logs_kind: 'resource_type',
} as const;
