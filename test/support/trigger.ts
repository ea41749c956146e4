import { sql } from 'kysely';
import { isPostgres } from '../../src/db/kind.ts';
import type { Db, Schema } from '../../src/db/schema.ts';

interface Trigger {
  drop(): Promise<void>;
}

/** From now on each update of a row (of that column) fails with "disk full", until the trigger is dropped. */
export function refuseUpdates(db: Db, table: keyof Schema, column?: string): Promise<Trigger> {
  return refuse(db, `before update ${column === undefined ? '' : `of ${column}`} on ${table}`);
}

/** As `refuseUpdates`, of new rows. */
export function refuseInserts(db: Db, table: keyof Schema): Promise<Trigger> {
  return refuse(db, `before insert on ${table}`);
}

async function refuse(db: Db, event: string): Promise<Trigger> {
  if (!isPostgres(db)) {
    await sql.raw(`create trigger refused ${event} begin select raise(abort, 'disk full'); end`).execute(db);
    return { drop: async () => void (await sql`drop trigger refused`.execute(db)) };
  }
  await sql`create function refuse() returns trigger language plpgsql
    as $$ begin raise exception 'disk full'; end $$`.execute(db);
  await sql.raw(`create trigger refused ${event} for each row execute function refuse()`).execute(db);
  return { drop: async () => void (await sql`drop function refuse() cascade`.execute(db)) };
}

/** Notes in a table `ended` the id of each run whose lease is made shorter for whoever has it. */
export async function noteEndedLeases(db: Db): Promise<void> {
  await sql`create table ended (id text)`.execute(db);
  await afterUpdate(db, {
    ...{ name: 'lease_ended', of: 'lease_until', on: 'runs' },
    when: 'new.lease_until < old.lease_until and new.claimed_by = old.claimed_by',
    statement: 'insert into ended values (new.id);',
  });
}

/** From now on each update of that column is followed by that statement, which may say `new` and `old`; until it is dropped. */
export async function afterUpdate(
  db: Db,
  {
    name,
    of,
    on,
    when,
    statement,
  }: {
    readonly name: string;
    readonly of: string;
    readonly on: keyof Schema;
    readonly when?: string;
    readonly statement: string;
  },
): Promise<Trigger> {
  const event = `create trigger ${name} after update of ${of} on ${on} for each row`;
  const condition = when === undefined ? '' : `when (${when})`;
  if (!isPostgres(db)) {
    await sql.raw(`${event} ${condition} begin ${statement} end`).execute(db);
    return { drop: async () => void (await sql.raw(`drop trigger ${name}`).execute(db)) };
  }
  await sql
    .raw(
      `create function after_${name}() returns trigger language plpgsql as $$ begin ${statement} return new; end $$`,
    )
    .execute(db);
  await sql.raw(`${event} ${condition} execute function after_${name}()`).execute(db);
  return { drop: async () => void (await sql.raw(`drop function after_${name}() cascade`).execute(db)) };
}
