import type { Sent } from '../channels/channel.ts';
import type { WebhookSubscriptionRow } from '../db/schema.ts';
import { newId } from '../ids.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { Outcome } from './outcome.ts';
import type { DeliverContext, Send, Sender } from './send.ts';
import { webhookMessage } from './webhook-message.ts';
import { subscriptionRow } from './webhook-subscriptions.ts';

export const hostOfWebhook: Sender['host'] = async ({ db, vault }, { delivery }) => {
  const row = await db
    .selectFrom('webhook_subscriptions')
    .select(['id', 'url'])
    .where('id', '=', delivery.target_id)
    .executeTakeFirst();
  if (row === undefined) return null;
  return URL.parse(await vault.open(row.url, SEALED.webhookUrl.identity(row.id)))?.host ?? null;
};

/** To the address that the subscription has, signed anew at each try. */
export const sendWebhook: Send = async (context, { delivery }, signal) => {
  const row = await context.db
    .selectFrom('webhook_subscriptions')
    .selectAll()
    .where('id', '=', delivery.target_id)
    .executeTakeFirst();
  if (row === undefined || delivery.body === null) {
    const reason = 'The subscription is gone.';
    const outcome = { isOk: false, status: null, reason, mayPass: false, isRecipient: true } as const;
    return { outcome, hasAnswered: true };
  }
  const { id, event, body } = delivery;
  const { sent, host } = await post(context, row, { id, event, body }, signal);
  const hasAnswered = 'answer' in sent || !sent.failure.mayPass;
  return { outcome: outcomeOf(host, sent), hasAnswered };
};

/** Sends a subscription something that tells of no backup. Throws `not_found`. */
export async function trySubscription(
  context: DeliverContext,
  environmentId: string,
  id: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const row = await subscriptionRow(context.db, environmentId, id);
  const timestamp = context.now().toISOString();
  const data = { message: 'This is a test: no backup was made.' };
  const body = JSON.stringify({ event: 'test', environmentId, timestamp, data });
  const { sent, host } = await post(context, row, { id: newId(), event: 'test', body }, signal);
  return outcomeOf(host, sent);
}

async function post(
  { channel, vault, now }: DeliverContext,
  row: WebhookSubscriptionRow,
  { id, event, body }: { readonly id: string; readonly event: string; readonly body: string },
  signal: AbortSignal,
): Promise<{ readonly sent: Sent; readonly host: string }> {
  const url = await vault.open(row.url, SEALED.webhookUrl.identity(row.id));
  const secret =
    row.secret === null ? null : await vault.open(row.secret, SEALED.webhookSecret.identity(row.id));
  const message = await webhookMessage(event, { url, body, id, secret, at: now() });
  return { sent: await channel.send(message, signal), host: new URL(url).host };
}

/** Whatever is no success is tried again, as the contract says; but for what may not be sent to at all. */
function outcomeOf(host: string, sent: Sent): Outcome {
  if ('failure' in sent) {
    const { reason, mayPass } = sent.failure;
    return { isOk: false, status: null, reason, mayPass, isRecipient: true };
  }
  const { status } = sent.answer;
  if (status >= 200 && status < 300) return { isOk: true, status };
  const isElsewhere = status >= 300 && status < 400;
  const reason = isElsewhere
    ? `${host} answered ${status}, which leads elsewhere: nothing is sent there. Enter the address that it leads to.`
    : `${host} answered ${status}.`;
  return { isOk: false, status, reason, mayPass: true, isRecipient: true };
}
