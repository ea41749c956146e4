import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db, DeliveryItemRow, DeliveryRow, DeliveryWay, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { noteGivenUp } from './given-up.ts';
import type { Outcome } from './outcome.ts';
import { noteOutcome } from './way-state.ts';

interface Patience {
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly mostTries: number;
}

/** Mail and chat: some nine hours. Webhooks: as the contract says. */
const PATIENCE: Readonly<Record<DeliveryWay, Patience>> = {
  email: { firstPauseMs: 30_000, longestPauseMs: 30 * 60_000, mostTries: 24 },
  channel: { firstPauseMs: 30_000, longestPauseMs: 30 * 60_000, mostTries: 24 },
  webhook: { firstPauseMs: 5_000, longestPauseMs: 60_000, mostTries: 5 },
};

/** Of what seldom passes: some four minutes. */
const BRIEF_TRIES = 4;
/** Longer than a message may take, with what is written before and after it. */
const LEASE_MS = 120_000;
/** More news than that at once are a storm: it is waited for a minute from the first on, and one message tells of all. */
const CALM = 5;
const STORM_MS = 60_000;
const MOST_LISTED = 200;
/** A clock that was set back by more than any pause. */
const FAR_MS = 2 * 60 * 60_000;

/** Ids of what is to be sent now by that way, those that were never tried and then the longest waiting first. */
export async function listDue(
  db: Db,
  way: DeliveryWay,
  now: Date,
  most = MOST_LISTED,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select('id')
    .where('next_try_at', 'is not', null)
    .where('way', '=', way)
    .where((eb) =>
      eb.or([eb('next_try_at', '<=', now.toISOString()), eb('next_try_at', '>', later(now, FAR_MS))]),
    )
    .where((eb) =>
      eb.or([
        eb('lease_until', 'is', null),
        eb('lease_until', '<=', now.toISOString()),
        eb('lease_until', '>', later(now, FAR_MS)),
      ]),
    )
    .orderBy(sql`case attempts when 0 then 0 else 1 end`)
    .orderBy('next_try_at')
    .limit(most)
    .execute();
  return rows.map(({ id }) => id);
}

export interface Taken {
  readonly delivery: DeliveryRow;
  /** The worst and then the newest first; no more of a storm than a message can tell. */
  readonly items: readonly DeliveryItemRow[];
  readonly total: number;
}

const MOST_ITEMS = 50;

/**
 * What whoever is sent it knows it by: the same at each try, and another one once it tells of more, which nobody is to drop as the
 * message that has arrived before.
 */
export function messageIdOf({ delivery, total }: Taken): string {
  return total > 1 ? `${delivery.id}-${total}` : delivery.id;
}

