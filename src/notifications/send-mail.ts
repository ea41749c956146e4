import { readSettings } from '../settings/settings.ts';
import { type Composed, composeNews, htmlOf, textOf } from './compose.ts';
import { messageIdOf } from './deliveries.ts';
import { mailOfReport, parseReport } from './report-mail.ts';
import type { Send } from './send.ts';
import { serverOf } from './smtp-settings.ts';

const PREFIX = { info: '', warning: '', critical: '[critical] ' } as const;

/** To the address that its user has now. */
export const sendMail: Send = async (context, taken, signal) => {
  const { delivery, items, total } = taken;
  const { db, mailer } = context;
  const row = await db.selectFrom('smtp_settings').selectAll().limit(1).executeTakeFirst();
  const user = await db
    .selectFrom('users')
    .select('email')
    .where('id', '=', delivery.target_id)
    .executeTakeFirst();
  if (row === undefined || user === undefined) {
    const reason = row === undefined ? 'There is no mail server any more.' : 'The user is gone.';
    const outcome = { isOk: false, status: null, reason, mayPass: false, isRecipient: true } as const;
    return { outcome, hasAnswered: true };
  }
  const { publicUrl } = await readSettings(db);
  const ownUrl = publicUrl?.replace(/\/+$/, '') ?? null;
  const said =
    delivery.body === null
      ? mailOfNews(composeNews({ items, total, publicUrl: ownUrl }))
      : mailOfReport(parseReport(delivery.body), ownUrl);
  const mail = { to: user.email, id: messageIdOf(taken), ...said };
  const sent = await mailer.send(await serverOf(context, row), mail, signal);
  if (sent.isTaken) return { outcome: { isOk: true, status: null }, hasAnswered: true };
  const { reason, mayPass, isRecipient } = sent.refused;
  return { outcome: { isOk: false, status: null, reason, mayPass, isRecipient }, hasAnswered: isRecipient };
};

function mailOfNews(news: Composed) {
  return { subject: `${PREFIX[news.severity]}${news.title}`, text: textOf(news), html: htmlOf(news) };
}
