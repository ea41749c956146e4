import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { urlOfTarget } from '../channels/target-url.ts';
import { byBytes } from '../db/kind.ts';
import type { ChannelKind, Db, NotificationChannelRow, Severity, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { nameField, secretField } from '../fields.ts';
import { newId } from '../ids.ts';
import { SEALED } from '../secrets/sealed.ts';
import { privateHostsOf, readSettings } from '../settings/settings.ts';
import { CHANNEL_KINDS, CHAT_KINDS } from './chat.ts';
import { forgetDeliveriesTo } from './deliveries.ts';
import type { Outcome } from './outcome.ts';
import type { DeliverContext } from './send.ts';
import { sendTo } from './send-chat.ts';
import { forgetSpell } from './spells.ts';
import { SEVERITIES } from './types.ts';
import { nameOf, noteWorks, stateAfter } from './way-state.ts';

// It goes into a header, or signs what is sent: a line that was pasted along is a mistake in either.
export const channelSecret = secretField(1024).regex(/^[\t\x20-\x7e\u{a0}-\u{10ffff}]*$/u, {
  error: 'Must be of one line, without control characters',
});

export const channelInput = z.object({
  kind: z.enum(CHANNEL_KINDS),
  name: nameField,
  url: secretField(2048).min(1),
  secret: channelSecret.nullish(),
  /** What is less bad is not told there; that trouble is over always is. */
  leastSeverity: z.enum(SEVERITIES).default('warning'),
  /** Null: of all environments. */
  environmentId: z.string().min(1).max(64).nullish(),
  /** Saved though the test message was not taken. */
  saveAnyway: z.boolean().optional(),
});
export type ChannelInput = Readonly<z.infer<typeof channelInput>>;

/** Neither its URL nor its secret. */
export interface ShownChannel {
  readonly id: string;
  readonly kind: ChannelKind;
  readonly name: string;
  readonly host: string;
  readonly hasSecret: boolean;
  readonly leastSeverity: Severity;
  readonly environmentId: string | null;
  readonly lastOkAt: string | null;
  readonly lastError: string | null;
  readonly failingSince: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const MOST = 50;

/** By name. */
export async function listChannels(db: Db): Promise<readonly ShownChannel[]> {
  const rows = await db
    .selectFrom('notification_channels')
    .selectAll()
    .orderBy('name', byBytes(db))
    .orderBy('id')
    .execute();
  return rows.map(shown);
}

/**
 * Sends a test message there, and keeps the channel where it was taken. Throws `invalid` where it was not, with what came back,
 * and for an address that nothing may be sent to; `conflict` for too many; `not_found` without that environment.
 */
export async function createChannelOf(
  context: DeliverContext,
  actor: Actor,
  input: ChannelInput,
  signal: AbortSignal,
): Promise<ShownChannel> {
  const { db, now, vault } = context;
  const { privateHosts } = await readSettings(db);
  const url = urlOfTarget(input.url, privateHostsOf(privateHosts));
  const why = CHAT_KINDS[input.kind].refuses(url);
  if (why !== null) throw refusal(why);
  const id = newId();
  const at = now().toISOString();
  const secret = input.secret ? input.secret : null;
  const row: NotificationChannelRow = {
    ...{ id, kind: input.kind, name: input.name, host: url.host, enabled: 1 },
    url: await vault.seal(url.href, SEALED.channelUrl.identity(id)),
    secret: secret === null ? null : await vault.seal(secret, SEALED.channelSecret.identity(id)),
    ...{ least_severity: input.leastSeverity, environment_id: input.environmentId ?? null },
    ...{ last_ok_at: null, last_error: null, failing_since: null, created_at: at, updated_at: at },
  };
  const outcome = await sendTest(context, row, signal);
  if (!outcome.isOk && input.saveAnyway !== true) throw refusal(outcome.reason);
  await write(db, async (trx) => {
    const { count } = await trx
      .selectFrom('notification_channels')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    if (Number(count) >= MOST)
      throw new AppError('conflict', `There are ${MOST} channels, the most that there may be.`);
    await requireEnvironment(trx, row.environment_id);
    await trx
      .insertInto('notification_channels')
      .values({ ...row, ...stateAfter(outcome, now()) })
      .execute();
    if (outcome.isOk) await noteWorks(trx, nameOf(row), null, now());
    const details = { kind: row.kind, host: row.host, tested: outcome.isOk };
    await recordAudit(trx, actor, auditEntry('notification_channel', 'create', row, { details }), now());
  });
  return shown({ ...row, ...stateAfter(outcome, new Date(at)) });
}

/** Sends a test message by what is stored. Throws `not_found`. */
export async function tryChannel(context: DeliverContext, id: string, signal: AbortSignal): Promise<Outcome> {
  const row = await context.db
    .selectFrom('notification_channels')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Channel not found');
  const outcome = await sendTest(context, row, signal);
  await write(context.db, async (trx) => {
    const at = context.now();
    const before = await trx
      .selectFrom('notification_channels')
      .select(['failing_since', 'last_ok_at'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (before === undefined) return;
    await trx
      .updateTable('notification_channels')
      .set(stateAfter(outcome, at))
      .where('id', '=', id)
      .execute();
    if (outcome.isOk) await noteWorks(trx, nameOf(row), before, at);
  });
  return outcome;
}

/** With what was still to be sent there. Throws `not_found`. */
export async function removeChannel(
  { db, now }: Pick<DeliverContext, 'db' | 'now'>,
  actor: Actor,
  id: string,
): Promise<void> {
  await write(db, async (trx) => {
    const row = await trx
      .deleteFrom('notification_channels')
      .where('id', '=', id)
      .returning(['id', 'name'])
      .executeTakeFirst();
    if (row === undefined) throw new AppError('not_found', 'Channel not found');
    await forgetDeliveriesTo(trx, 'channel', id);
    await forgetSpell(trx, 'system.channel_failed', { databaseId: null, id });
    await recordAudit(trx, actor, auditEntry('notification_channel', 'delete', row), now());
  });
}

/** Sends a test message to a channel, stored or not yet. */
export function sendTest(
  context: DeliverContext,
  row: NotificationChannelRow,
  signal: AbortSignal,
): Promise<Outcome> {
  const at = context.now().toISOString();
  const message = 'This is a test: what happens to backups is told here.';
  const item = {
    severity: 'info',
    title: 'Test of BRIDGEPORT Storage',
    message,
    database_id: null,
    at,
  } as const;
  return sendTo(context, row, { items: [item], total: 1, id: newId() }, signal);
}

export function shown(row: NotificationChannelRow): ShownChannel {
  return {
    ...{ id: row.id, kind: row.kind, name: row.name, host: row.host, hasSecret: row.secret !== null },
    ...{ leastSeverity: row.least_severity, environmentId: row.environment_id },
    ...{ lastOkAt: row.last_ok_at, lastError: row.last_error, failingSince: row.failing_since },
    ...{ createdAt: row.created_at, updatedAt: row.updated_at },
  };
}

export function refusal(message: string, field = 'url'): AppError {
  return new AppError('invalid', 'Invalid input', {
    details: { issues: [{ path: [field], message, code: 'custom' }] },
  });
}

/** Throws `not_found`; null is all of them. */
export async function requireEnvironment(trx: Trx, id: string | null): Promise<void> {
  if (id === null) return;
  const row = await trx.selectFrom('environments').select('id').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Environment not found');
}
