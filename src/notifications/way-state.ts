import type { DeliveryRow, Trx } from '../db/schema.ts';
import { recordEvent } from '../events/events.ts';
import type { Outcome } from './outcome.ts';
import { isOpenSpell } from './spells.ts';
import { queueSummary } from './summary.ts';

/** What a way out is called, and which row tells how it works; null where the contract has none (webhooks of environments). */
const TABLES = { email: 'smtp_settings', channel: 'notification_channels', webhook: null } as const;

/** From so many failures in a row on people are told by the other ways; at once where trying again is of no use. */
const TELLS_FROM = 3;

/**
 * Notes how the mail server, or a channel, has done, in the write of what became of a message. That it does not work any more,
 * and that it does again, are events, once each; so it is for a recipient whom the server does not take for good.
 */
export async function noteOutcome(
  trx: Trx,
  delivery: DeliveryRow,
  outcome: Outcome,
  about: { readonly attempts: number; readonly isLast: boolean; readonly at: Date },
): Promise<void> {
  const table = TABLES[delivery.way];
  if (table === null) return;
  const { at } = about;
  if (delivery.way === 'email') await noteRecipient(trx, delivery, outcome, about);
  if (!outcome.isOk && outcome.isRecipient) return;
  const way = await trx
    .selectFrom(table)
    .select(['id', 'failing_since', 'last_ok_at'])
    .$if(table === 'notification_channels', (query) => query.where('id', '=', delivery.target_id))
    .executeTakeFirst();
  if (way === undefined) return;
  const isBroken = !outcome.isOk && (about.isLast || about.attempts >= TELLS_FROM);
  await trx
    .updateTable(table)
    .set({
      ...stateAfter(outcome, at),
      ...(isBroken && way.failing_since === null ? { failing_since: at.toISOString() } : {}),
    })
    .where('id', '=', way.id)
    .execute();
  const of = nameOf(delivery.way === 'email' ? null : { id: delivery.target_id, name: delivery.recipient });
  if (!outcome.isOk && isBroken && way.failing_since === null) await tellFailed(trx, of, outcome.reason, at);
  if (outcome.isOk) await noteWorks(trx, of, way, at);
}

/** How a way out is after a try; what it says of when it began to fail is said by who knows that. */
export function stateAfter(
  outcome: { readonly isOk: true } | { readonly isOk: false; readonly reason: string },
  at: Date,
) {
  return outcome.isOk
    ? { last_ok_at: at.toISOString(), last_error: null, failing_since: null }
    : { last_error: outcome.reason };
}

/**
 * What follows when a way out has taken something: that it works again is told where it was told that it does not; one that never
 * worked before is told of all trouble that lasts. Part of the write that keeps its outcome; null for `before`: there was none.
 */
export async function noteWorks(
  trx: Trx,
  way: WayName,
  before: { readonly failing_since: string | null; readonly last_ok_at: string | null } | null,
  at: Date,
): Promise<void> {
  if (before !== null && before.failing_since !== null) await tellRecovered(trx, way, at);
  else if (before === null || before.last_ok_at === null) await queueSummary(trx, way.targetId, at);
}

export interface WayName {
  /** As people call it. */
  readonly channel: string;
  /** `email`, or the id of the channel or the user. */
  readonly targetId: string;
}

/** Null: the mail of all. */
export function nameOf(channel: { readonly id: string; readonly name: string } | null): WayName {
  return channel === null
    ? { channel: 'e-mail', targetId: 'email' }
    : { channel: `the channel “${channel.name}”`, targetId: channel.id };
}

/** A user whose address the server does not take for good, and takes again. */
async function noteRecipient(
  trx: Trx,
  { target_id: targetId, recipient }: DeliveryRow,
  outcome: Outcome,
  { isLast, at }: { readonly isLast: boolean; readonly at: Date },
): Promise<void> {
  if (!outcome.isOk && !(outcome.isRecipient && isLast)) return;
  const isUser = await trx.selectFrom('users').select('id').where('id', '=', targetId).executeTakeFirst();
  if (isUser === undefined) return;
  const isKnown = await isOpenSpell(trx, 'system.channel_failed', { databaseId: null, id: targetId });
  if (isKnown !== outcome.isOk) return;
  const of = { channel: `mail to ${recipient}`, targetId };
  if (outcome.isOk) await tellRecovered(trx, of, at);
  else await tellFailed(trx, of, outcome.reason, at);
}

const OF_ALL = { databaseId: null, environmentId: null } as const;

async function tellFailed(trx: Trx, way: WayName, error: string, at: Date): Promise<void> {
  await recordEvent(trx, { type: 'channel.failed', ...OF_ALL, data: { ...way, error } }, at);
}

async function tellRecovered(trx: Trx, way: WayName, at: Date): Promise<void> {
  await recordEvent(trx, { type: 'channel.recovered', ...OF_ALL, data: way }, at);
}
