import * as z from 'zod';
import {
  getPingTarget,
  pingInput,
  removePingTarget,
  savePingTarget,
  tryPing,
} from '../../pings/ping-target.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { instant, SUCCESS, success } from './shapes.ts';

/** The address itself is never answered: it may hold a token. */
const ping = z.object({
  host: z.string(),
  protocol: z.enum(['healthchecks', 'plain']),
  lastPing: z
    .object({
      kind: z.enum(['start', 'success', 'fail', 'test']),
      at: instant,
      ok: z.boolean(),
      error: z.string().nullable(),
    })
    .nullable(),
  waiting: z.number().int(),
});

const path = '/api/databases/:id/ping';

/** The dead man's switch that is told of a database's backups. */
export function pingRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path,
      access: 'viewer',
      summary:
        'Which dead man’s switch is told of the backups of a database, and what became of the last ping',
      answer: z.object({ ping: ping.nullable() }),
      refusals: [404],
      handle: async ({ params }) => ({ ping: await getPingTarget(services.db, params.id) }),
    }),
    route({
      method: 'PUT',
      path,
      access: 'operator',
      summary: 'Have a dead man’s switch told of each backup of a database',
      body: pingInput,
      secretFields: ['url'],
      answer: z.object({ ping }),
      refusals: [404],
      handle: async ({ params, actor, body }) => ({
        ping: await savePingTarget(services, actor, params.id, body),
      }),
    }),
    route({
      method: 'DELETE',
      path,
      access: 'operator',
      summary: 'Tell no dead man’s switch of the backups of a database any more',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await removePingTarget(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: `${path}/test`,
      access: 'operator',
      summary: 'Send a ping that tells of no backup, and say what became of it',
      answer: z.object({ success: z.boolean(), error: z.string().optional() }),
      refusals: [404],
      handle: async ({ params, actor, signal }) => {
        const verdict = await tryPing(services, actor, params.id, signal);
        return verdict.isOk ? { success: true } : { success: false, error: verdict.reason };
      },
    }),
  ] as const;
}
