import * as z from 'zod';
import type { NotificationRow } from '../../db/schema.ts';
import { countNotifications, listNotifications, markAllRead, markRead } from '../../notifications/inbox.ts';
import {
  changePreference,
  listPreferences,
  type Preference,
  preferenceChange,
} from '../../notifications/preferences.ts';
import { changeType, readTypes, type SetType, typeChange } from '../../notifications/type-settings.ts';
import { isTypeId, WAYS } from '../../notifications/types.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, total } from './shapes.ts';

const DEFAULT_LIMIT = 50;
const MOST = 100;

const type = z.object({
  ...{ id, category: z.string(), code: z.string(), name: z.string(), description: z.string() },
  template: z.string(),
  /** A JSON array, as text. */
  defaultChannels: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  enabled: z.boolean(),
  bounceEnabled: z.boolean(),
  bounceThreshold: z.number().int(),
  bounceCooldown: z.number().int(),
  createdAt: instant,
});
const notification = z.object({
  ...{ id, typeId: id, userId: id, title: z.string(), message: z.string() },
  /** JSON, as text. */
  data: z.string(),
  environmentId: id.nullable(),
  databaseId: id.nullable(),
  inAppReadAt: instant.nullable(),
  emailSentAt: instant.nullable(),
  webhookSentAt: instant.nullable(),
  createdAt: instant,
  type,
});
const preference = z.object({
  ...{ id, userId: id, typeId: id },
  ...{ inAppEnabled: z.boolean(), emailEnabled: z.boolean(), webhookEnabled: z.boolean() },
  environmentIds: z.array(id).nullable(),
  createdAt: instant.nullable(),
  updatedAt: instant.nullable(),
  type,
});

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, { error: 'Must be a whole number' })
  .transform(Number);
const inboxQuery = z.object({
  limit: wholeNumber.transform((limit) => Math.min(limit, MOST)).default(DEFAULT_LIMIT),
  offset: wholeNumber.default(0),
  unreadOnly: z.enum(['true', 'false']).optional(),
  environmentId: z.string().max(64).optional(),
  category: z.string().max(64).optional(),
});

/** What one is told, of oneself alone; and for admins the types that there are. */
export function notificationRoutes(services: Services) {
  const { db } = services;
  return [
    route({
      method: 'GET',
      path: '/api/notifications',
      access: 'viewer',
      summary: 'Your notifications, newest first',
      query: inboxQuery,
      answer: z.object({ notifications: z.array(notification), total }),
      handle: async ({ session, query: { limit, offset, unreadOnly, ...rest } }) => {
        const filter = { ...rest, unreadOnly: unreadOnly === 'true' };
        const types = await readTypes(db);
        const rows = await listNotifications(db, session.user.id, filter, { limit, offset });
        return {
          notifications: rows.flatMap((row) => notificationWire(row, types)),
          total: await countNotifications(db, session.user.id, filter),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/notifications/unread-count',
      access: 'viewer',
      summary: 'How many of your notifications you have not read',
      answer: z.object({ count: z.number().int() }),
      handle: async ({ session }) => ({
        count: await countNotifications(db, session.user.id, { unreadOnly: true }),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/notifications/read-all',
      access: 'viewer',
      summary: 'Mark all your notifications as read',
      answer: z.object({ count: z.number().int() }),
      handle: async ({ session }) => ({ count: await markAllRead(services, session.user.id) }),
    }),
    route({
      method: 'POST',
      path: '/api/notifications/:id/read',
      access: 'viewer',
      summary: 'Mark one of your notifications as read',
      answer: z.object({ notification }),
      refusals: [404],
      handle: async ({ session, params }) => {
        const row = await markRead(services, session.user.id, params.id);
        const [shown] = notificationWire(row, await readTypes(db));
        if (shown === undefined) throw new TypeError(`There is no type ${row.type_id}.`);
        return { notification: shown };
      },
    }),
    route({
      method: 'GET',
      path: '/api/notifications/preferences',
      access: 'viewer',
      summary: 'What you are told, and how, of each type',
      answer: z.object({ preferences: z.array(preference) }),
      handle: async ({ session }) => ({
        preferences: (await listPreferences(db, session.user)).map(preferenceWire),
      }),
    }),
    route({
      method: 'PUT',
      path: '/api/notifications/preferences/:typeId',
      access: 'viewer',
      summary: 'Change what you are told of a type, and how',
      body: preferenceChange,
      answer: z.object({ preference }),
      refusals: [404],
      handle: async ({ session, params, body }) => ({
        preference: preferenceWire(await changePreference(services, session.user, params.typeId, body)),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/admin/notification-types',
      access: 'admin',
      summary: 'Everything that people may be told',
      answer: z.object({ types: z.array(type) }),
      handle: async () => ({ types: [...(await readTypes(db)).values()].map(typeWire) }),
    }),
    route({
      method: 'PUT',
      path: '/api/admin/notification-types/:id',
      access: 'admin',
      summary: 'Change by which ways people are told of a type, and how often',
      body: typeChange,
      answer: z.object({ type }),
      refusals: [404],
      handle: async ({ actor, params, body }) => ({
        type: typeWire(await changeType(services, actor, params.id, body)),
      }),
    }),
  ] as const;
}

/** The types came with the part that tells of them. */
const TYPES_SINCE = '2026-11-29T00:00:00.000Z';

function typeWire(of: SetType) {
  const { id, category, name, description, template, severity, enabled } = of;
  const { bounceEnabled, bounceThreshold, bounceCooldown } = of;
  const channels = WAYS.filter((way) => of.defaultChannels.includes(way));
  return {
    ...{ id, category, code: id, name, description, template, severity, enabled },
    defaultChannels: JSON.stringify(channels),
    ...{ bounceEnabled, bounceThreshold, bounceCooldown, createdAt: TYPES_SINCE },
  };
}

/** Nothing of a type that this version does not know. */
function notificationWire(row: NotificationRow, types: ReadonlyMap<string, SetType>) {
  const known = isTypeId(row.type_id) ? types.get(row.type_id) : undefined;
  if (known === undefined) return [];
  const { id, title, message, data } = row;
  return [
    {
      ...{ id, typeId: row.type_id, userId: row.user_id, title, message, data },
      ...{ environmentId: row.environment_id, databaseId: row.database_id },
      ...{ inAppReadAt: row.in_app_read_at, emailSentAt: row.email_sent_at },
      ...{ webhookSentAt: row.webhook_sent_at, createdAt: row.created_at },
      type: typeWire(known),
    },
  ];
}

function preferenceWire({ type: of, ...preference }: Preference) {
  return { id: `${preference.userId}:${of.id}`, typeId: of.id, ...preference, type: typeWire(of) };
}
