import type { Sent } from '../channels/channel.ts';
import type { NotificationChannelRow } from '../db/schema.ts';
import { SEALED } from '../secrets/sealed.ts';
import { readSettings } from '../settings/settings.ts';
import { CHAT_KINDS } from './chat.ts';
import type { News } from './compose.ts';
import { messageIdOf } from './deliveries.ts';
import type { Outcome } from './outcome.ts';
import type { DeliverContext, Send } from './send.ts';

/** In the words and the form of its kind. */
export const sendChat: Send = async (context, taken, signal) => {
  const { delivery, items, total } = taken;
  const row = await context.db
    .selectFrom('notification_channels')
    .selectAll()
    .where('id', '=', delivery.target_id)
    .executeTakeFirst();
  if (row === undefined) {
    const outcome = { isOk: false, status: null, reason: 'The channel is gone.', mayPass: false } as const;
    return { outcome: { ...outcome, isRecipient: true }, hasAnswered: true };
  }
  const outcome = await sendTo(context, row, { items, total, id: messageIdOf(taken) }, signal);
  return { outcome, hasAnswered: outcome.isOk || outcome.status !== null };
};

/** Throws `secret_unreadable`, and for the signal. */
export async function sendTo(
  { db, vault, channel, now }: DeliverContext,
  row: NotificationChannelRow,
  { id, items, total }: Pick<News, 'items' | 'total'> & { readonly id: string },
  signal: AbortSignal,
): Promise<Outcome> {
  const { publicUrl } = await readSettings(db);
  const news = { items, total, publicUrl: publicUrl?.replace(/\/+$/, '') ?? null };
  const url = await vault.open(row.url, SEALED.channelUrl.identity(row.id));
  const secret =
    row.secret === null ? null : await vault.open(row.secret, SEALED.channelSecret.identity(row.id));
  const message = await CHAT_KINDS[row.kind].message({ news, url, secret, id, at: now() });
  return outcomeOf(row.host, await channel.send(message, signal));
}

/**
 * What refuses for good is not asked again: people are told by the other ways. That it knows no such address, or wants another
 * key, is what a proxy answers as well while the service behind it is away: that is tried a few times.
 */
function outcomeOf(host: string, sent: Sent): Outcome {
  if ('failure' in sent) return { isOk: false, status: null, isRecipient: false, ...sent.failure };
  const { status } = sent.answer;
  if (status >= 200 && status < 300) return { isOk: true, status };
  const isBrief = status === 401 || status === 403 || status === 404;
  const mayPass = isBrief || status >= 500 || status === 408 || status === 425 || status === 429;
  const isElsewhere = status >= 300 && status < 400;
  const reason = isElsewhere
    ? `${host} answered ${status}, which leads elsewhere: enter the address that it leads to.`
    : `${host} answered ${status}${mayPass && !isBrief ? '' : ': it knows no such address, or takes no such message'}.`;
  const brief = isBrief ? ({ isBrief } as const) : {};
  return { isOk: false, status, reason, mayPass, isRecipient: false, ...brief };
}
