import * as z from 'zod';
import { changeChannelOf, channelChange } from '../../notifications/change-channel.ts';
import {
  channelInput,
  createChannelOf,
  listChannels,
  removeChannel,
  tryChannel,
} from '../../notifications/channels.ts';
import { CHANNEL_KINDS } from '../../notifications/chat.ts';
import { SEVERITIES } from '../../notifications/types.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

/** Neither its URL, which may hold a token, nor its secret. */
const channel = z.object({
  ...{ id, kind: z.enum(CHANNEL_KINDS), name: z.string(), host: z.string(), hasSecret: z.boolean() },
  leastSeverity: z.enum(SEVERITIES),
  environmentId: id.nullable(),
  lastOkAt: instant.nullable(),
  lastError: z.string().nullable(),
  failingSince: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
});

const path = '/api/admin/notification-channels';

/** Chat and services of one's own that are told what people are told. */
export function notificationChannelRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path,
      access: 'admin',
      summary: 'The channels, and whether they take messages; never their URLs and secrets',
      answer: z.object({ channels: z.array(channel) }),
      handle: async () => ({ channels: await listChannels(services.db) }),
    }),
    route({
      method: 'POST',
      path,
      access: 'admin',
      summary: 'Add a channel; it is kept once it has taken a test message',
      body: channelInput,
      secretFields: ['url'],
      answer: z.object({ channel }),
      refusals: [404, 409],
      handle: async ({ actor, body, signal }) => ({
        channel: await createChannelOf(services, actor, body, signal),
      }),
    }),
    route({
      method: 'PATCH',
      path: `${path}/:id`,
      access: 'admin',
      summary: 'Change a channel; a new URL or secret is kept once a test message was taken',
      body: channelChange,
      secretFields: ['url'],
      answer: z.object({ channel }),
      refusals: [404, 409],
      handle: async ({ params, actor, body, signal }) => ({
        channel: await changeChannelOf(services, actor, params.id, body, signal),
      }),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      access: 'admin',
      summary: 'Tell a channel nothing any more',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await removeChannel(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: `${path}/:id/test`,
      access: 'admin',
      summary: 'Send a channel a test message, and say what became of it',
      answer: z.object({ success: z.boolean(), error: z.string().optional() }),
      refusals: [404],
      handle: async ({ params, signal }) => {
        const outcome = await tryChannel(services, params.id, signal);
        return outcome.isOk ? { success: true } : { success: false, error: outcome.reason };
      },
    }),
  ] as const;
}
