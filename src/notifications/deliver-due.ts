import { createSlots } from '../at-once.ts';
import type { Db, DeliveryWay } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { listDue, putOff, settleDelivery, takeDelivery } from './deliveries.ts';
import type { DeliverContext, Send, Sender } from './send.ts';
import { sendChat } from './send-chat.ts';
import { sendMail } from './send-mail.ts';
import { hostOfWebhook, sendWebhook } from './send-webhook.ts';

const SENDERS: Readonly<Record<DeliveryWay, Sender>> = {
  email: { host: async () => 'email', send: sendMail },
  channel: { host: async () => null, send: sendChat },
  webhook: { host: hostOfWebhook, send: sendWebhook },
};

const AT_ONCE = 8;
/** Of one environment's webhooks, or to one channel: what is dead there takes no place from all others. */
const AT_ONCE_IN_LANE = 2;
/** Nothing more is begun after that: what has come meanwhile is looked for, and is sent before what failed. */
const ROUND_MS = 20_000;

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
  const round: Round = { claimedBy: newId(), away: new Set() };
  const endsAt = now().getTime() + ROUND_MS;
  const due = await listDue(db, way, now());
  const laneOf = await lanesOf(db, way, due);
  const slots = createSlots(AT_ONCE);
  const bySlots = new Map(due.map((id) => [laneOf(id), createSlots(AT_ONCE_IN_LANE)]));
  const inTurn = async (id: string) => {
    const leaveLane = await bySlots.get(laneOf(id))?.take();
    const leave = await slots.take();
    try {
      if (signal.aborted || now().getTime() > endsAt) return;
      await deliver(context, SENDERS[way], id, round, signal);
    } catch (error) {
      if (!signal.aborted) log.error('a notification could not be sent', { deliveryId: id, error });
    } finally {
      leave();
      leaveLane?.();
    }
  };
  await Promise.all(due.map(inTurn));
}

interface Round {
  readonly claimedBy: string;
  /** Recipients' hosts that did not answer in this round. */
  readonly away: Set<string>;
}

/** What is sent beside each other with a limit of its own: all mail goes to one server, which has that of all. */
async function lanesOf(db: Db, way: DeliveryWay, ids: readonly string[]): Promise<(id: string) => string> {
  if (way === 'email' || ids.length === 0) return (id) => id;
  const rows = await db
    .selectFrom('deliveries')
    .leftJoin('webhook_subscriptions', 'webhook_subscriptions.id', 'deliveries.target_id')
    .select(['deliveries.id', 'deliveries.target_id', 'webhook_subscriptions.environment_id'])
    .where('deliveries.id', 'in', ids)
    .execute();
  const lanes = new Map(rows.map((row) => [row.id, row.environment_id ?? row.target_id]));
  return (id) => lanes.get(id) ?? id;
}

async function deliver(
  context: DeliverContext,
  send: Sender,
  id: string,
  { claimedBy, away }: Round,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, log } = context;
  const taken = await takeDelivery(db, id, claimedBy, now());
  if (taken === null) return;
  const host = await hostOf(() => send.host(context, taken));
  const key = host ?? taken.delivery.target_id;
  if (away.has(key)) {
    await putOff(db, taken, claimedBy, now());
    return;
  }
  const { outcome, hasAnswered } = await trying(
    () => send.send(context, taken, signal),
    signal,
    (error) => log.error('a notification could not be sent', { deliveryId: id, error }),
  );
  if (!hasAnswered) away.add(key);
  const settled = await settleDelivery(context, taken, claimedBy, outcome);
  if (settled === 'given-up' && !outcome.isOk) {
    const { way, event } = taken.delivery;
    log.warn('a notification was given up', { deliveryId: id, way, event, reason: outcome.reason });
  }
}

/** Null where it can't be known: whoever sends finds out why. */
async function hostOf(host: () => Promise<string | null>): Promise<string | null> {
  try {
    return await host();
  } catch (error) {
    if (isAppError(error, 'secret_unreadable')) return null;
    throw error;
  }
}

/** Whatever it stumbles over is a failure of that one: nothing is tried for ever without a word. */
async function trying(
  send: () => ReturnType<Send>,
  signal: AbortSignal,
  tell: (error: unknown) => void,
): ReturnType<Send> {
  try {
    return await send();
  } catch (error) {
    if (signal.aborted || isAppError(error, 'unavailable')) throw error;
    const isKnown = isAppError(error, 'secret_unreadable');
    if (!isKnown) tell(error);
    const reason = isKnown ? error.message : 'It could not be sent: see the log of the app for why.';
    const outcome = { isOk: false, status: null, reason, mayPass: true, isRecipient: false } as const;
    return { outcome, hasAnswered: true };
  }
}
