import type { Kysely } from 'kysely';

/**
 * Tokens of people and of service accounts, and who did what by which of them. A backup that a token asked for, and whether it
 * is pinned on that token's behalf. The audit keeps ids and prefixes: what it tells of may be gone.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('service_accounts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('description', 'text')
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('disabled', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('created_by_user_id', 'text', (c) => c.references('users.id').onDelete('set null'))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('service_accounts_creator')
    .on('service_accounts')
    .column('created_by_user_id')
    .execute();

  await db.schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('token_prefix', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('access', 'text', (c) => c.notNull())
    .addColumn('all_environments', 'integer', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.references('users.id').onDelete('cascade'))
    .addColumn('service_account_id', 'text', (c) => c.references('service_accounts.id').onDelete('cascade'))
    .addColumn('last_used_at', 'text')
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('api_tokens_user').on('api_tokens').column('user_id').execute();
  await db.schema
    .createIndex('api_tokens_service_account')
    .on('api_tokens')
    .column('service_account_id')
    .execute();

  await db.schema
    .createTable('api_token_environments')
    .addColumn('token_id', 'text', (c) => c.notNull().references('api_tokens.id').onDelete('cascade'))
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addPrimaryKeyConstraint('api_token_environments_pk', ['token_id', 'environment_id'])
    .execute();
  await db.schema
    .createIndex('api_token_environments_environment')
    .on('api_token_environments')
    .column('environment_id')
    .execute();

  await db.schema
    .createTable('token_backups')
    .addColumn('backup_id', 'text', (c) => c.notNull().references('backups.id').onDelete('cascade'))
    .addColumn('token_id', 'text', (c) => c.notNull().references('api_tokens.id').onDelete('cascade'))
    .addColumn('holds_pin', 'integer', (c) => c.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('token_backups_pk', ['backup_id', 'token_id'])
    .execute();
  await db.schema.createIndex('token_backups_token').on('token_backups').column('token_id').execute();

  await db.schema.alterTable('audit_logs').addColumn('api_token_id', 'text').execute();
  await db.schema.alterTable('audit_logs').addColumn('token_prefix', 'text').execute();
  await db.schema.alterTable('audit_logs').addColumn('service_account_id', 'text').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of ['api_token_id', 'token_prefix', 'service_account_id']) {
    await db.schema.alterTable('audit_logs').dropColumn(column).execute();
  }
  for (const table of ['token_backups', 'api_token_environments', 'api_tokens', 'service_accounts']) {
    await db.schema.dropTable(table).execute();
  }
}
