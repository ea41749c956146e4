import { sql } from 'kysely';
import { LOGIN } from '../../dev/fill/fill.ts';
import type { Db } from '../../src/db/schema.ts';

/** Ids of a large environment and of what is in it. */
export interface FilledIds {
  readonly environment: string;
  readonly database: string;
  readonly server: string;
  /** Good ones of the database. */
  readonly backups: readonly string[];
}

export async function pickIds(db: Db): Promise<FilledIds> {
  const { environment_id: environment } = await db
    .selectFrom('databases')
    .select('environment_id')
    .groupBy('environment_id')
    .orderBy(sql`count(*)`, 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const database = await db
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['databases.id', 'databases.server_id as server'])
    .where('databases.environment_id', '=', environment)
    .where('databases.server_id', 'is not', null)
    .where('databases.type', '=', 'postgres')
    .where('backups.deleted_at', 'is', null)
    .groupBy('databases.id')
    .orderBy(sql`count(*)`, 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const backups = await db
    .selectFrom('backups')
    .select('id')
    .where('database_id', '=', database.id)
    .where('deleted_at', 'is', null)
    .where('status', '=', 'completed')
    .orderBy('created_at', 'desc')
    .limit(12)
    .execute();
  return {
    environment,
    database: database.id,
    server: database.server ?? '',
    backups: backups.map(({ id }) => id),
  };
}

/** By the word before it in a path, what an `:id` there names. */
export async function namesInPaths(db: Db, ids: FilledIds): Promise<Readonly<Record<string, string>>> {
  const { rows } = await sql<{ readonly kind: string; readonly id: string }>`
    select 'users' as kind, min(id) as id from users where role = 'admin'
    union all select 'runs', min(run_id) from run_logs
    union all select 'restores', min(id) from restores where in_place = 1
    union all select 'rules', min(id) from schedules where rule_name is not null
    union all select 'audit', min(id) from audit_logs
    union all select 'channels', min(id) from notification_channels
    union all select 'notification-channels', min(id) from notification_channels
    union all select 'service-accounts', min(id) from service_accounts
    union all select 'notifications', min(id) from notifications
      where user_id = (select id from users where email = ${LOGIN.email})
    union all select 'webhooks', min(id) from webhook_subscriptions where environment_id = ${ids.environment}`.execute(
    db,
  );
  return {
    ...Object.fromEntries(rows.map(({ kind, id }) => [kind, id])),
    ...{ environments: ids.environment, databases: ids.database, servers: ids.server },
    ...{ backups: ids.backups[0] ?? '', types: 'system.backup_failed', docs: 'get-backups-id' },
    // Of a token there is but the page that shows a new one, which leads to the list for any other.
    ...{ settings: 'general', tokens: 'any' },
  };
}
