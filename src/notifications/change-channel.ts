import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { urlOfTarget } from '../channels/target-url.ts';
import type { Db, NotificationChannelRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { nameField, secretField } from '../fields.ts';
import { SEALED } from '../secrets/sealed.ts';
import { privateHostsOf, readSettings } from '../settings/settings.ts';
import {
  channelSecret,
  refusal,
  requireEnvironment,
  type ShownChannel,
  sendTest,
  shown,
} from './channels.ts';
import { CHAT_KINDS } from './chat.ts';
import type { Outcome } from './outcome.ts';
import type { DeliverContext } from './send.ts';
import { SEVERITIES } from './types.ts';
import { nameOf, noteWorks, stateAfter } from './way-state.ts';

export const channelChange = z.object({
  name: nameField.optional(),
  /** Absent or blank keeps the stored one. */
  url: secretField(2048).nullish(),
  /** Absent or blank keeps the stored one, which belongs to the scheme, host and port of its URL. */
  secret: channelSecret.nullish(),
  /** The stored secret is no longer sent. */
  forgetSecret: z.boolean().optional(),
  leastSeverity: z.enum(SEVERITIES).optional(),
  /** Null: of all environments. */
  environmentId: z.string().min(1).max(64).nullable().optional(),
  /** Saved though the test message was not taken. */
  saveAnyway: z.boolean().optional(),
});
export type ChannelChange = Readonly<z.infer<typeof channelChange>>;

/**
 * Changes what is given of a channel; where that is its URL or its secret, a test message is sent first. Throws `not_found`, also for the
 * environment; `invalid` where the test message was not taken, for an address that nothing may be sent to, and where the stored secret
 * would go to another host or port, or by another scheme; `conflict` where somebody else has changed the channel meanwhile.
 */
export async function changeChannelOf(
  context: DeliverContext,
  actor: Actor,
  id: string,
  change: ChannelChange,
  signal: AbortSignal,
): Promise<ShownChannel> {
  const before = await channelRow(context.db, id);
  const after = await changed(context, before, change);
  const isElsewhere = after.url !== before.url || after.secret !== before.secret;
  const outcome = isElsewhere ? await sendTest(context, after, signal) : null;
  if (outcome !== null && !outcome.isOk && change.saveAnyway !== true) throw refusal(outcome.reason);
  const save = (seen: NotificationChannelRow) =>
    saveChange(context, actor, { seen, columns: columnsOf(before, after), outcome });
  const saved = (await save(before)) ?? (await save(await resealedRow(context, before)));
  if (saved === null) throw changedMeanwhile();
  return shown(saved);
}

/** The sealed ones only where they change: what was read before the test message may be sealed by another master key now. */
function columnsOf(before: NotificationChannelRow, after: NotificationChannelRow) {
  const { name, url, secret, host, least_severity, environment_id } = after;
  return {
    ...{ name, least_severity, environment_id },
    ...(url === before.url ? {} : { url, host }),
    ...(secret === before.secret ? {} : { secret }),
  };
}

interface Changing {
  /** As it is expected to be. */
  readonly seen: NotificationChannelRow;
  readonly columns: ReturnType<typeof columnsOf>;
  /** Of the test message; null: none was sent. */
  readonly outcome: Outcome | null;
}

/** Null, with nothing written, where its URL or its secret is sealed otherwise than seen. */
function saveChange(
  { db, now }: DeliverContext,
  actor: Actor,
  { seen, columns, outcome }: Changing,
): Promise<NotificationChannelRow | null> {
  return write(db, async (trx) => {
    const at = now();
    const row = await channelRow(trx, seen.id);
    if (row.updated_at !== seen.updated_at) throw changedMeanwhile();
    if (row.url !== seen.url || row.secret !== seen.secret) return null;
    await requireEnvironment(trx, columns.environment_id);
    const saved = await trx
      .updateTable('notification_channels')
      .set({ ...columns, updated_at: laterThan(row.updated_at, at) })
      .set(outcome === null ? {} : stateAfter(outcome, at))
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (outcome?.isOk === true) await noteWorks(trx, nameOf(saved), row, at);
    const changes = { urlChanged: columns.url !== undefined, secretChanged: columns.secret !== undefined };
    const details = { host: saved.host, ...changes };
    await recordAudit(trx, actor, auditEntry('notification_channel', 'update', saved, { details }), at);
    return saved;
  });
}

/** The row as it is sealed anew. Throws `conflict` where more than that has changed, and `secret_unreadable`. */
async function resealedRow(
  { db, vault }: DeliverContext,
  before: NotificationChannelRow,
): Promise<NotificationChannelRow> {
  const row = await channelRow(db, before.id);
  const opened = async ({ id, url, secret }: NotificationChannelRow) => [
    await vault.open(url, SEALED.channelUrl.identity(id)),
    secret === null ? null : await vault.open(secret, SEALED.channelSecret.identity(id)),
  ];
  const [[wasUrl, wasSecret], [url, secret]] = [await opened(before), await opened(row)];
  if (url !== wasUrl || secret !== wasSecret) throw changedMeanwhile();
  return row;
}

function changedMeanwhile(): AppError {
  return new AppError(
    'conflict',
    'Somebody else has changed the channel meanwhile. Look at it, and change it again.',
  );
}

/** The row as it will be, not saved yet. */
async function changed(
  { db, vault }: DeliverContext,
  before: NotificationChannelRow,
  change: ChannelChange,
): Promise<NotificationChannelRow> {
  const { id, kind } = before;
  const url = change.url ? await newUrl(db, kind, change.url) : null;
  const keepsSecret = !change.secret && change.forgetSecret !== true;
  if (
    url !== null &&
    before.secret !== null &&
    keepsSecret &&
    url.origin !== (await originOf(vault, before))
  ) {
    throw refusal(
      'Enter the secret again: the stored one was given for another scheme (http or https), host or port.',
      'secret',
    );
  }
  const secret = change.secret
    ? await vault.seal(change.secret, SEALED.channelSecret.identity(id))
    : change.forgetSecret === true
      ? null
      : before.secret;
  return {
    ...before,
    ...{ name: change.name ?? before.name, secret, host: url?.host ?? before.host },
    url: url === null ? before.url : await vault.seal(url.href, SEALED.channelUrl.identity(id)),
    least_severity: change.leastSeverity ?? before.least_severity,
    environment_id: change.environmentId === undefined ? before.environment_id : change.environmentId,
  };
}

/** Scheme, host and port: by http a token would be read by whoever stands between. Null where the stored URL can't be opened. */
async function originOf(
  vault: DeliverContext['vault'],
  { id, url }: NotificationChannelRow,
): Promise<string | null> {
  try {
    return new URL(await vault.open(url, SEALED.channelUrl.identity(id))).origin;
  } catch (error) {
    if (!isAppError(error, 'secret_unreadable')) throw error;
    return null;
  }
}

async function newUrl(db: Db, kind: NotificationChannelRow['kind'], typed: string): Promise<URL> {
  const { privateHosts } = await readSettings(db);
  const url = urlOfTarget(typed, privateHostsOf(privateHosts));
  const why = CHAT_KINDS[kind].refuses(url);
  if (why !== null) throw refusal(why);
  return url;
}

async function channelRow(db: Db | Trx, id: string): Promise<NotificationChannelRow> {
  const row = await db
    .selectFrom('notification_channels')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Channel not found');
  return row;
}

/** So that two changes of one millisecond differ. */
function laterThan(seen: string, at: Date): string {
  return new Date(Math.max(at.getTime(), Date.parse(seen) + 1)).toISOString();
}
