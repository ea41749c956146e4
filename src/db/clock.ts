import { sql } from 'kysely';
import { isPostgres } from './kind.ts';
import type { Db, Trx } from './schema.ts';

interface Clocked {
  readonly db: Db | Trx;
  readonly now: () => Date;
}

/**
 * The instant by the one clock of all processes on this database: of PostgreSQL its server's, whatever the clocks of their
 * machines say; of SQLite, which one process has for itself, the process's own.
 */
export async function databaseNow({ db, now }: Clocked): Promise<Date> {
  if (!isPostgres(db)) return now();
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  return rows[0]?.now ?? now();
}

export interface FollowingClock {
  /** This machine's clock, put right by what was found last. */
  readonly now: () => Date;
  /** Looks how far it is off, in milliseconds: above 0, the database's is ahead. */
  follow(): Promise<number>;
}

/** For what is compared with instants of other replicas, and asked for too often to ask the database. */
export function followDatabase({ db, now }: Clocked): FollowingClock {
  let aheadMs = 0;
  return {
    now: () => new Date(now().getTime() + aheadMs),
    async follow() {
      const before = now().getTime();
      const there = (await databaseNow({ db, now })).getTime();
      // It was asked in the middle between the two, as far as one can tell.
      aheadMs = there - (before + now().getTime()) / 2;
      return aheadMs;
    },
  };
}
