import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { urlOfTarget } from '../channels/target-url.ts';
import type { Db, EventRow, Trx, WebhookSubscriptionRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { secretField } from '../fields.ts';
import { newId } from '../ids.ts';
import type { Page } from '../page.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import { privateHostsOf, readSettings } from '../settings/settings.ts';
import { forgetDeliveriesTo } from './deliveries.ts';
import { parseJson } from './parse-json.ts';
import { newWebhookSecret } from './webhook-message.ts';

/** What may be subscribed to, by the contract; of what other parts of BRIDGEPORT tell, nothing happens here. */
export const WEBHOOK_EVENTS = [
  ...(['deployment.completed', 'deployment.failed', 'plan.completed', 'plan.failed'] as const),
  ...(['plan.rolled_back', 'backup.completed', 'backup.failed', 'sync.completed'] as const),
] as const;

export const subscriptionInput = z.object({
  url: secretField(2048).min(1),
  secret: secretField(1024).min(1).optional(),
  /** Makes one, which is answered this once. */
  generateSecret: z.boolean().optional(),
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(100),
  enabled: z.boolean().default(true),
});
export type SubscriptionInput = Readonly<z.infer<typeof subscriptionInput>>;

/** Without what it is signed with; of the address what is no secret. */
export interface Subscription {
  readonly id: string;
  readonly environmentId: string;
  /** Empty where it can't be read. */
  readonly url: string;
  /** The master key opens its address: else nothing is sent, and it can be deleted. */
  readonly isReadable: boolean;
  readonly events: readonly string[];
  readonly hasSecret: boolean;
  readonly enabled: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const MOST = 100;

/** Throws `not_found` without that environment, `invalid` for an address that nothing may be sent to, `conflict` for too many. */
export async function createSubscription(
  context: VaultContext,
  actor: Actor,
  environmentId: string,
  input: SubscriptionInput,
): Promise<{ readonly subscription: Subscription; readonly secret: string | null }> {
  const { db, now, vault } = context;
  const { privateHosts } = await readSettings(db);
  const url = urlOfTarget(input.url, privateHostsOf(privateHosts));
  const id = newId();
  const made = input.secret === undefined && input.generateSecret === true ? newWebhookSecret() : null;
  const secret = input.secret ?? made;
  const sealed = {
    url: await vault.seal(url.href, SEALED.webhookUrl.identity(id)),
    secret: secret === null ? null : await vault.seal(secret, SEALED.webhookSecret.identity(id)),
  };
  const row = await write(db, async (trx) => {
    await requireEnvironment(trx, environmentId);
    const { count } = await trx
      .selectFrom('webhook_subscriptions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('environment_id', '=', environmentId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= MOST) {
      throw new AppError(
        'conflict',
        `The environment has ${MOST} webhooks, the most that it may. Delete one first.`,
      );
    }
    const at = now().toISOString();
    const events = JSON.stringify([...new Set(input.events)]);
    const inserted = await trx
      .insertInto('webhook_subscriptions')
      .values({
        ...{ id, environment_id: environmentId, ...sealed, events, enabled: input.enabled ? 1 : 0 },
        ...{ created_at: at, updated_at: at },
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const of = { id, name: url.host, environmentId };
    await recordAudit(trx, actor, auditEntry('webhook_subscription', 'create', of), now());
    return inserted;
  });
  return { subscription: await shown(context, row), secret: made };
}

/** Oldest first. Throws `not_found` without that environment. */
export async function listSubscriptions(
  context: VaultContext,
  environmentId: string,
): Promise<readonly Subscription[]> {
  await requireEnvironment(context.db, environmentId);
  const rows = await context.db
    .selectFrom('webhook_subscriptions')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return Promise.all(rows.map((row) => shown(context, row)));
}

/** A page of those of every environment, oldest first; `total` counts all. */
export async function listAllSubscriptions(
  context: VaultContext,
  page: Page,
): Promise<{ readonly subscriptions: readonly Subscription[]; readonly total: number }> {
  const rows = await context.db
    .selectFrom('webhook_subscriptions')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const { total } = await context.db
    .selectFrom('webhook_subscriptions')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return {
    subscriptions: await Promise.all(rows.map((row) => shown(context, row))),
    total: Number(total),
  };
}

/** Throws `not_found`, also for one of another environment. */
export async function getSubscription(
  context: VaultContext,
  environmentId: string,
  id: string,
): Promise<Subscription> {
  return shown(context, await subscriptionRow(context.db, environmentId, id));
}

/** With what was still to be sent to it. Throws `not_found`. */
export async function deleteSubscription(
  { db, now }: Pick<VaultContext, 'db' | 'now'>,
  actor: Actor,
  environmentId: string,
  id: string,
): Promise<void> {
  await write(db, async (trx) => {
    await subscriptionRow(trx, environmentId, id);
    await trx.deleteFrom('webhook_subscriptions').where('id', '=', id).execute();
    await forgetDeliveriesTo(trx, 'webhook', id);
    await recordAudit(trx, actor, auditEntry('webhook_subscription', 'delete', { id, environmentId }), now());
  });
}

export async function subscriptionRow(
  db: Db | Trx,
  environmentId: string,
  id: string,
): Promise<WebhookSubscriptionRow> {
  const row = await db
    .selectFrom('webhook_subscriptions')
    .selectAll()
    .where('id', '=', id)
    .where('environment_id', '=', environmentId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Webhook subscription not found');
  return row;
}

const eventNames = z.array(z.string());

/** None where they are damaged. */
const eventsIn = (text: string) => parseJson(eventNames, text) ?? [];

/** Puts an event of a backup on its way to each who wants it; part of the write that tells people of it. */
export async function queueWebhooks(trx: Trx, row: EventRow, at: Date): Promise<void> {
  if (row.environment_id === null) return;
  if (row.type !== 'backup.completed' && row.type !== 'backup.failed') return;
  const subscriptions = await trx
    .selectFrom('webhook_subscriptions')
    .select(['id', 'events'])
    .where('environment_id', '=', row.environment_id)
    .where('enabled', '=', 1)
    .execute();
  const wanting = subscriptions.filter(({ events }) => eventsIn(events).includes(row.type));
  if (wanting.length === 0) return;
  const body = bodyOf(row);
  if (body === null) return;
  const now = at.toISOString();
  const deliveries = wanting.map(({ id }) => ({
    ...({ id: newId(), way: 'webhook', target_id: id, recipient: 'webhook', event: row.type, body } as const),
    ...({ status: 'pending', attempts: 0, created_at: now, next_try_at: now } as const),
  }));
  await trx.insertInto('deliveries').values(deliveries).execute();
}

const told = z.object({ backupId: z.string(), databaseName: z.string(), error: z.string().optional() });

/** By the contract. */
function bodyOf({
  type,
  environment_id: environmentId,
  database_id: databaseId,
  data,
  created_at,
}: EventRow): string | null {
  const parsed = told.safeParse(JSON.parse(data));
  if (!parsed.success) return null;
  const { backupId, databaseName, error } = parsed.data;
  const success = type === 'backup.completed';
  const status = success ? 'completed' : 'failed';
  return JSON.stringify({
    ...{ event: type, environmentId, timestamp: created_at },
    data: { backupId, databaseId, databaseName, success, status, ...(error === undefined ? {} : { error }) },
  });
}

async function requireEnvironment(db: Db | Trx, id: string): Promise<void> {
  const row = await db.selectFrom('environments').select('id').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Environment not found');
}

async function shown({ vault }: VaultContext, row: WebhookSubscriptionRow): Promise<Subscription> {
  return {
    ...{ id: row.id, environmentId: row.environment_id, hasSecret: row.secret !== null },
    ...(await addressOf(vault, row)),
    events: eventsIn(row.events),
    ...{ enabled: row.enabled === 1, createdAt: row.created_at, updatedAt: row.updated_at },
  };
}

async function addressOf(
  vault: VaultContext['vault'],
  { id, url }: WebhookSubscriptionRow,
): Promise<Pick<Subscription, 'url' | 'isReadable'>> {
  try {
    return { url: await vault.open(url, SEALED.webhookUrl.identity(id)), isReadable: true };
  } catch (error) {
    // It takes no other from the list, and can be deleted there.
    if (!isAppError(error, 'secret_unreadable')) throw error;
    return { url: '', isReadable: false };
  }
}
