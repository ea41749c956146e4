import type { DeliveryRow, Trx } from '../db/schema.ts';
import { recordEvent } from '../events/events.ts';
import type { Outcome } from './outcome.ts';

/** What a way out is called, and which row tells how it works; null where the contract has none (webhooks of environments). */
const TABLES = { email: 'smtp_settings', channel: 'notification_channels', webhook: null } as const;

/** From so many failures in a row on people are told by the other ways; at once where trying again is of no use. */
const TELLS_FROM = 3;

/**
 * Notes how the mail server, or a channel, has done, in the write of what became of a message. That it does not work any more,
 * and that it does again, are events, once each.
 */
export async function noteOutcome(
  trx: Trx,
  delivery: DeliveryRow,
  outcome: Outcome,
  about: { readonly attempts: number; readonly isLast: boolean; readonly at: Date },
): Promise<void> {
  const table = TABLES[delivery.way];
  if (table === null || (!outcome.isOk && outcome.isRecipient)) return;
  const { at } = about;
  const way = await trx
    .selectFrom(table)
    .select(['id', 'failing_since'])
    .$if(table === 'notification_channels', (query) => query.where('id', '=', delivery.target_id))
    .executeTakeFirst();
  if (way === undefined) return;
  const isBroken = !outcome.isOk && (about.isLast || about.attempts >= TELLS_FROM);
  const now = at.toISOString();
  await trx
    .updateTable(table)
    .set(
      outcome.isOk
        ? { last_ok_at: now, last_error: null, failing_since: null }
        : {
            last_error: outcome.reason,
            ...(isBroken && way.failing_since === null ? { failing_since: now } : {}),
          },
    )
    .where('id', '=', way.id)
    .execute();
  const channel = delivery.way === 'email' ? 'e-mail' : `the channel “${delivery.recipient}”`;
  const targetId = delivery.way === 'email' ? 'email' : delivery.target_id;
  const of = { databaseId: null, environmentId: null };
  if (!outcome.isOk && isBroken && way.failing_since === null) {
    const data = { channel, targetId, error: outcome.reason };
    await recordEvent(trx, { type: 'channel.failed', ...of, data }, at);
  }
  if (outcome.isOk && way.failing_since !== null) {
    await recordEvent(trx, { type: 'channel.recovered', ...of, data: { channel, targetId } }, at);
  }
}
