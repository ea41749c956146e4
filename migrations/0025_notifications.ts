import { type Kysely, sql } from 'kysely';

/**
 * What people are told: notifications of each user, what of it they want, spells of trouble of which is told once, the ways out
 * (mail, channels, webhooks of environments), and what is on its way there. Events of before count as told.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('events').addColumn('told_at', 'text').execute();
  await sql`update events set told_at = created_at`.execute(db);
  await sql`create index events_untold on events (created_at, id) where told_at is null`.execute(db);
  await addInbox(db);
  await addWaysOut(db);
  await addDeliveries(db);
}

async function addInbox(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('notification_types')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('default_channels', 'text', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('bounce_enabled', 'integer', (c) => c.notNull())
    .addColumn('bounce_threshold', 'integer', (c) => c.notNull())
    .addColumn('bounce_cooldown', 'integer', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('notification_preferences')
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('type_id', 'text', (c) => c.notNull())
    .addColumn('in_app_enabled', 'integer', (c) => c.notNull())
    .addColumn('email_enabled', 'integer', (c) => c.notNull())
    .addColumn('webhook_enabled', 'integer', (c) => c.notNull())
    .addColumn('environment_ids', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('notification_preferences_key', ['user_id', 'type_id'])
    .execute();
  await db.schema
    .createTable('notifications')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('event_id', 'text', (c) => c.notNull())
    .addColumn('type_id', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('severity', 'text', (c) => c.notNull())
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('environment_id', 'text')
    .addColumn('database_id', 'text')
    .addColumn('in_app_read_at', 'text')
    .addColumn('email_sent_at', 'text')
    .addColumn('webhook_sent_at', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('notifications_once')
    .unique()
    .on('notifications')
    .columns(['event_id', 'user_id', 'type_id'])
    .execute();
  await db.schema
    .createIndex('notifications_newest')
    .on('notifications')
    .columns(['user_id', 'created_at', 'id'])
    .execute();
  await db.schema.createIndex('notifications_old').on('notifications').column('created_at').execute();
  await sql`create index notifications_unread on notifications (user_id, severity) where in_app_read_at is null`.execute(
    db,
  );
  await db.schema
    .createTable('notification_spells')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('type_id', 'text', (c) => c.notNull())
    .addColumn('database_id', 'text')
    .addColumn('is_open', 'integer', (c) => c.notNull())
    .addColumn('since', 'text', (c) => c.notNull())
    .addColumn('count', 'integer', (c) => c.notNull())
    .addColumn('told_at', 'text')
    .addColumn('last_told_at', 'text')
    .addColumn('tell_at', 'text')
    .addColumn('event_id', 'text', (c) => c.notNull())
    .execute();
  await sql`create index notification_spells_held on notification_spells (tell_at) where tell_at is not null`.execute(
    db,
  );
}

async function addWaysOut(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('smtp_settings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('security', 'text', (c) => c.notNull())
    .addColumn('username', 'text')
    .addColumn('password', 'text')
    .addColumn('sender', 'text', (c) => c.notNull())
    .addColumn('last_ok_at', 'text')
    .addColumn('last_error', 'text')
    .addColumn('failing_since', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('notification_channels')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('url', 'text', (c) => c.notNull())
    .addColumn('secret', 'text')
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('least_severity', 'text', (c) => c.notNull())
    .addColumn('environment_id', 'text', (c) => c.references('environments.id').onDelete('cascade'))
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('last_ok_at', 'text')
    .addColumn('last_error', 'text')
    .addColumn('failing_since', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('notification_channels_environment')
    .on('notification_channels')
    .column('environment_id')
    .execute();
  await db.schema
    .createTable('webhook_subscriptions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('environment_id', 'text', (c) => c.notNull().references('environments.id').onDelete('cascade'))
    .addColumn('url', 'text', (c) => c.notNull())
    .addColumn('secret', 'text')
    .addColumn('events', 'text', (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('webhook_subscriptions_environment')
    .on('webhook_subscriptions')
    .column('environment_id')
    .execute();
}

async function addDeliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deliveries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('way', 'text', (c) => c.notNull())
    .addColumn('target_id', 'text', (c) => c.notNull())
    .addColumn('recipient', 'text', (c) => c.notNull())
    .addColumn('event', 'text', (c) => c.notNull())
    .addColumn('body', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_try_at', 'text')
    .addColumn('last_error', 'text')
    .addColumn('response_status', 'integer')
    .addColumn('claimed_by', 'text')
    .addColumn('lease_until', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('delivered_at', 'text')
    .execute();
  await db.schema
    .createIndex('deliveries_of_target')
    .on('deliveries')
    .columns(['way', 'target_id', 'created_at', 'id'])
    .execute();
  await db.schema.createIndex('deliveries_newest').on('deliveries').columns(['created_at', 'id']).execute();
  await sql`create index deliveries_open on deliveries (way, target_id) where next_try_at is not null`.execute(
    db,
  );
  await sql`create index deliveries_due on deliveries (next_try_at) where next_try_at is not null`.execute(
    db,
  );
  await db.schema
    .createTable('delivery_items')
    .addColumn('delivery_id', 'text', (c) => c.notNull().references('deliveries.id').onDelete('cascade'))
    .addColumn('event_id', 'text', (c) => c.notNull())
    .addColumn('type_id', 'text', (c) => c.notNull())
    .addColumn('severity', 'text', (c) => c.notNull())
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('database_id', 'text')
    .addColumn('at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('delivery_items_key', ['delivery_id', 'event_id', 'type_id'])
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    ...['delivery_items', 'deliveries', 'webhook_subscriptions', 'notification_channels', 'smtp_settings'],
    ...['notification_spells', 'notifications', 'notification_preferences', 'notification_types'],
  ]) {
    await db.schema.dropTable(table).execute();
  }
  await db.schema.dropIndex('events_untold').execute();
  await db.schema.alterTable('events').dropColumn('told_at').execute();
}
