import type { Context } from '../db/context.ts';
import type { Db, EventRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Log } from '../log.ts';
import { type Announcement, announce, eventOf } from './announce.ts';
import { isFor, preferencesOfType } from './preferences.ts';
import { queueMessages } from './queue.ts';
import { takeHeld } from './spells.ts';
import { readTypes, type SetType } from './type-settings.ts';
import { isTypeId } from './types.ts';
import { queueWebhooks } from './webhook-subscriptions.ts';
import { isWithin } from './within.ts';
import { wordsOf } from './words.ts';

export interface TellContext extends Context {
  readonly log: Log;
}

const AT_A_TIME = 100;
const CHUNK = 500;

/** Whether something happened that nobody was told of yet, or what was held back is to be told. */
export async function hasNews({ db, now }: Context): Promise<boolean> {
  const untold = await db.selectFrom('events').select('id').where('told_at', 'is', null).limit(1).execute();
  return untold.length > 0 || (await heldSpells(db, now(), 1)).length > 0;
}

/**
 * Makes of each event that nobody was told of what users see in the app and what is to be sent, in the order in which they
 * happened. Of each, all of it is one write: whoever is stopped in the middle has written nothing, and it is done again; whoever
 * does it at the same time finds it done.
 */
export async function tellEvents(context: TellContext, signal?: AbortSignal): Promise<void> {
  const { db, now, log } = context;
  for (;;) {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('told_at', 'is', null)
      .orderBy('created_at')
      .orderBy('id')
      .limit(AT_A_TIME)
      .execute();
    const failures: unknown[] = [];
    for (const row of rows) {
      if (signal?.aborted) return;
      try {
        await write(db, (trx) => tell(trx, row, now(), log));
      } catch (error) {
        if (isAppError(error, 'unavailable')) throw error;
        // One that can't be told keeps no other from being told; it is tried again.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    if (rows.length < AT_A_TIME) break;
  }
  for (const { id } of await heldSpells(db, now(), AT_A_TIME)) {
    if (signal?.aborted) return;
    await write(db, (trx) => tellHeld(trx, id, now()));
  }
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
    if (type === undefined || !type.enabled) continue;
    const told = { ...announcement, type, row };
    await notifyUsers(trx, told, at);
    if (announcement.isSent) await queueMessages(trx, told, at);
  }
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
    const { inAppEnabled, environmentIds } = preferenceOf(id);
    return inAppEnabled && isFor(type, role) && isWithin(row.environment_id, environmentIds);
  });
  for (let from = 0; from < wanting.length; from += CHUNK) {
    const rows = wanting.slice(from, from + CHUNK).map(({ id }) => ({
      ...{ id: newId(), event_id: row.id, type_id: type.id, user_id: id, severity: type.severity },
      ...{ title: told.title, message: told.message, data: row.data },
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

async function heldSpells(db: Db, now: Date, most: number) {
  return db
    .selectFrom('notification_spells')
    .select('id')
    .where('tell_at', 'is not', null)
    .where('tell_at', '<=', now.toISOString())
    .orderBy('tell_at')
    .limit(most)
    .execute();
}

/** Its events stand in the app already. */
async function tellHeld(trx: Trx, id: string, at: Date): Promise<void> {
  const spell = await takeHeld(trx, id, at);
  if (spell === undefined || !isTypeId(spell.type_id)) return;
  const row = await trx.selectFrom('events').selectAll().where('id', '=', spell.event_id).executeTakeFirst();
  const type = (await readTypes(trx)).get(spell.type_id);
  if (row === undefined || type === undefined || !type.enabled) return;
  await queueMessages(trx, { ...wordsOf(eventOf(row)), type, row }, at);
}
