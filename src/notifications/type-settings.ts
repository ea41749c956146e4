import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, NotificationTypeRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { parseJson } from './parse-json.ts';
import type { Bounce } from './spell.ts';
import { isTypeId, type NotificationType, TYPE_IDS, type TypeId, typeOf, WAYS } from './types.ts';

/** A type as admins have set it. */
export interface SetType extends NotificationType, Bounce {
  readonly enabled: boolean;
}

const THRESHOLD = 1;
const COOLDOWN_S = 3600;

export const typeChange = z.object({
  defaultChannels: z.array(z.enum(WAYS)).max(WAYS.length).optional(),
  enabled: z.boolean().optional(),
  bounceEnabled: z.boolean().optional(),
  bounceThreshold: z.number().int().min(1).max(100).optional(),
  bounceCooldown: z.number().int().min(60).max(86_400).optional(),
});
export type TypeChange = Readonly<z.infer<typeof typeChange>>;

const ways = z.array(z.enum(WAYS));

/** Every type, in the order of the table. */
export async function readTypes(db: Db | Trx): Promise<ReadonlyMap<TypeId, SetType>> {
  const rows = await db.selectFrom('notification_types').selectAll().execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  return new Map(TYPE_IDS.map((id) => [id, withRow(typeOf(id), byId.get(id))]));
}

/** Changes what is given of a type; for events from then on. Throws `not_found`. */
export async function changeType(
  { db, now }: Context,
  actor: Actor,
  id: string,
  change: TypeChange,
): Promise<SetType> {
  if (!isTypeId(id)) throw new AppError('not_found', 'Notification type not found');
  return write(db, async (trx) => {
    const row = await trx
      .selectFrom('notification_types')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    const type = withRow(typeOf(id), row);
    const after: SetType = {
      ...type,
      defaultChannels: change.defaultChannels ?? type.defaultChannels,
      enabled: change.enabled ?? type.enabled,
      bounceEnabled: change.bounceEnabled ?? type.bounceEnabled,
      bounceThreshold: change.bounceThreshold ?? type.bounceThreshold,
      bounceCooldown: change.bounceCooldown ?? type.bounceCooldown,
    };
    const values = {
      default_channels: JSON.stringify(WAYS.filter((way) => after.defaultChannels.includes(way))),
      enabled: after.enabled ? 1 : 0,
      bounce_enabled: after.bounceEnabled ? 1 : 0,
      bounce_threshold: after.bounceThreshold,
      bounce_cooldown: after.bounceCooldown,
      updated_at: now().toISOString(),
    } as const;
    await trx
      .insertInto('notification_types')
      .values({ id, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
    const entry = auditEntry('notification_type', 'update', { id, name: type.name }, { details: change });
    await recordAudit(trx, actor, entry, now());
    return after;
  });
}

function withRow(type: NotificationType, row: NotificationTypeRow | undefined): SetType {
  if (row === undefined) {
    return { ...type, enabled: true, bounceThreshold: THRESHOLD, bounceCooldown: COOLDOWN_S };
  }
  return {
    ...type,
    // What is damaged is as if nobody had set it: it must keep nobody from being told.
    defaultChannels: parseJson(ways, row.default_channels) ?? type.defaultChannels,
    enabled: row.enabled === 1,
    bounceEnabled: row.bounce_enabled === 1,
    bounceThreshold: row.bounce_threshold,
    bounceCooldown: row.bounce_cooldown,
  };
}
