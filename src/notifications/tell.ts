import type { Context } from '../db/context.ts';
import type { Db, EventRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { type Announcement, announce, eventOf, wordsFor } from './announce.ts';
import { endWhatIsOver } from './over.ts';
import { isFor, preferencesOfType } from './preferences.ts';
import { queueMessages } from './queue.ts';
import { takeHeld, untell } from './spells.ts';
import { createStumbles, type Stumbles } from './stumbles.ts';
import { queueSummary } from './summary.ts';
import { readTypes, type SetType } from './type-settings.ts';
import { isTypeId } from './types.ts';
import { queueWebhooks } from './webhook-subscriptions.ts';
import { isConcerned } from './whose.ts';
import { isWithin } from './within.ts';

export interface TellContext extends Context {
  readonly log: Log;
}

const AT_A_TIME = 100;
const CHUNK = 500;

/** Whether something happened that nobody was told of yet, or what was held back is to be told. */
export async function hasNews({ db, now }: Context): Promise<boolean> {
  const untold = await db.selectFrom('events').select('id').where('told_at', 'is', null).limit(1).execute();
  return untold.length > 0 || (await heldSpells(db, now(), [], 1)).length > 0;
}

/** What tells people, for as long as the app runs: it knows what it has stumbled over. */
export function createTeller(context: TellContext): (signal?: AbortSignal) => Promise<void> {
  const stumbles = createStumbles();
  return (signal) => tellEvents(context, signal, stumbles);
}

/**
 * Makes of each event that nobody was told of what users see in the app and what is to be sent, in the order in which they
 * happened. Of each, all of it is one write: whoever is stopped in the middle has written nothing, and it is done again; whoever
 * does it at the same time finds it done. One that can’t be told keeps no other waiting: it is tried again after a while, and
 * put aside after some tries, with a line in the log. Throws `unavailable`.
 */
export async function tellEvents(
  context: TellContext,
  signal?: AbortSignal,
  stumbles: Stumbles = createStumbles(),
): Promise<void> {
  const { db, now, log } = context;
  const attempt = async (id: string, tellIt: () => Promise<void>, putAside: () => Promise<void>) => {
    try {
      await tellIt();
      stumbles.forget(id);
    } catch (error) {
      if (isAppError(error, 'unavailable')) throw error;
      const isLast = stumbles.add(id, now());
      log.error(isLast ? 'something is put aside untold' : 'something can’t be told yet', { id, error });
      if (!isLast) return;
      await putAside();
      stumbles.forget(id);
    }
  };
  // First: what was held back has waited longest.
  for (const { id } of await heldSpells(db, now(), stumbles.waiting(now()), AT_A_TIME)) {
    if (signal?.aborted) return;
    const tellIt = () => write(db, (trx) => tellHeld(trx, id, now()));
    await attempt(id, tellIt, () => write(db, (trx) => untell(trx, id)));
  }
  for (;;) {
    const rows = await untoldEvents(db, stumbles.waiting(now()));
    for (const row of rows) {
      if (signal?.aborted) return;
      const tellIt = () => write(db, (trx) => tell(trx, row, now(), log));
      await attempt(row.id, tellIt, () => markTold(db, row.id, now()));
    }
    if (rows.length < AT_A_TIME) return;
  }
}

async function untoldEvents(db: Db, without: readonly string[]): Promise<readonly EventRow[]> {
  return db
    .selectFrom('events')
    .selectAll()
    .where('told_at', 'is', null)
    .$if(without.length > 0, (query) => query.where('id', 'not in', without))
    .orderBy('created_at')
    .orderBy('id')
    .limit(AT_A_TIME)
    .execute();
}

async function markTold(db: Db, id: string, at: Date): Promise<void> {
  await write(db, (trx) =>
    trx.updateTable('events').set({ told_at: at.toISOString() }).where('id', '=', id).execute(),
  );
}

async function tell(trx: Trx, row: EventRow, at: Date, log: Log): Promise<void> {
  const marked = await trx
    .updateTable('events')
    .set({ told_at: at.toISOString() })
    .where('id', '=', row.id)
    .where('told_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (marked === undefined) return;
  const types = await readTypes(trx);
  let announcements: readonly Announcement[];
  try {
    announcements = await announce(trx, row, types);
  } catch (error) {
    // One that nobody can read must not keep all others from being told.
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    log.error('an event can’t be read', { eventId: row.id, type: row.type, error });
    return;
  }
  for (const announcement of announcements) {
    const type = types.get(announcement.typeId);
    const told = type?.enabled === true ? { ...announcement, type, row } : null;
    if (told !== null) await notifyUsers(trx, told, at);
    if (!announcement.isSent) continue;
    const found = told === null ? 0 : await queueMessages(trx, told, at);
    // Nobody is there to be told by: it is told when somebody is.
    if (found === 0 && announcement.spellId !== null) await untell(trx, announcement.spellId);
  }
  const event = eventOf(row);
  if (event.type === 'channel.recovered') await queueSummary(trx, event.data.targetId, at);
  await queueWebhooks(trx, row, at);
}

/** In the app, each user once. */
async function notifyUsers(
  trx: Trx,
  told: Announcement & { readonly type: SetType; readonly row: EventRow },
  at: Date,
): Promise<void> {
  const { type, row } = told;
  const users = await trx.selectFrom('users').select(['id', 'role']).execute();
  const preferenceOf = await preferencesOfType(trx, type);
  const wanting = users.filter(({ id, role }) => {
    const { inAppEnabled, environmentIds } = preferenceOf({ id, role });
    const isTheirs = isFor(type, role) && isConcerned(row, { id, role });
    return inAppEnabled && isTheirs && isWithin(row.environment_id, environmentIds);
  });
  for (let from = 0; from < wanting.length; from += CHUNK) {
    const rows = wanting.slice(from, from + CHUNK).map(({ id }) => ({
      ...{ id: newId(), event_id: row.id, type_id: type.id, user_id: id, severity: type.severity },
      ...{ title: told.title, message: told.message, data: dataOf(row) },
      ...{ environment_id: row.environment_id, database_id: row.database_id },
      created_at: at.toISOString(),
    }));
    await trx
      .insertInto('notifications')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['event_id', 'user_id', 'type_id']).doNothing())
      .execute();
  }
}

/** What a notification tells beside its words: of a report the week, since its mail and its page have the whole. */
function dataOf({ type, data }: EventRow): string {
  return type === 'report.weekly' ? JSON.stringify({ week: JSON.parse(data).week }) : data;
}

async function heldSpells(db: Db, now: Date, without: readonly string[], most: number) {
  return db
    .selectFrom('notification_spells')
    .select('id')
    .where('tell_at', 'is not', null)
    .where('tell_at', '<=', now.toISOString())
    .$if(without.length > 0, (query) => query.where('id', 'not in', without))
    .orderBy('tell_at')
    .limit(most)
    .execute();
}

/** Its events stand in the app already. */
async function tellHeld(trx: Trx, id: string, at: Date): Promise<void> {
  await endWhatIsOver(trx, id);
  const spell = await takeHeld(trx, id, at);
  if (spell === undefined || !isTypeId(spell.type_id)) return;
  const row = await trx.selectFrom('events').selectAll().where('id', '=', spell.event_id).executeTakeFirst();
  const type = (await readTypes(trx)).get(spell.type_id);
  const words = row === undefined ? null : wordsFor(spell.type_id, eventOf(row));
  const isWorthIt = row !== undefined && words !== null && type?.enabled === true;
  const found = isWorthIt ? await queueMessages(trx, { ...words, type, row }, at) : 0;
  if (found === 0) await untell(trx, id);
}
