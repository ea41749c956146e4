import { sql } from 'kysely';
import { isPostgres } from '../../src/db/kind.ts';
import type { Db, Schema } from '../../src/db/schema.ts';

interface Refusal {
  drop(): Promise<void>;
}

/** From now on each update of a row (of that column) fails with "disk full", until the trigger is dropped. */
export function refuseUpdates(db: Db, table: keyof Schema, column?: string): Promise<Refusal> {
  return refuse(db, `before update ${column === undefined ? '' : `of ${column}`} on ${table}`);
}

/** As `refuseUpdates`, of new rows. */
export function refuseInserts(db: Db, table: keyof Schema): Promise<Refusal> {
  return refuse(db, `before insert on ${table}`);
}

async function refuse(db: Db, event: string): Promise<Refusal> {
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
  const isEnded = 'new.lease_until < old.lease_until and new.claimed_by = old.claimed_by';
  const event = 'after update of lease_until on runs';
  const insert = 'insert into ended values (new.id);';
  if (!isPostgres(db)) {
    await sql.raw(`create trigger lease_ended ${event} when ${isEnded} begin ${insert} end`).execute(db);
    return;
  }
  await sql
    .raw(
      `create function note_ended() returns trigger language plpgsql as $$ begin ${insert} return new; end $$`,
    )
    .execute(db);
  await sql
    .raw(`create trigger lease_ended ${event} for each row when (${isEnded}) execute function note_ended()`)
    .execute(db);
}
