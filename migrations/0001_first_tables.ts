import { type Kysely, sql } from 'kysely';

/** The tables of the first version. Runs on SQLite and PostgreSQL; opens no transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('email', 'text', (c) => c.notNull().unique())
    .addColumn('name', 'text')
    .addColumn('role', 'text', (c) => c.notNull().check(sql`role in ('admin', 'operator', 'viewer')`))
    .addColumn('password_hash', 'text', (c) => c.notNull())
    .addColumn('last_active_at', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('api', 'ui')`))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('sessions_user').on('sessions').column('user_id').execute();

  await db.schema
    .createTable('environments')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('ssh_user', 'text', (c) => c.notNull().defaultTo('root'))
    .addColumn('ssh_private_key', 'text')
    .addColumn('allow_backup_download', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('default_monitoring_enabled', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('default_collection_interval_sec', 'integer', (c) => c.notNull().defaultTo(300))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('servers')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('hostname', 'text', (c) => c.notNull())
    .addColumn('public_ip', 'text')
    .addColumn('tags', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('ssh_port', 'integer', (c) => c.notNull().defaultTo(22))
    .addColumn('ssh_user', 'text')
    .addColumn('host_key', 'text')
    .addColumn('status', 'text', (c) =>
      c.notNull().defaultTo('unknown').check(sql`status in ('unknown', 'healthy', 'unhealthy')`),
    )
    .addColumn('last_checked_at', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addUniqueConstraint('servers_name', ['environment_id', 'name'])
    .execute();

  await db.schema
    .createTable('databases')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('server_id', 'text', (c) => c.references('servers.id').onDelete('restrict'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('host', 'text')
    .addColumn('port', 'integer')
    .addColumn('database_name', 'text')
    .addColumn('credentials', 'text')
    .addColumn('options', 'text', (c) => c.notNull().defaultTo('{}'))
    .addColumn('backup_storage_type', 'text', (c) =>
      c.notNull().defaultTo('local').check(sql`backup_storage_type in ('local', 'spaces')`),
    )
    .addColumn('backup_local_path', 'text')
    .addColumn('backup_spaces_bucket', 'text')
    .addColumn('backup_spaces_prefix', 'text')
    .addColumn('pg_dump_timeout_ms', 'integer', (c) => c.notNull().defaultTo(300000))
    .addColumn('monitoring_enabled', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('collection_interval_sec', 'integer', (c) => c.notNull().defaultTo(300))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addUniqueConstraint('databases_name', ['environment_id', 'name'])
    .execute();
  await db.schema.createIndex('databases_server').on('databases').column('server_id').execute();

  await db.schema
    .createTable('spaces_config')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('access_key', 'text', (c) => c.notNull())
    .addColumn('secret_key', 'text', (c) => c.notNull())
    .addColumn('region', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('buckets', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('spaces_environments')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('spaces_config_id', 'text', (c) =>
      c.notNull().references('spaces_config.id').onDelete('cascade'),
    )
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('enabled', 'integer', (c) => c.notNull().defaultTo(0))
    .addUniqueConstraint('spaces_environments_pair', ['spaces_config_id', 'environment_id'])
    .execute();

  await db.schema
    .createTable('backups')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) => c.notNull().references('databases.id').onDelete('cascade'))
    .addColumn('filename', 'text', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('type', 'text', (c) => c.notNull().check(sql`type in ('manual', 'scheduled')`))
    .addColumn('status', 'text', (c) =>
      c.notNull().check(sql`status in ('pending', 'in_progress', 'completed', 'failed')`),
    )
    .addColumn('outcome', 'text')
    .addColumn('error', 'text')
    .addColumn('storage_type', 'text', (c) => c.notNull().check(sql`storage_type in ('local', 'spaces')`))
    .addColumn('storage_path', 'text', (c) => c.notNull())
    .addColumn('progress', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('step', 'text')
    .addColumn('bytes_read', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('bytes_stored', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('estimated_bytes', 'bigint')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('started_at', 'text')
    .addColumn('completed_at', 'text')
    .addColumn('duration', 'integer')
    .addColumn('is_pinned', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('pinned_by_id', 'text', (c) => c.references('users.id').onDelete('set null'))
    .addColumn('pinned_at', 'text')
    .addColumn('last_rotation_error', 'text')
    .addColumn('triggered_by_id', 'text', (c) => c.references('users.id').onDelete('set null'))
    .addColumn('claimed_by', 'text')
    .addColumn('lease_until', 'text')
    .addColumn('cancel_requested_at', 'text')
    .addColumn('token', 'text', (c) => c.notNull())
    .addColumn('format', 'text')
    .addColumn('compression', 'text')
    .addColumn('content_type', 'text')
    .addColumn('sha256', 'text')
    .addColumn('server_version', 'text')
    .addColumn('client_version', 'text')
    .addColumn('verification', 'text')
    .addColumn('verified_at', 'text')
    .addColumn('deleted_at', 'text')
    .execute();
  await db.schema
    .createIndex('backups_database')
    .on('backups')
    .columns(['database_id', 'created_at'])
    .execute();
  await db.schema.createIndex('backups_status').on('backups').columns(['status', 'created_at']).execute();
  // One run and one waiting run per database, whoever inserts or claims.
  await db.schema
    .createIndex('backups_one_pending')
    .on('backups')
    .column('database_id')
    .unique()
    .where(sql.ref('status'), '=', sql.lit('pending'))
    .execute();
  await db.schema
    .createIndex('backups_one_in_progress')
    .on('backups')
    .column('database_id')
    .unique()
    .where(sql.ref('status'), '=', sql.lit('in_progress'))
    .execute();

  await db.schema
    .createTable('backup_objects')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('backup_id', 'text', (c) => c.notNull().references('backups.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) =>
      c.notNull().check(sql`kind in ('dump', 'volume', 'globals', 'manifest')`),
    )
    .addColumn('number', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('region', 'text')
    .addColumn('bucket', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('version_id', 'text')
    .addColumn('upload_id', 'text')
    .addColumn('bytes', 'bigint')
    .addColumn('sha256', 'text')
    .addUniqueConstraint('backup_objects_place', ['endpoint', 'bucket', 'key'])
    .execute();
  await db.schema.createIndex('backup_objects_backup').on('backup_objects').column('backup_id').execute();

  await db.schema
    .createTable('leftovers')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('backup_id', 'text')
    .addColumn('kind', 'text', (c) => c.notNull().check(sql`kind in ('object', 'upload', 'file')`))
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('region', 'text')
    .addColumn('bucket', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('upload_id', 'text')
    .addColumn('version_id', 'text')
    .addColumn('tries', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('next_try_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('system_settings')
    .addColumn('key', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('signing_keys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('purpose', 'text', (c) => c.notNull())
    .addColumn('secret', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('audit_logs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('resource_type', 'text', (c) => c.notNull())
    .addColumn('resource_id', 'text')
    .addColumn('resource_name', 'text')
    .addColumn('details', 'text')
    .addColumn('success', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('error', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text')
    .addColumn('environment_id', 'text')
    .addColumn('address', 'text')
    .execute();
  await db.schema.createIndex('audit_logs_created').on('audit_logs').column('created_at').execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    'audit_logs',
    'signing_keys',
    'system_settings',
    'leftovers',
    'backup_objects',
    'backups',
    'spaces_environments',
    'spaces_config',
    'databases',
    'servers',
    'environments',
    'sessions',
    'users',
  ]) {
    await db.schema.dropTable(table).execute();
  }
}
