import { sql } from 'kysely';
import type { Db } from '../../src/db/schema.ts';

/**
 * Copies every database that there is, each with its newest good backup, until there are that many: half of the copies into that
 * environment, onto its servers. In the database itself, for SQLite: thousands cost less than a second.
 */
export async function copyDatabases(db: Db, total: number, environmentId: string): Promise<void> {
  const { rows } = await sql<{ readonly count: number }>`select count(*) as count from databases`.execute(db);
  const copies = Math.ceil(total / Number(rows[0]?.count)) - 1;
  const servers = await db
    .selectFrom('servers')
    .select('id')
    .where('environment_id', '=', environmentId)
    .execute();
  const inTurn = sql`case copy.number / 2 % ${sql.lit(servers.length)} ${sql.join(
    servers.map(({ id }, index) => sql`when ${sql.lit(index)} then ${sql.lit(id)}`),
    sql` `,
  )} end`;
  const isMoved = sql`copy.number % 2 = 0`;
  const server_id = sql`case when ${isMoved} then ${inTurn} else row.server_id end`;
  const goodOnes = sql`join newest_backups as newest on newest.good_id =`;
  const copy = (table: string, changed: Readonly<Record<string, unknown>>, only = sql``) =>
    copyRows(db, table, copies, changed, only);
  await sql`begin`.execute(db);
  await copy('databases', {
    ...{ id: copied('row.id'), name: sql`row.name || ' · ' || copy.number` },
    environment_id: sql`case when ${isMoved} then ${environmentId} else row.environment_id end`,
    server_id,
  });
  await copy(
    'backups',
    {
      ...{ id: copied('row.id'), database_id: copied('row.database_id'), token: copied('row.token') },
      storage_path: sql`row.storage_path || copy.number`,
    },
    sql`${goodOnes} row.id`,
  );
  await copy(
    'runs',
    {
      ...{ id: copied('row.id'), subject_id: copied('row.subject_id') },
      lane: sql`row.lane || copy.number`,
      server_id,
    },
    sql`${goodOnes} row.id`,
  );
  await copy(
    'backup_objects',
    {
      ...{ id: copied('row.id'), backup_id: copied('row.backup_id') },
      key: sql`row.key || copy.number`,
    },
    sql`${goodOnes} row.backup_id`,
  );
  const newest = { database_id: copied('row.database_id') };
  await copy('newest_backups', {
    ...{ ...newest, good_id: copied('row.good_id') },
    // What ended last is copied where it is that good one.
    ended_id: sql`case when row.ended_id = row.good_id then ${copied('row.ended_id')} else row.ended_id end`,
  });
  for (const table of ['stored_totals', 'backup_days', 'database_schedules']) await copy(table, newest);
  await sql`commit`.execute(db);
}

/** The id of a copy: as long as an id. */
const copied = (column: string) => sql`substr(${sql.ref(column)}, 1, 20) || printf('%05d', copy.number)`;

/** The rows of a table, so many times, with those columns changed; `only` joins what tells which rows. */
async function copyRows(
  db: Db,
  table: string,
  copies: number,
  changed: Readonly<Record<string, unknown>>,
  only: ReturnType<typeof sql>,
): Promise<void> {
  const { rows } = await sql<{ readonly name: string }>`pragma table_info(${sql.raw(table)})`.execute(db);
  const columns = rows.map(({ name }) => name);
  const values = columns.map((column) => changed[column] ?? sql.ref(`row.${column}`));
  await sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})
    with recursive copy(number) as (select 1 union all select number + 1 from copy where number < ${copies})
    select ${sql.join(values)} from ${sql.table(table)} as row cross join copy ${only}`.execute(db);
}
