import { type Kysely, sql } from 'kysely';

interface Stored {
  readonly id: string;
  readonly type: string;
  readonly host: string | null;
  readonly port: number | null;
  readonly options: string;
  readonly server_id: string | null;
  readonly hostname: string | null;
  readonly ssh_port: number | null;
  readonly ssh_user: string | null;
}

/**
 * Whom the password of a database was given for (JSON), so that it goes nowhere else. What is stored already was given
 * for where the settings lead now.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('databases').addColumn('password_target', 'text').execute();
  const { rows } = await sql<Stored>`
    select databases.id, databases.type, databases.host, databases.port, databases.options, databases.server_id,
      servers.hostname, servers.ssh_port, coalesce(servers.ssh_user, environments.ssh_user) as ssh_user
    from databases
    join environments on environments.id = databases.environment_id
    left join servers on servers.id = databases.server_id
    where databases.credentials is not null`.execute(db);
  for (const row of rows) {
    const target = JSON.stringify(targetOf(row));
    await sql`update databases set password_target = ${target} where id = ${row.id}`.execute(db);
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('databases').dropColumn('password_target').execute();
}

function targetOf(row: Stored) {
  const options: unknown = JSON.parse(row.options);
  const usesTls = typeof options === 'object' && options !== null && Reflect.get(options, 'useSsl') === true;
  return {
    type: row.type,
    server:
      row.server_id === null || row.hostname === null
        ? null
        : { id: row.server_id, hostname: row.hostname, port: row.ssh_port, user: row.ssh_user },
    host: row.host,
    port: row.port,
    tls: usesTls ? 'encrypt' : 'off',
    ca: null,
    isForAnotherUser: false,
  };
}
