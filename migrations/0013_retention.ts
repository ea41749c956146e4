import type { Kysely } from 'kysely';

/**
 * Retention: a database's own policy, whether its pruning stands still and why, and of a backup what holds it (its storage's
 * lock, somebody who reads it) and by which rule it was pruned, while its object is not gone yet.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('backup_policies')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('database_id', 'text', (c) =>
      c.notNull().unique().references('databases.id').onDelete('cascade'),
    )
    .addColumn('inherit_global', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('preset', 'text', (c) => c.notNull())
    .addColumn('auto_applied', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('keep_last', 'integer', (c) => c.notNull())
    .addColumn('daily', 'integer', (c) => c.notNull())
    .addColumn('weekly', 'integer', (c) => c.notNull())
    .addColumn('monthly', 'integer', (c) => c.notNull())
    .addColumn('yearly', 'integer', (c) => c.notNull())
    .addColumn('min_floor', 'integer', (c) => c.notNull())
    .addColumn('max_total_bytes', 'bigint')
    .addColumn('max_shrink_percent', 'integer')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('retention_freezes')
    .addColumn('database_id', 'text', (c) => c.primaryKey().references('databases.id').onDelete('cascade'))
    .addColumn('frozen_at', 'text')
    .addColumn('reason', 'text')
    .addColumn('backup_id', 'text')
    .addColumn('accepted_at', 'text')
    .addColumn('accepted_by_id', 'text')
    .addColumn('accepted_through', 'text')
    .execute();
  for (const column of COLUMNS) await db.schema.alterTable('backups').addColumn(column, 'text').execute();
}

const COLUMNS = ['retained_until', 'retained_why', 'in_use_until', 'prune_rule'] as const;

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of COLUMNS) await db.schema.alterTable('backups').dropColumn(column).execute();
  await db.schema.dropTable('retention_freezes').execute();
  await db.schema.dropTable('backup_policies').execute();
}