/** For whoever asks to send it: nobody else is given it meanwhile. Null where it is not to be sent now. */
export async function takeDelivery(db: Db, id: string, claimedBy: string, now: Date): Promise<Taken | null> {
  return write(db, async (trx) => {
    const row = await trx.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined || row.next_try_at === null || !isFree(row, now)) return null;
    if (row.attempts >= PATIENCE[row.way].mostTries) {
      await giveUpUnsettled(trx, row, now);
      return null;
    }
    const { total } = await trx
      .selectFrom('delivery_items')
      .select(({ fn }) => fn.countAll<number>().as('total'))
      .where('delivery_id', '=', id)
      .executeTakeFirstOrThrow();
    const calmAt = new Date(Date.parse(row.created_at) + STORM_MS);
    const isStorm = Number(total) > CALM && row.attempts === 0;
    if (isStorm && calmAt > now && calmAt.getTime() - now.getTime() <= STORM_MS) {
      await trx
        .updateTable('deliveries')
        .set({ next_try_at: calmAt.toISOString() })
        .where('id', '=', id)
        .execute();
      return null;
    }
    const delivery = await trx
      .updateTable('deliveries')
      .set({
        // Counted before it is sent: who is killed each time has tried as often as anybody else.
        attempts: row.attempts + 1,
        next_try_at: later(now, pauseMsOf(row.way, row.attempts + 1)),
        ...{ claimed_by: claimedBy, lease_until: later(now, LEASE_MS) },
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const items = await trx
      .selectFrom('delivery_items')
      .selectAll()
      .where('delivery_id', '=', id)
      .orderBy(sql`case severity when 'critical' then 0 when 'warning' then 1 else 2 end`)
      .orderBy('at', 'desc')
      .orderBy('event_id')
      .limit(MOST_ITEMS)
      .execute();
    return { delivery, items, total: Number(total) };
  });
}

/** Writes what became of one that was taken: it is delivered, tried again, or given up; and how well its way works. */
export async function settleDelivery(
  { db, now }: Context,
  { delivery }: Taken,
  claimedBy: string,
  outcome: Outcome,
): Promise<'delivered' | 'again' | 'given-up' | 'lost'> {
  const at = now();
  const { attempts } = delivery;
  const isLast = !outcome.isOk && (!outcome.mayPass || attempts >= mostTriesOf(delivery.way, outcome));
  return write(db, async (trx) => {
    const settled = await trx
      .updateTable('deliveries')
      .set({
        status: outcome.isOk ? 'delivered' : isLast ? 'failed' : 'pending',
        next_try_at: outcome.isOk || isLast ? null : later(at, pauseMsOf(delivery.way, attempts)),
        last_error: outcome.isOk ? null : outcome.reason,
        response_status: outcome.status,
        delivered_at: outcome.isOk ? at.toISOString() : null,
        ...{ claimed_by: null, lease_until: null },
      })
      .where('id', '=', delivery.id)
      .where('claimed_by', '=', claimedBy)
      .returning('id')
      .executeTakeFirst();
    if (settled === undefined) return 'lost';
    if (outcome.isOk) await noteSent(trx, delivery, at);
    await noteOutcome(trx, delivery, outcome, { attempts, isLast, at });
    if (isLast) await noteGivenUp(trx, delivery, at);
    return outcome.isOk ? 'delivered' : isLast ? 'given-up' : 'again';
  });
}

/** Whoever sent it the last time that it may be was killed before it could say what became of it. */
async function giveUpUnsettled(trx: Trx, row: DeliveryRow, at: Date): Promise<void> {
  const reason = 'The app was stopped each time before it knew what had become of it.';
  await trx
    .updateTable('deliveries')
    .set({ status: 'failed', next_try_at: null, last_error: row.last_error ?? reason })
    .set({ claimed_by: null, lease_until: null })
    .where('id', '=', row.id)
    .execute();
  await noteGivenUp(trx, row, at);
}

function mostTriesOf(way: DeliveryWay, { isBrief }: { readonly isBrief?: true }): number {
  return isBrief === true ? BRIEF_TRIES : PATIENCE[way].mostTries;
}

/** Before the next try, after so many. */
function pauseMsOf(way: DeliveryWay, attempts: number): number {
  const { firstPauseMs, longestPauseMs } = PATIENCE[way];
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1));
}

/** Those that an earlier process, which is gone for certain, was about to send: they wait for their pause and no longer. */
export async function giveBackDeliveries(trx: Trx): Promise<void> {
  await trx
    .updateTable('deliveries')
    .set({ claimed_by: null, lease_until: null })
    .where('next_try_at', 'is not', null)
    .where('claimed_by', 'is not', null)
    .execute();
}

/** Gives back one that nobody tried to send, for a while. */
export async function putOff(db: Db, { delivery }: Taken, claimedBy: string, now: Date): Promise<void> {
  await write(db, (trx) =>
    trx
      .updateTable('deliveries')
      .set({
        attempts: delivery.attempts - 1,
        next_try_at: later(now, PATIENCE[delivery.way].firstPauseMs),
        ...{ claimed_by: null, lease_until: null },
      })
      .where('id', '=', delivery.id)
      .where('claimed_by', '=', claimedBy)
      .execute(),
  );
}

/** Those to a recipient that is no more. */
export async function forgetDeliveriesTo(trx: Trx, way: DeliveryWay, targetId: string | null): Promise<void> {
  await trx
    .deleteFrom('deliveries')
    .where('next_try_at', 'is not', null)
    .where('way', '=', way)
    .$if(targetId !== null, (query) => query.where('target_id', '=', targetId ?? ''))
    .execute();
}

/** Users see when what they are told in the app was also sent. */
async function noteSent(trx: Trx, { id, way, target_id: targetId }: DeliveryRow, at: Date): Promise<void> {
  if (way === 'webhook') return;
  const column = way === 'email' ? 'email_sent_at' : 'webhook_sent_at';
  await trx
    .updateTable('notifications')
    .set({ [column]: at.toISOString() })
    .where('event_id', 'in', (eb) =>
      eb.selectFrom('delivery_items').select('event_id').where('delivery_id', '=', id),
    )
    .$if(way === 'email', (query) => query.where('user_id', '=', targetId))
    .where(column, 'is', null)
    .execute();
}

function isFree({ claimed_by: by, lease_until: until }: DeliveryRow, now: Date): boolean {
  if (by === null || until === null) return true;
  return until <= now.toISOString() || until > later(now, 2 * LEASE_MS);
}

const later = (now: Date, ms: number) => new Date(now.getTime() + ms).toISOString();
