import type { Db, PingRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { Verdict } from './message.ts';

/** Longer than a message may take, with what is written before and after it. */
const LEASE_MS = 60_000;
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 15 * 60_000;
/** Some two hours. */
const MOST_TRIES = 12;
const MOST_LISTED = 1_000;

/** The databases that have something to be sent now, the longest waiting first. */
export async function listDuePings(db: Db, now: Date): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('pings')
    .select('database_id')
    .where((eb) =>
      eb.or([
        eb('next_try_at', '<=', now.toISOString()),
        // No pause is that long: the clock was set back.
        eb('next_try_at', '>', later(now, 2 * MAX_PAUSE_MS)),
      ]),
    )
    .groupBy('database_id')
    .orderBy(({ fn }) => fn.min('next_try_at'))
    .limit(MOST_LISTED)
    .execute();
  return rows.map((row) => row.database_id);
}

/**
 * The oldest ping of a database, for whoever asks to send it: nobody else is given one of that database meanwhile, so that they
 * arrive in their order and once. Undefined where none is due, or somebody else has it.
 */
export async function takePing(
  db: Db,
  databaseId: string,
  claimedBy: string,
  now: Date,
): Promise<PingRow | undefined> {
  return write(db, async (trx) => {
    const row = await trx
      .selectFrom('pings')
      .selectAll()
      .where('database_id', '=', databaseId)
      .orderBy('number')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || !isFree(row, now) || !isDue(row, now)) return undefined;
    return trx
      .updateTable('pings')
      .set({ claimed_by: claimedBy, lease_until: later(now, LEASE_MS) })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirst();
  });
}

/** What became of a ping: `again` where it is tried once more, `given-up` where that was the last time. */
export type Settled = 'sent' | 'again' | 'given-up';

/** Writes what became of a ping that was taken, and of the database's last one. */
export async function settlePing(
  db: Db,
  ping: PingRow,
  claimedBy: string,
  verdict: Verdict,
  now: Date,
): Promise<Settled> {
  const tries = ping.tries + 1;
  const isLast = !verdict.isOk && (!verdict.mayPass || tries >= MOST_TRIES);
  return write(db, async (trx) => {
    if (verdict.isOk || isLast) {
      await trx.deleteFrom('pings').where('id', '=', ping.id).where('claimed_by', '=', claimedBy).execute();
    } else {
      await trx
        .updateTable('pings')
        .set({ tries, next_try_at: later(now, pauseMs(tries)), claimed_by: null, lease_until: null })
        .where('id', '=', ping.id)
        .where('claimed_by', '=', claimedBy)
        .execute();
      await dropOldNews(trx, ping.database_id);
    }
    await trx
      .updateTable('ping_targets')
      .set({
        last_kind: ping.kind,
        last_at: now.toISOString(),
        last_ok: verdict.isOk ? 1 : 0,
        last_error: verdict.isOk ? null : verdict.reason,
      })
      .where('id', '=', ping.database_id)
      .execute();
    return verdict.isOk ? 'sent' : isLast ? 'given-up' : 'again';
  });
}

/** What came before the newest end and could not be sent tells nothing any more. */
async function dropOldNews(trx: Trx, databaseId: string): Promise<void> {
  const end = await trx
    .selectFrom('pings')
    .select(({ fn }) => fn.max('number').as('number'))
    .where('database_id', '=', databaseId)
    .where('kind', '!=', 'start')
    .executeTakeFirst();
  await trx
    .deleteFrom('pings')
    .where('database_id', '=', databaseId)
    .where('number', '<', Number(end?.number ?? 0))
    .where('tries', '>', 0)
    .where('claimed_by', 'is', null)
    .execute();
}

/** Gives back one that nobody tried to send, for a while. */
export async function putOff(db: Db, ping: PingRow, claimedBy: string, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('pings')
      .set({ next_try_at: later(now, FIRST_PAUSE_MS), claimed_by: null, lease_until: null })
      .where('id', '=', ping.id)
      .where('claimed_by', '=', claimedBy)
      .execute(),
  );
}

function isFree({ claimed_by: by, lease_until: until }: PingRow, now: Date): boolean {
  if (by === null || until === null) return true;
  return until <= now.toISOString() || until > later(now, 2 * LEASE_MS);
}

function isDue({ next_try_at: at }: PingRow, now: Date): boolean {
  return at <= now.toISOString() || at > later(now, 2 * MAX_PAUSE_MS);
}

function pauseMs(tries: number): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
}

const later = (now: Date, ms: number) => new Date(now.getTime() + ms).toISOString();
