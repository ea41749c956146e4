import type { DeliveryItemRow, DeliveryWay, EventRow, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';
import { isFor, preferencesOfType } from './preferences.ts';
import type { SetType } from './type-settings.ts';
import { isAtLeast, type TypeId } from './types.ts';
import { isConcerned, isOneUsersOwn } from './whose.ts';
import { isWithin } from './within.ts';
import type { Told } from './words.ts';

/** So long further news for the same recipient are waited for, before one message tells of all. */
export const COLLECT_MS = 10_000;
/** One that has failed so often already takes no more of them. */
const MOST_ATTEMPTS = 3;
const CHUNK = 500;

export interface ToSend extends Told {
  readonly type: SetType;
  readonly row: EventRow;
}

/** Whom a message is for: a user, or a channel. */
export interface Recipient {
  readonly way: Exclude<DeliveryWay, 'webhook'>;
  readonly targetId: string;
  readonly name: string;
}

/**
 * Puts it on its way to the mail of each user who wants that, and to the channels; where one waits to be sent, into that one.
 * Gives how many it is on its way to: of whom asks for it, and who passes `isWanted`.
 */
export async function queueMessages(
  trx: Trx,
  told: ToSend,
  at: Date,
  isWanted: (recipient: Recipient) => boolean = () => true,
): Promise<number> {
  const all = [...(await mailsOf(trx, told)), ...(await channelsOf(trx, told))];
  const recipients = all.filter(isWanted);
  for (let from = 0; from < recipients.length; from += CHUNK) {
    await addTo(trx, recipients.slice(from, from + CHUNK), told, at);
  }
  return recipients.length;
}

async function mailsOf(trx: Trx, { type, row }: ToSend): Promise<readonly Recipient[]> {
  const server = await trx.selectFrom('smtp_settings').select('id').limit(1).executeTakeFirst();
  if (server === undefined || isAbout(row, 'email')) return [];
  const users = await trx.selectFrom('users').select(['id', 'email', 'role']).execute();
  const preferenceOf = await preferencesOfType(trx, type);
  return users.flatMap(({ id, email, role }) => {
    const { emailEnabled, environmentIds } = preferenceOf({ id, role });
    const isWithout = !emailEnabled || isAbout(row, id);
    const isTheirs = isFor(type, role) && isConcerned(row, { id, role });
    const isWanted = !isWithout && isTheirs && isWithin(row.environment_id, environmentIds);
    return isWanted ? [{ way: 'email' as const, targetId: id, name: email }] : [];
  });
}

/** That trouble is over is told where the trouble was. */
const GOOD_NEWS: readonly TypeId[] = [
  ...(['backup.recovered', 'system.channel_recovered'] as const),
  ...(['system.disk_recovered', 'storage.capability_recovered'] as const),
];

async function channelsOf(trx: Trx, { type, row }: ToSend): Promise<readonly Recipient[]> {
  if (!type.defaultChannels.includes('webhook') || isOneUsersOwn(row)) return [];
  const channels = await trx
    .selectFrom('notification_channels')
    .select(['id', 'name', 'least_severity', 'environment_id'])
    .where('enabled', '=', 1)
    .execute();
  return (
    channels
      .filter((channel) => isAtLeast(type.severity, channel.least_severity) || GOOD_NEWS.includes(type.id))
      // What is of no environment names databases, accounts and storage of any: it is not for whoever was given one.
      .filter(({ environment_id: of }) => of === null || of === row.environment_id)
      .filter(({ id }) => !isAbout(row, id))
      .map(({ id, name }) => ({ way: 'channel', targetId: id, name }))
  );
}

/** Of a mail with a report all of it; null: what is sent is made of its items. */
function bodyFor({ way }: Recipient, { type, data }: EventRow): string | null {
  return way === 'email' && type === 'report.weekly' ? JSON.stringify(JSON.parse(data).report) : null;
}

/** What does not work is not told by itself. */
function isAbout({ type, data }: EventRow, targetId: string): boolean {
  return type === 'channel.failed' && JSON.parse(data).targetId === targetId;
}

async function addTo(trx: Trx, recipients: readonly Recipient[], told: ToSend, at: Date): Promise<void> {
  const waiting = await trx
    .selectFrom('deliveries')
    .select(['id', 'way', 'target_id'])
    .where('next_try_at', 'is not', null)
    .where('claimed_by', 'is', null)
    .where('attempts', '<', MOST_ATTEMPTS)
    // A report is a mail of its own.
    .where('body', 'is', null)
    .where('way', 'in', ['email', 'channel'])
    .where(
      'target_id',
      'in',
      recipients.map(({ targetId }) => targetId),
    )
    .execute();
  const byTarget = new Map(waiting.map((row) => [`${row.way} ${row.target_id}`, row.id]));
  const now = at.toISOString();
  const added = recipients.map((recipient) => {
    const isOwn = bodyFor(recipient, told.row) !== null;
    const known = isOwn ? undefined : byTarget.get(`${recipient.way} ${recipient.targetId}`);
    return { recipient, id: known ?? newId(), isNew: known === undefined };
  });
  const fresh = added.flatMap(({ recipient, id, isNew }) =>
    isNew ? [freshRow(recipient, id, told, at)] : [],
  );
  if (fresh.length > 0) await trx.insertInto('deliveries').values(fresh).execute();
  const { type, row, title, message } = told;
  const items: readonly DeliveryItemRow[] = added.map(({ id }) => ({
    ...{ delivery_id: id, event_id: row.id, type_id: type.id, severity: type.severity, title, message },
    ...{ database_id: row.database_id, at: now },
  }));
  await trx
    .insertInto('delivery_items')
    .values(items)
    .onConflict((conflict) => conflict.columns(['delivery_id', 'event_id', 'type_id']).doNothing())
    .execute();
}

function freshRow(recipient: Recipient, id: string, { type, row }: ToSend, at: Date) {
  const { way, targetId, name } = recipient;
  return {
    ...{ id, way, target_id: targetId, recipient: name, event: type.id, body: bodyFor(recipient, row) },
    ...({ status: 'pending', attempts: 0, created_at: at.toISOString() } as const),
    next_try_at: new Date(at.getTime() + COLLECT_MS).toISOString(),
  } as const;
}
