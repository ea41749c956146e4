import * as z from 'zod';
import { listLeftBehind } from '../../leftovers/leftovers.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, pageQuery } from './shapes.ts';

const leftBehind = z.object({
  id,
  kind: z.string(),
  place: z.string(),
  since: instant,
  reason: z.string(),
  tries: z.number().int(),
  nextTryAt: instant.nullable(),
});

export function leftBehindRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/settings/spaces/left-behind',
      access: 'admin',
      summary: 'What could not be removed from storages and hosts yet, and why, the oldest first',
      // As one goes, another one is there: an offset would tell nothing.
      query: pageQuery(100).pick({ limit: true }),
      answer: z.object({ leftBehind: z.array(leftBehind) }),
      handle: async ({ query }) => ({ leftBehind: [...(await listLeftBehind(services.db, query.limit))] }),
    }),
  ] as const;
}
