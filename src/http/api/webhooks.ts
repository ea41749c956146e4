import * as z from 'zod';
import { countDeliveries, listDeliveries } from '../../notifications/delivery-log.ts';
import { trySubscription } from '../../notifications/send-webhook.ts';
import {
  createSubscription,
  deleteSubscription,
  getSubscription,
  listSubscriptions,
  subscriptionInput,
} from '../../notifications/webhook-subscriptions.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { delivery, id, instant, pageQuery, SUCCESS, success, total } from './shapes.ts';

/** Never the secret. `url` is empty where `isReadable` is false: the master key does not open it. */
const subscription = z.object({
  ...{ id, environmentId: id, url: z.string(), events: z.array(z.string()) },
  ...{ isReadable: z.boolean(), hasSecret: z.boolean(), enabled: z.boolean() },
  ...{ createdAt: instant, updatedAt: instant },
});

const path = '/api/environments/:envId/webhooks' as const;
const DEFAULT_LIMIT = 25;

/** Who is told of each backup of an environment. */
export function webhookRoutes(services: Services) {
  const { db } = services;
  return [
    route({
      method: 'POST',
      path,
      access: 'operator',
      summary:
        'Have a URL told of the backups of an environment; a secret that is made is answered this once',
      body: subscriptionInput,
      answer: z.object({ subscription, secret: z.string().optional() }),
      success: 201,
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => {
        const made = await createSubscription(services, actor, params.envId, body);
        const secret = made.secret === null ? {} : { secret: made.secret };
        return { subscription: made.subscription, ...secret };
      },
    }),
    route({
      method: 'GET',
      path,
      access: 'viewer',
      summary: 'The webhooks of an environment; never their secrets',
      answer: z.object({ subscriptions: z.array(subscription) }),
      refusals: [404],
      handle: async ({ params }) => ({ subscriptions: await listSubscriptions(services, params.envId) }),
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      access: 'viewer',
      summary: 'One webhook',
      answer: z.object({ subscription }),
      refusals: [404],
      handle: async ({ params }) => ({
        subscription: await getSubscription(services, params.envId, params.id),
      }),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      access: 'operator',
      summary: 'Tell a URL nothing any more',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await deleteSubscription(services, actor, params.envId, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: `${path}/:id/test`,
      access: 'operator',
      summary: 'Send something that tells of no backup, and say what became of it',
      answer: z.object({
        ...{ success: z.boolean(), responseStatus: z.number().int().nullable() },
        error: z.string().optional(),
      }),
      refusals: [404],
      handle: async ({ params, signal }) => {
        const outcome = await trySubscription(services, params.envId, params.id, signal);
        const responseStatus = outcome.status;
        return outcome.isOk
          ? { success: true, responseStatus }
          : { success: false, responseStatus, error: outcome.reason };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:id/deliveries`,
      access: 'viewer',
      summary: 'What was sent to it, is on its way, or was given up: newest first',
      query: pageQuery(DEFAULT_LIMIT),
      answer: z.object({
        ...{ deliveries: z.array(delivery), total },
        ...{ limit: z.number().int(), offset: z.number().int() },
      }),
      refusals: [404],
      handle: async ({ params, query }) => {
        await getSubscription(services, params.envId, params.id);
        const of = { way: 'webhook', targetId: params.id } as const;
        const deliveries = await listDeliveries(db, of, query);
        return {
          deliveries: deliveries.map(({ way: _, recipient: __, ...rest }) => rest),
          total: await countDeliveries(db, of),
          ...query,
        };
      },
    }),
  ] as const;
}
