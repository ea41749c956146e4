import { type Kysely, sql } from 'kysely';

/** Options of the storage: encryption at the provider, a session token, and the endpoint as it was typed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const columns = [
    (table: Table) =>
      table.addColumn('encryption', 'text', (c) =>
        c.notNull().defaultTo('none').check(sql`encryption in ('none', 'AES256', 'aws:kms')`),
      ),
    (table: Table) => table.addColumn('encryption_key_id', 'text'),
    (table: Table) => table.addColumn('session_token', 'text'),
    (table: Table) => table.addColumn('endpoint_typed', 'text'),
  ];
  // One at a time: SQLite adds no two columns in one statement.
  for (const add of columns) await add(db.schema.alterTable('spaces_config')).execute();
}

type Table = ReturnType<Kysely<unknown>['schema']['alterTable']>;

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const column of ['endpoint_typed', 'session_token', 'encryption_key_id', 'encryption']) {
    await db.schema.alterTable('spaces_config').dropColumn(column).execute();
  }
}
