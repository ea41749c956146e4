import type { Db, NotificationSpellRow, Trx } from '../db/schema.ts';
import { eventOf, ONE_EVENT, wordsFor } from './announce.ts';
import { endWhatIsOver } from './over.ts';
import { queueMessages, type Recipient } from './queue.ts';
import { readTypes, type SetType } from './type-settings.ts';
import { isTypeId, SEVERITIES } from './types.ts';

/** Trouble beyond that is seen in the app. */
const MOST = 200;

/**
 * Puts all trouble that lasts on its way to those whom that way tells, as far as they were not told of it by it: what is asked
 * for when a way begins to work, or works again. What comes to one recipient is one message. `out`: `email` for the mail of all, or the
 * id of a channel or a user.
 */
export async function queueSummary(trx: Trx, out: string, at: Date): Promise<void> {
  await endWhatIsOver(trx);
  const open = await openTrouble(trx);
  if (open.length === 0) return;
  const oldest = open.reduce(
    (first, { spell }) => (spell.since < first ? spell.since : first),
    at.toISOString(),
  );
  const toldBefore = await toldSince(trx, out, oldest);
  for (const { spell, type } of open) {
    const row = await trx
      .selectFrom('events')
      .selectAll()
      .where('id', '=', spell.event_id)
      .executeTakeFirst();
    const words = row === undefined ? null : wordsFor(spell.type_id, eventOf(row));
    if (row === undefined || words === null) continue;
    const isWanted = ({ way, targetId }: Recipient) =>
      (out === 'email' ? way === 'email' : targetId === out) &&
      (toldBefore.get(keyOf(targetId, spell.type_id, row.database_id ?? row.id)) ?? '') < spell.since;
    const found = await queueMessages(trx, { ...words, type, row }, at, isWanted);
    if (found > 0 && spell.told_at === null) await markTold(trx, spell.id, at);
  }
}

interface Trouble {
  readonly spell: NotificationSpellRow;
  readonly type: SetType;
}

/** The worst and newest first; without what is not to be told yet. */
async function openTrouble(trx: Trx): Promise<readonly Trouble[]> {
  const types = await readTypes(trx);
  const spells = await trx
    .selectFrom('notification_spells')
    .selectAll()
    .where('is_open', '=', 1)
    .orderBy('since', 'desc')
    .execute();
  return spells
    .flatMap((spell) => {
      const type = isTypeId(spell.type_id) ? types.get(spell.type_id) : undefined;
      return type?.enabled === true && isToBeTold(spell, type) ? [{ spell, type }] : [];
    })
    .sort((one, other) => SEVERITIES.indexOf(other.type.severity) - SEVERITIES.indexOf(one.type.severity))
    .slice(0, MOST);
}

function isToBeTold(spell: NotificationSpellRow, type: SetType): boolean {
  if (spell.told_at !== null) return true;
  // Held back because another was told a short while ago: its time comes.
  if (spell.tell_at !== null && spell.last_told_at !== null) return false;
  return !type.bounceEnabled || ONE_EVENT.includes(type.id) || spell.count >= type.bounceThreshold;
}

/** When each was told of what, or is about to be, the last time; of what is about no database, by its event. */
async function toldSince(db: Db | Trx, out: string, since: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('deliveries')
    .innerJoin('delivery_items', 'delivery_items.delivery_id', 'deliveries.id')
    .select(['deliveries.target_id', 'delivery_items.type_id', 'delivery_items.at'])
    .select(({ fn }) => fn.coalesce('delivery_items.database_id', 'delivery_items.event_id').as('subject'))
    .$if(out === 'email', (query) => query.where('deliveries.way', '=', 'email'))
    .$if(out !== 'email', (query) =>
      query.where('deliveries.way', 'in', ['email', 'channel']).where('deliveries.target_id', '=', out),
    )
    .where('deliveries.status', '!=', 'failed')
    .where('delivery_items.at', '>=', since)
    .orderBy('delivery_items.at')
    .execute();
  return new Map(rows.map((row) => [keyOf(row.target_id, row.type_id, row.subject), row.at]));
}

const keyOf = (targetId: string, typeId: string, subject: string) => `${targetId} ${typeId} ${subject}`;

async function markTold(trx: Trx, id: string, at: Date): Promise<void> {
  const now = at.toISOString();
  await trx
    .updateTable('notification_spells')
    .set({ told_at: now, last_told_at: now, tell_at: null })
    .where('id', '=', id)
    .execute();
}
