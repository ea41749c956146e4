import { sql } from 'kysely';
import { loadStored } from '../backups/stored.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { newId } from '../ids.ts';
import { serverOfPlace } from '../object-stores/place.ts';
import { shareOf } from '../spread.ts';
import { insertVerification } from './ask-verification.ts';
import type { VerificationContext } from './context.ts';

const DAY_MS = 86_400_000;

/**
 * Asks for the newest good backup of one database to be read in full: of one whose turn has come since it was last proven, so that
 * the databases are spread over the days between. `everyDays` counts where the database's schedule says nothing; 0 is never. One at a
 * time in the whole installation, since what is read costs traffic, and behind whatever somebody waits for. Gives the id of its run,
 * or null where none is due.
 */
export async function verifyIfDue(
  context: VerificationContext & { readonly everyDays: number },
): Promise<string | null> {
  const { db, now, runs, everyDays } = context;
  if (await isAnyOpen(db)) return null;
  const due = await dueDatabase(db, now(), everyDays);
  if (due === undefined) return null;
  const runId = newId();
  const stored = await loadStored(db, due.good_id).catch(() => null);
  const isAsked = await write(db, async (trx) => {
    // Whatever becomes of it, the others have their turn first.
    await trx
      .updateTable('databases')
      .set({ full_read_tried_at: now().toISOString() })
      .where('id', '=', due.id)
      .execute();
    if (stored === null) return false;
    const serverId = serverOfPlace(stored.place) ?? null;
    const askedBy = { isScheduled: true, personId: null };
    return insertVerification(trx, { runId, backupId: due.good_id, serverId, askedBy }, now());
  });
  if (!isAsked) return null;
  runs.wake();
  return runId;
}

async function isAnyOpen(db: Db): Promise<boolean> {
  // Literals, as in the indexes of what waits and what runs: few rows, however many verifications there ever were.
  const inState = (state: 'pending' | 'running') =>
    db
      .selectFrom('runs')
      .select('id')
      .where('state', '=', sql.lit(state))
      .where('kind', '=', 'verification')
      .limit(1)
      .executeTakeFirst();
  return (await inState('running')) !== undefined || (await inState('pending')) !== undefined;
}

/** A small row of each database, whatever there are of backups. */
async function dueDatabase(db: Db, now: Date, everyDays: number) {
  const at = now.toISOString();
  const yesterday = new Date(now.getTime() - DAY_MS).toISOString();
  const rows = await db
    .selectFrom('newest_backups')
    .innerJoin('databases', 'databases.id', 'newest_backups.database_id')
    .leftJoin('database_schedules as counts', 'counts.database_id', 'databases.id')
    .leftJoin('schedules', 'schedules.id', 'counts.schedule_id')
    .select(['databases.id', 'databases.created_at', 'databases.read_in_full_at'])
    .select(['newest_backups.good_id', 'schedules.verify_every_days'])
    .where('newest_backups.good_id', 'is not', null)
    .where((eb) =>
      eb.or([
        eb('databases.full_read_tried_at', 'is', null),
        eb('databases.full_read_tried_at', '<=', yesterday),
        // From the future: the clock was set back.
        eb('databases.full_read_tried_at', '>', at),
      ]),
    )
    .orderBy((eb) => eb.fn.coalesce('databases.full_read_tried_at', eb.val('')))
    .orderBy('databases.id')
    .execute();
  for (const { id, good_id, created_at, read_in_full_at, verify_every_days } of rows) {
    const days = verify_every_days ?? everyDays;
    if (days === 0 || good_id === null) continue;
    const isFuture = read_in_full_at !== null && read_in_full_at > at;
    const last = isFuture ? '' : (read_in_full_at ?? created_at);
    if (last < turnBefore(id, now, days).toISOString()) return { id, good_id };
  }
  return undefined;
}

/** The last instant at which it was that database's turn: one in so many days, at a time of its own, always the same. */
export function turnBefore(databaseId: string, now: Date, everyDays: number): Date {
  const period = everyDays * DAY_MS;
  const phase = Math.floor(shareOf(databaseId) * period);
  return new Date(Math.floor((now.getTime() - phase) / period) * period + phase);
}
