import { type Kysely, sql } from 'kysely';

/** Signing in by a provider of OpenID Connect: where it is, whom of it each account stands for, and what was used up. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oidc_settings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('issuer', 'text', (c) => c.notNull())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('client_secret', 'text')
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('role_claim', 'text', (c) => c.notNull())
    .addColumn('admin_values', 'text', (c) => c.notNull())
    .addColumn('operator_values', 'text', (c) => c.notNull())
    .addColumn('viewer_values', 'text', (c) => c.notNull())
    .addColumn('others', 'text', (c) => c.notNull())
    .addColumn('creates_people', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('oidc_identities')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('user_id', 'text', (c) => c.notNull().references('users.id').onDelete('cascade'))
    .addColumn('issuer', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('email', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('last_used_at', 'text')
    .addUniqueConstraint('oidc_identities_person', ['issuer', 'subject'])
    .addUniqueConstraint('oidc_identities_account', ['user_id', 'issuer'])
    .execute();
  await db.schema
    .createTable('oidc_used_states')
    .addColumn('state_hash', 'text', (c) => c.primaryKey())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .alterTable('sessions')
    .addColumn('oidc_identity_id', 'text', (c) => c.references('oidc_identities.id').onDelete('cascade'))
    .execute();
  await sql`create index sessions_of_identity on sessions (oidc_identity_id) where oidc_identity_id is not null`.execute(
    db,
  );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index sessions_of_identity`.execute(db);
  await db.schema.alterTable('sessions').dropColumn('oidc_identity_id').execute();
  for (const table of ['oidc_used_states', 'oidc_identities', 'oidc_settings']) {
    await db.schema.dropTable(table).execute();
  }
}
