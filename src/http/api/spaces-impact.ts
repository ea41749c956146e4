import * as z from 'zod';
import type { Services } from '../../services-port.ts';
import { environmentImpact, storageImpact } from '../../storage/impact.ts';
import { route } from '../route.ts';
import { id } from './shapes.ts';

const names = z.array(z.string());
const stored = z.object({ count: z.number(), bytes: z.number() });

/** What depends on the storage, to be shown before it is taken away. */
export function spacesImpactRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/settings/spaces/impact',
      access: 'viewer',
      summary: 'What depends on the storage',
      answer: z.object({
        databases: z.object({
          count: z.number(),
          list: z.array(z.object({ id, name: z.string(), environment: z.string() })),
        }),
        environments: z.object({ count: z.number(), names }),
        backups: stored.extend({
          places: z.array(stored.extend({ endpoint: z.string(), bucket: z.string() })),
        }),
      }),
      handle: () => storageImpact(services.db),
    }),
    route({
      method: 'GET',
      path: '/api/settings/spaces/environments/:environmentId/impact',
      access: 'viewer',
      summary: 'The databases whose backups fail once this environment may not use the storage',
      answer: z.object({ enabled: z.boolean(), count: z.number(), names, backups: z.number() }),
      refusals: [404],
      handle: ({ params }) => environmentImpact(services.db, params.environmentId),
    }),
  ] as const;
}
