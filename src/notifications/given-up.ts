import type { DeliveryRow, Trx } from '../db/schema.ts';
import { eventOf, subjectOf } from './announce.ts';
import { idOf, tellAgain } from './spells.ts';
import { isTypeId } from './types.ts';

/** What reached nobody is told again after that, if it still lasts: no oftener than people would look. */
const TELL_AGAIN_MS = 60 * 60_000;
/** A message may have been begun before its last item came, by no more than it is waited for and tried. */
const BEGUN_BEFORE_MS = 60 * 60_000;
const CHUNK = 200;

/**
 * Has trouble that lasts, and that a message was to tell of which is given up, told again: unless another message of it has
 * arrived or may arrive still. Part of the write that gives it up.
 */
export async function noteGivenUp(trx: Trx, delivery: DeliveryRow, at: Date): Promise<void> {
  if (delivery.way === 'webhook') return;
  const items = await trx
    .selectFrom('delivery_items')
    .innerJoin('events', 'events.id', 'delivery_items.event_id')
    .selectAll('events')
    .select('delivery_items.type_id')
    .where('delivery_items.delivery_id', '=', delivery.id)
    .execute();
  const tellAt = new Date(at.getTime() + TELL_AGAIN_MS).toISOString();
  const begunFrom = new Date(Date.parse(delivery.created_at) - BEGUN_BEFORE_MS).toISOString();
  for (let from = 0; from < items.length; from += CHUNK) {
    const some = items.slice(from, from + CHUNK);
    const elsewhere = await trx
      .selectFrom('deliveries')
      .innerJoin('delivery_items', 'delivery_items.delivery_id', 'deliveries.id')
      .select(['delivery_items.event_id', 'delivery_items.type_id'])
      .where('deliveries.created_at', '>=', begunFrom)
      .where('deliveries.status', '!=', 'failed')
      .where('deliveries.id', '!=', delivery.id)
      .where(
        'delivery_items.event_id',
        'in',
        some.map(({ id }) => id),
      )
      .execute();
    const told = new Set(elsewhere.map((row) => `${row.type_id} ${row.event_id}`));
    for (const { type_id: typeId, ...row } of some) {
      if (!isTypeId(typeId) || told.has(`${typeId} ${row.id}`)) continue;
      await tellAgain(trx, idOf(typeId, subjectOf(row, eventOf(row))), tellAt);
    }
  }
}
