import { type Kysely, sql } from 'kysely';

/**
 * Restores in place: what is there is replaced in one go, and stays under another name until somebody drops it. That name, and what
 * tells the thing itself from all others whatever it is called, are recorded before anything is changed.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const columns: readonly (readonly [string, 'integer' | 'text'])[] = [
    ['in_place', 'integer'],
    ['end_sessions', 'integer'],
    ['safety_backup_id', 'text'],
    ['kept_name', 'text'],
    ['replaced_id', 'text'],
    ['kept_state', 'text'],
    ['kept_dropped_at', 'text'],
  ];
  for (const [name, type] of columns) {
    await db.schema
      .alterTable('restores')
      .addColumn(name, type, (c) => (type === 'integer' ? c.notNull().defaultTo(0) : c))
      .execute();
  }
  await db.schema
    .createIndex('restores_kept')
    .on('restores')
    .column('database_id')
    .where(sql.ref('kept_state'), '=', sql.lit('kept'))
    .execute();
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('restores_kept').execute();
  for (const name of [
    ...['in_place', 'end_sessions', 'safety_backup_id', 'kept_name', 'replaced_id'],
    ...['kept_state', 'kept_dropped_at'],
  ]) {
    await db.schema.alterTable('restores').dropColumn(name).execute();
  }
}
