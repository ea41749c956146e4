import { eachAtOnce } from '../at-once.ts';
import type { DeliveryWay } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { listDue, putOff, settleDelivery, takeDelivery } from './deliveries.ts';
import type { DeliverContext, Send } from './send.ts';
import { sendChat } from './send-chat.ts';
import { sendMail } from './send-mail.ts';
import { sendWebhook } from './send-webhook.ts';

const SENDERS: Readonly<Record<DeliveryWay, Send>> = {
  email: sendMail,
  channel: sendChat,
  webhook: sendWebhook,
};

const AT_ONCE = 4;

/** Whether something is to be sent by that way now. */
export async function hasDue(
  { db, now }: Pick<DeliverContext, 'db' | 'now'>,
  way: DeliveryWay,
): Promise<boolean> {
  return (await listDue(db, way, now(), 1)).length > 0;
}

/**
 * Sends what is due by one way, several at once. Each is taken before it is sent and settled after that: whoever is killed
 * between the two has sent it, perhaps, and it is sent again when its lease is over; it is never lost. What fails for one keeps
 * nobody from theirs.
 */
export async function deliverDue(
  context: DeliverContext,
  way: DeliveryWay,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, log } = context;
  const send = SENDERS[way];
  const round: Round = { claimedBy: newId(), away: new Set() };
  await eachAtOnce(await listDue(db, way, now()), AT_ONCE, async (id) => {
    if (signal.aborted) return;
    try {
      await deliver(context, send, id, round, signal);
    } catch (error) {
      if (!signal.aborted) log.error('a notification could not be sent', { deliveryId: id, error });
    }
  });
}

interface Round {
  readonly claimedBy: string;
  /** Recipients' hosts that did not answer in this round. */
  readonly away: Set<string>;
}

async function deliver(
  context: DeliverContext,
  send: Send,
  id: string,
  { claimedBy, away }: Round,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, log } = context;
  const taken = await takeDelivery(db, id, claimedBy, now());
  if (taken === null) return;
  const key = taken.delivery.way === 'email' ? 'email' : taken.delivery.target_id;
  if (away.has(key)) {
    await putOff(db, taken, claimedBy, now());
    return;
  }
  const { outcome, hasAnswered } = await trying(() => send(context, taken, signal));
  if (!hasAnswered) away.add(key);
  const settled = await settleDelivery(context, taken, claimedBy, outcome);
  if (settled === 'given-up' && !outcome.isOk) {
    const { way, event } = taken.delivery;
    log.warn('a notification was given up', { deliveryId: id, way, event, reason: outcome.reason });
  }
}

/** A secret that can't be opened is no reason to try for ever without a word. */
async function trying(send: () => ReturnType<Send>): ReturnType<Send> {
  try {
    return await send();
  } catch (error) {
    if (!isAppError(error, 'secret_unreadable')) throw error;
    const outcome = {
      isOk: false,
      status: null,
      reason: error.message,
      mayPass: true,
      isRecipient: false,
    } as const;
    return { outcome, hasAnswered: true };
  }
}
