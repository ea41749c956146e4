import * as z from 'zod';
import { hasRole, type Role } from '../auth/roles.ts';
import type { Context } from '../db/context.ts';
import type { Db, NotificationPreferenceRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { parseJson } from './parse-json.ts';
import { readTypes, type SetType } from './type-settings.ts';

/** What a user is told of a type, and how. */
export interface Preference {
  readonly userId: string;
  readonly type: SetType;
  readonly inAppEnabled: boolean;
  readonly emailEnabled: boolean;
  /** Kept for clients of the contract: channels are the installation's, and tell whom they tell. */
  readonly webhookEnabled: boolean;
  /** Null: all. */
  readonly environmentIds: readonly string[] | null;
  /** Null: it is what the type says. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

const MOST_ENVIRONMENTS = 1000;

export const preferenceChange = z.object({
  inAppEnabled: z.boolean().optional(),
  emailEnabled: z.boolean().optional(),
  webhookEnabled: z.boolean().optional(),
  environmentIds: z.array(z.string().min(1).max(64)).max(MOST_ENVIRONMENTS).nullable().optional(),
});
export type PreferenceChange = Readonly<z.infer<typeof preferenceChange>>;

/** Whose preferences they are. */
export interface Person {
  readonly id: string;
  readonly role: Role;
}

/** Of each type that the user may be told of. */
export async function listPreferences(db: Db, person: Person): Promise<readonly Preference[]> {
  const rows = await db
    .selectFrom('notification_preferences')
    .selectAll()
    .where('user_id', '=', person.id)
    .execute();
  const byType = new Map(rows.map((row) => [row.type_id, row]));
  const types = [...(await readTypes(db)).values()].filter((type) => isFor(type, person.role));
  return types.map((type) => preferenceOf(person, type, byType.get(type.id)));
}

/** Throws `not_found` for a type that there is not for that user, `forbidden` for who is no user. */
export async function changePreference(
  { db, now }: Context,
  person: Person,
  typeId: string,
  change: PreferenceChange,
): Promise<Preference> {
  return write(db, async (trx) => {
    const type = [...(await readTypes(trx)).values()].find(({ id }) => id === typeId);
    if (type === undefined || !isFor(type, person.role)) {
      throw new AppError('not_found', 'Notification type not found');
    }
    const user = await trx.selectFrom('users').select('id').where('id', '=', person.id).executeTakeFirst();
    if (user === undefined) throw new AppError('forbidden', 'A service account is told nothing.');
    const row = await trx
      .selectFrom('notification_preferences')
      .selectAll()
      .where('user_id', '=', person.id)
      .where('type_id', '=', type.id)
      .executeTakeFirst();
    const before = preferenceOf(person, type, row);
    const at = now().toISOString();
    const environmentIds =
      change.environmentIds === undefined ? before.environmentIds : change.environmentIds;
    const values = {
      in_app_enabled: flag(change.inAppEnabled ?? before.inAppEnabled),
      email_enabled: flag(change.emailEnabled ?? before.emailEnabled),
      webhook_enabled: flag(change.webhookEnabled ?? before.webhookEnabled),
      environment_ids: environmentIds === null ? null : JSON.stringify([...new Set(environmentIds)]),
      updated_at: at,
    } as const;
    const saved = await trx
      .insertInto('notification_preferences')
      .values({ user_id: person.id, type_id: type.id, created_at: at, ...values })
      .onConflict((conflict) => conflict.columns(['user_id', 'type_id']).doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
    return preferenceOf(person, type, saved);
  });
}

/** Of those users, all that they have said of a type, by user. */
export async function preferencesOfType(trx: Trx, type: SetType): Promise<(person: Person) => Preference> {
  const rows = await trx
    .selectFrom('notification_preferences')
    .selectAll()
    .where('type_id', '=', type.id)
    .execute();
  const byUser = new Map(rows.map((row) => [row.user_id, row]));
  return (person) => preferenceOf(person, type, byUser.get(person.id));
}

export function isFor(type: Pick<SetType, 'isForAdmins'>, role: Role): boolean {
  return hasRole(role, 'admin') || type.isForAdmins !== true;
}

const ids = z.array(z.string());

function preferenceOf(
  { id: userId, role }: Person,
  type: SetType,
  row: NotificationPreferenceRow | undefined,
): Preference {
  if (row === undefined) {
    const isOn = hasRole(role, 'admin') || type.isAskedFor !== true;
    return {
      ...{ userId, type, environmentIds: null, createdAt: null, updatedAt: null },
      inAppEnabled: isOn && type.defaultChannels.includes('in_app'),
      emailEnabled: isOn && type.defaultChannels.includes('email'),
      webhookEnabled: isOn && type.defaultChannels.includes('webhook'),
    };
  }
  return {
    ...{ userId, type, createdAt: row.created_at, updatedAt: row.updated_at },
    // One that is damaged narrows nothing.
    environmentIds: row.environment_ids === null ? null : parseJson(ids, row.environment_ids),
    inAppEnabled: row.in_app_enabled === 1,
    emailEnabled: row.email_enabled === 1,
    webhookEnabled: row.webhook_enabled === 1,
  };
}

const flag = (value: boolean) => (value ? 1 : 0);
